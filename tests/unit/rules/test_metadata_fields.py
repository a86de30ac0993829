"""Every field of `model_meta.json` that is wrong, of no type or missing is told by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxtool.model.bundle import Bundle, load_bundle
from onnxtool.model.metadata import read_metadata
from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.report import Finding
from onnxtool.rules.subject import Settings
from tests.support.planted import words
from tests.support.planted.words import METADATA, with_field

SAMPLE: dict[str, Any] = json.loads((words.SAMPLE / "model_meta.json").read_text())
# Field -> values that it may not have.
WRONG: Mapping[str, tuple[object, ...]] = {
    "model_name": ("parakeet-tdt-0.6b-v3", "", 6),
    "sample_rate": (8000, 44100, 16001, 0, -16000, 16000.5, "16000", True),
    "labels": (["one", "two"], [1, 2], "abc"),
    "blank_id": (0, 34, 36, -1, 35.5, "35", True),
    "tokenizer_vocab_size": (34, 36, 0, -35, 35.5, "35"),
    "joint_vocab_size": (8198, 40, 0, "41", [41]),
    "duration_values": (
        [0, 1, 2, 3],
        [0, 1, 2, 4, 3],
        [0, 1, 2, 3, 8],
        [0, 0, 0, 0, 0],
        [],
        5,
        "5",
    ),
    "torch_version": ("2.9.1", "2.13.1+cpu", "two", 2.13),
    "tensor_layout_contract.encoder_input": (
        "audio: [B, n_mels, T]",
        "audio_signal: [B, n_mels(=128), T]",
        "audio_signal: [B, T]",
        "",
    ),
    "tensor_layout_contract.encoder_output": ("encoder_output: [B, D_enc(=1024), T_enc]", "96"),
    "tensor_layout_contract.predictor_input": ("y: [B, U, V], h/c: [L, B, H]", "tokens: [B, U]"),
    "tensor_layout_contract.predictor_output": ("g: [B, H(=640), U]", "g: [B, U, H(=96)]"),
    "tensor_layout_contract.joint_input": ("predictor_output: [B, 1, U]", "g: [B, 96, U]"),
    "tensor_layout_contract.joint_output": ("joint_output: [B, T, U, V_joint(=8198)]", "logits"),
    "features.type": ("mfcc", "", 1),
    "features.n_fft": (256, 1024, 0, 512.5, "512"),
    "features.n_mels": (128, 64, 0, "80"),
    "features.hop_length": (256, 80, 0, "160"),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    words.build(folder)
    return load_bundle(folder)


@pytest.fixture
def checked(bundle: Bundle, tmp_path: Path) -> Callable[[object], list[Finding]]:
    """What is found in the bundle with other metadata."""

    def findings(fields: object) -> list[Finding]:
        metadata = read_metadata(words.write_metadata(tmp_path, fields))
        settings = Settings(run=False, weights=False)
        found = check(replace(bundle, metadata=metadata), select=["B", "J"], settings=settings)
        assert not found.failed
        return list(found.findings)

    return findings


Checked = Callable[[object], list[Finding]]


def named(findings: list[Finding], name: str) -> list[Finding]:
    """Those that say which field is wrong: by where they are, or in what they say."""
    names = (f"`{name}`", f"`{name.rpartition('.')[2]}`")
    return [
        finding
        for finding in findings
        if finding.location == f"model_meta.json:{name}"
        or any(name in finding.message for name in names)
    ]


def leaves(value: object, name: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [name]
    prefix = f"{name}." if name else ""
    return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{prefix}{key}")]


@pytest.mark.parametrize("fields", [METADATA, SAMPLE], ids=["healthy", "as exported"])
def test_every_field_has_values_that_are_wrong(fields: object) -> None:
    assert sorted(WRONG) == sorted(leaves(fields))


def test_nothing_is_found_in_metadata_that_is_right(checked: Checked) -> None:
    assert not checked(METADATA)


def test_what_the_exporter_wrote_wrongly_is_told_by_name(checked: Checked) -> None:
    findings = checked(SAMPLE)
    wrong = {"model_name", "tokenizer_vocab_size", "duration_values"}
    layouts = set(SAMPLE["tensor_layout_contract"]) - {"encoder_input"}
    wrong |= {f"tensor_layout_contract.{name}" for name in layouts}
    assert {finding.location for finding in findings} == {f"model_meta.json:{n}" for n in wrong}


MUTATIONS = [(name, value) for name, values in WRONG.items() for value in values]
IDS = [f"{name.rpartition('.')[2]}-{json.dumps(value)}" for name, value in MUTATIONS]


@pytest.mark.parametrize(("name", "value"), MUTATIONS, ids=IDS)
def test_a_wrong_value_is_told_by_name(checked: Checked, name: str, value: object) -> None:
    findings = checked(with_field(name, value))
    assert named(findings, name) == findings
    assert findings
    assert named(checked(with_field(name, value, of=SAMPLE)), name)


@pytest.mark.parametrize("value", [None, {"not": "this"}], ids=["null", "object"])
@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_no_type_is_told_by_name(checked: Checked, name: str, value: object) -> None:
    findings = checked(with_field(name, value))
    assert named(findings, name) == findings
    assert findings
    assert named(checked(with_field(name, value, of=SAMPLE)), name)


@pytest.mark.parametrize("name", [*WRONG, "features", "tensor_layout_contract"])
def test_a_missing_field_is_told_by_name(checked: Checked, name: str) -> None:
    where = f"model_meta.json:{name}"
    assert [finding.location for finding in checked(with_field(name))] == [where]
    assert where in {finding.location for finding in checked(with_field(name, of=SAMPLE))}


def test_missing_durations_are_an_error_where_the_joint_has_some(checked: Checked) -> None:
    (finding,) = checked(with_field("duration_values"))
    assert finding.severity is Severity.ERROR


def test_features_that_are_null_are_one_problem(checked: Checked) -> None:
    (finding,) = checked(with_field("features", None))
    assert finding.message == "`features` is null, where an object belongs"


def test_a_value_is_told_as_it_is_in_the_file(checked: Checked) -> None:
    (finding,) = checked(with_field("labels", [1, None]))
    assert finding.message == "`labels` is [1, null], where a list of texts belongs"


LAYOUTS = {
    "bands where time is": ("encoder_input", "audio_signal: [B, T, n_mels]"),
    "a number on a dynamic axis": ("encoder_output", "encoder_output: [B, T_enc, D_enc(=96)]"),
    "a bare number on a dynamic axis": (
        "joint_input",
        "encoder_output: [B, T, 96], predictor_output: [B, 96, U]",
    ),
    "a width on a dynamic axis": ("predictor_output", "g: [B, U, H(=96)]"),
    "layers where the batch is": ("predictor_input", "y: [B, U], h/c: [B, L, H]"),
    "time where the batch is": ("encoder_input", "audio_signal: [T, n_mels, B]"),
}


@pytest.mark.parametrize(("name", "text"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_with_its_axes_in_another_order_is_reported(
    checked: Checked, name: str, text: str
) -> None:
    found = checked(with_field(f"tensor_layout_contract.{name}", text))
    assert {finding.location for finding in found} == {
        f"model_meta.json:tensor_layout_contract.{name}"
    }
    assert "the dynamic `" in found[0].message


def test_a_size_is_told_with_the_layout_that_says_it(checked: Checked) -> None:
    found = checked(with_field("tensor_layout_contract.predictor_output", "g: [B, H(=640), U]"))
    assert "`h` of predictor.onnx has 96 on axis 2, not H, 640 by `predictor_output`" in {
        finding.message.partition(": ")[2] for finding in found
    }

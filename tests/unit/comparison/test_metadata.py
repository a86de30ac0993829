"""Metadata against graphs: every field that is wrong is found, and put right."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onnxtool.comparison.difference import Impact
from onnxtool.comparison.facts import facts
from onnxtool.comparison.fields import FieldCheck, Status
from onnxtool.comparison.metadata import Reconciliation, reconcile, write_metadata
from onnxtool.model.bundle import load_bundle
from onnxtool.model.metadata import Metadata, Vocabulary, read_metadata
from tests.support.models import WORDS_TDT

BUNDLE = load_bundle(WORDS_TDT)
Fields = dict[str, Any]


def reconciled(fields: Fields, vocabulary: Vocabulary | None = BUNDLE.vocabulary) -> Reconciliation:
    metadata = Metadata(Path("model_meta.json"), fields)
    return reconcile(BUNDLE.models, vocabulary, metadata, "words-tdt")


def original() -> Fields:
    assert BUNDLE.metadata
    return copy.deepcopy(dict(BUNDLE.metadata.fields))


def right() -> Fields:
    return dict(reconciled(original()).corrected)


def check(found: Reconciliation, field: str) -> FieldCheck:
    return next(check for check in found.checks if check.field == field)


def test_what_the_graphs_say() -> None:
    known = facts(BUNDLE.models)
    assert {fact.field: fact.value for fact in known.items} == {
        "features.n_mels": 80,
        "joint_vocab_size": 41,
        "tokenizer_vocab_size": 35,
        "blank_id": 35,
        "duration_values": (0, 1, 2, 3, 4),
    }
    blank = known.first("blank_id")
    assert blank
    assert blank.source == "predictor.onnx: predictor.prediction.embed.weight, row 35 is zero"
    assert known.conflicts == ()


def test_the_faults_of_the_exporter_are_found() -> None:
    found = reconciled(original())
    wrong = {c.field: c.status for c in found.checks if c.disagrees}
    layout = "tensor_layout_contract"
    assert wrong == {
        "model_name": Status.DIFFERS,
        "tokenizer_vocab_size": Status.MISSING,
        "duration_values": Status.MISSING,
        f"{layout}.encoder_output": Status.DIFFERS,
        f"{layout}.predictor_output": Status.DIFFERS,
        f"{layout}.joint_input": Status.DIFFERS,
        f"{layout}.joint_output": Status.DIFFERS,
    }
    assert not found.agrees


def test_what_is_written_agrees(tmp_path: Path) -> None:
    path = tmp_path / "corrected.json"
    write_metadata(reconciled(original()), path)
    again = reconciled(dict(read_metadata(path).fields))
    assert again.agrees
    assert json.loads(path.read_text()) == again.corrected
    assert list(again.corrected) == list(original())


def put(field: str, value: object) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        *parents, last = field.split(".")
        for name in parents:
            fields = fields[name]
        fields[last] = value

    return change


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("joint_vocab_size", 8198),
        ("joint_vocab_size", None),
        ("joint_vocab_size", "41"),
        ("joint_vocab_size", 41.0),
        ("tokenizer_vocab_size", 36),
        ("blank_id", 0),
        ("blank_id", True),
        ("blank_id", None),
        ("duration_values", [0, 1, 2]),
        ("duration_values", [0, 1, 2, 3, 3]),
        ("duration_values", [4, 3, 2, 1, 0]),
        ("duration_values", [-1, 0, 1, 2, 3]),
        ("duration_values", 5),
        ("duration_values", []),
        ("features.n_mels", 128),
        ("labels", ["a"]),
        ("model_name", "parakeet-tdt-110m"),
        ("torch_version", "2.9.1+cu128"),
        ("tensor_layout_contract.joint_output", "joint_output: [B, T, U, 1030]"),
        ("tensor_layout_contract.joint_output", "joint_output: [B, T, V(=41)]"),
        ("tensor_layout_contract.encoder_input", "features: [B, n_mels, T]"),
        ("tensor_layout_contract.encoder_input", "audio_signal: [B, 128, T]"),
    ],
)
def test_every_wrong_value_is_found_and_put_right(field: str, value: object) -> None:
    fields = right()
    put(field, value)(fields)
    found = reconciled(fields)
    assert [c.field for c in found.checks if c.disagrees] == [field]
    assert reconciled(dict(found.corrected)).agrees


@pytest.mark.parametrize(
    ("field", "value"),
    [
        # Only the file can say which durations there are.
        ("duration_values", [0, 1, 2, 4, 8]),
        ("labels", []),
        ("torch_version", "2.13.0+cu130"),
        ("model_name", "words-tdt-1.1m"),
        ("model_name", "my model"),
        ("sample_rate", 8000),
        ("something", {"new": [1]}),
    ],
)
def test_what_may_be_is_left_alone(field: str, value: object) -> None:
    fields = right()
    put(field, value)(fields)
    found = reconciled(fields)
    assert found.agrees
    assert found.corrected == fields


def test_missing_fields_are_added() -> None:
    found = reconciled({"sample_rate": 16000})
    assert found.corrected == {
        "sample_rate": 16000,
        "joint_vocab_size": 41,
        "tokenizer_vocab_size": 35,
        "blank_id": 35,
        "duration_values": [0, 1, 2, 3, 4],
        "features": {"n_mels": 80},
    }


def test_other_exporters_names_are_known() -> None:
    found = reconciled({"vocab_size": 36, "feature_dim": 128})
    assert check(found, "vocab_size").status is Status.DIFFERS
    assert check(found, "feature_dim").right == 80


def test_a_vocabulary_that_contradicts_the_graphs_is_a_conflict() -> None:
    vocabulary = Vocabulary(Path("vocab.txt"), ("a", "b", "<blk>"), 2)
    found = check(reconciled(right(), vocabulary), "tokenizer_vocab_size")
    assert (found.status, found.right) == (Status.CONFLICT, None)
    assert "36 rows" in found.source
    assert "vocab.txt: 3 tokens" in found.source


def test_a_wrong_blank_breaks_and_a_wrong_name_does_not() -> None:
    fields = right() | {"blank_id": 0, "model_name": "parakeet-0.6b"}
    impacts = {d.where: d.impact for d in reconciled(fields).differences}
    assert impacts == {"blank_id": Impact.BREAKING, "model_name": Impact.COSMETIC}


def test_graphs_that_say_nothing_contradict_nothing() -> None:
    metadata = Metadata(Path("model_meta.json"), {"blank_id": 7, "joint_vocab_size": None})
    assert reconcile((), None, metadata, "x").agrees

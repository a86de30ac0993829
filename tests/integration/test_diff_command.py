"""`onnxtool diff` as it is installed: exit codes, formats, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.integration.command import ROOT, onnxtool
from tests.support.models import WORDS_TDT, write

SCHEMA = ROOT / "docs" / "json-schemas" / "diff-1.json"
JOINT = WORDS_TDT / "joint.onnx"
META = WORDS_TDT / "model_meta.json"


@pytest.fixture
def quieter(tmp_path: Path) -> Path:
    """The joint, one of its weights changed, and a node renamed."""
    proto = onnx.load(JOINT)
    tensor = proto.graph.initializer[0]
    values = numpy_helper.to_array(tensor) * np.float32(0.9)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    proto.graph.node[0].name = "first"
    return write(tmp_path / "joint.onnx", proto)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "breaking"], 0),
        (["--fail-on", "behavioral"], 1),
        (["--fail-on", "cosmetic"], 1),
        (["--fail-on", "cosmetic", "--no-weights"], 1),
        (["--fail-on", "behavioral", "--no-weights"], 0),
        (["--fail-on", "anything"], 2),
    ],
)
def test_the_exit_code_is_what_was_asked(options: list[str], code: int, quieter: Path) -> None:
    assert onnxtool("diff", JOINT, quieter, *options).code == code


@pytest.mark.parametrize("impact", ["breaking", "cosmetic"])
def test_metadata_that_disagrees_fails_whatever_was_asked(impact: str) -> None:
    assert onnxtool("diff", WORDS_TDT, "model_meta.json", "--fail-on", impact).code == 1


def test_corrected_metadata_agrees(tmp_path: Path) -> None:
    corrected = tmp_path / "corrected.json"
    assert onnxtool("diff", WORDS_TDT, META, "--write-meta", corrected).code == 1
    assert onnxtool("diff", WORDS_TDT, corrected, "--fail-on", "cosmetic").code == 0
    assert json.loads(corrected.read_text())["duration_values"] == [0, 1, 2, 3, 4]


def test_corrected_metadata_replaces_no_file(tmp_path: Path) -> None:
    for name in ("notes.txt", "corrected.json"):
        (tmp_path / name).write_text("mine")
        finished = onnxtool("diff", WORDS_TDT, META, "--write-meta", tmp_path / name)
        assert (finished.code, finished.stdout) == (2, "")
        assert "exists" in finished.stderr
        assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("target", [META, JOINT, WORDS_TDT, WORDS_TDT / "vocab.txt"])
def test_no_part_of_a_model_is_overwritten(target: Path) -> None:
    before = target.read_bytes() if target.is_file() else b""
    for option in ("--write-meta", "--output"):
        finished = onnxtool("diff", WORDS_TDT, "model_meta.json", option, target)
        assert (finished.code, finished.stdout) == (2, "")
        assert option in finished.stderr
    assert (target.read_bytes() if target.is_file() else b"") == before


def test_there_is_nothing_to_correct_between_graphs(tmp_path: Path) -> None:
    finished = onnxtool("diff", JOINT, JOINT, "--write-meta", tmp_path / "m.json")
    assert finished.code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sides", [(WORDS_TDT, META), (WORDS_TDT, WORDS_TDT), (META, META)])
def test_json_follows_its_schema(sides: tuple[Path, Path]) -> None:
    validate(json.loads(onnxtool("diff", *sides, "--format", "json").stdout))


def test_json_has_every_difference(quieter: Path) -> None:
    report = json.loads(onnxtool("diff", JOINT, quieter, "--format", "json").stdout)
    validate(report)
    assert report["counts"] == {"breaking": 0, "behavioral": 1, "cosmetic": 1}
    (changed,) = report["graphs"][0]["weights"]["changed"]
    assert changed["distance"]["relative_frobenius"] == pytest.approx(0.1, rel=1e-3)
    assert changed["distance"]["cosine"] == pytest.approx(1.0)
    assert [each["after"] for each in report["graphs"][0]["renamed_nodes"]] == ["first"]


def validate(report: object) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema, cls=jsonschema.Draft202012Validator)


def test_a_report_goes_to_a_file(quieter: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    finished = onnxtool("diff", JOINT, quieter, "--format", "markdown", "--output", report)
    assert (finished.code, finished.stdout) == (0, "")
    assert "## Weights (6 pairs, 5 identical)" in report.read_text()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (JOINT, "no-such-file.onnx"),
        (WORDS_TDT / "vocab.txt", JOINT),
        (JOINT, WORDS_TDT),
        (JOINT, WORDS_TDT / "predictor.onnx"),
    ],
)
def test_what_cannot_be_compared_is_trouble(one: Path, other: Path | str) -> None:
    finished = onnxtool("diff", one, other)
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1

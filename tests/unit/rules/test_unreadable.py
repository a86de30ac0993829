"""What cannot be read is trouble, and told with its line and column; what is wrong is a finding."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.model.bundle import Bundle, load_bundle
from onnxtool.model.metadata import read_metadata
from onnxtool.render.github import github
from onnxtool.render.sarif import sarif
from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport, Suppression
from onnxtool.rules.subject import Settings
from tests.support.planted import small, words
from tests.support.planted.words import with_field

STILL = Settings(run=False, weights=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    words.build(folder)
    return load_bundle(folder)


def checked(bundle: Bundle, folder: Path, name: str, value: object) -> CheckReport:
    """With another value in one field of the metadata."""
    metadata = read_metadata(words.write_metadata(folder, with_field(name, value)))
    return check(replace(bundle, metadata=metadata), select=["B"], settings=STILL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_name", 6),
        ("sample_rate", "16000"),
        ("sample_rate", 16000.5),
        ("sample_rate", True),
        ("labels", "abc"),
        ("labels", [1]),
        ("duration_values", 5),
        ("duration_values", [0, None]),
        ("torch_version", 2.13),
        ("features", [1]),
        ("features.n_fft", {}),
        ("tensor_layout_contract", "[B, T]"),
        ("tensor_layout_contract.joint_output", 8),
    ],
)
def test_a_field_of_another_type_cannot_be_read(
    bundle: Bundle, tmp_path: Path, name: str, value: object
) -> None:
    (error,) = checked(bundle, tmp_path, name, value).unreadable
    where, column, problem = str(error).rsplit(":", 2)
    path, line = where.rsplit(":", 1)
    assert problem.startswith(f" `{name}` is {json.dumps(value)}, where ")
    text = Path(path).read_text().splitlines()[int(line) - 1]
    assert text[int(column) - 1 :].startswith(json.dumps(value)[0])
    assert error.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_name", None),
        ("sample_rate", 0),
        ("duration_values", []),
        ("torch_version", "two"),
        ("features.type", "mfcc"),
        ("tensor_layout_contract.joint_output", ""),
    ],
)
def test_a_field_with_a_wrong_value_is_read(
    bundle: Bundle, tmp_path: Path, name: str, value: object
) -> None:
    report = checked(bundle, tmp_path, name, value)
    assert report.findings
    assert not report.unreadable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a streaming configuration of which one field is of another type."""
    small.build(tmp_path)
    path = tmp_path / "streaming.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cache_drop_size": "x"}))
    return tmp_path


@pytest.mark.parametrize("select", ["X012", "J"])
def test_a_promise_that_cannot_be_read_is_trouble_whatever_is_selected(
    folder: Path, select: str
) -> None:
    (error,) = check(folder, select=[select], settings=STILL).unreadable
    assert '`cache_drop_size` is "x"' in str(error)


def test_what_cannot_be_read_is_let_through_for_a_reason(folder: Path) -> None:
    suppression = Suppression("X012", "rewritten by the release", location="streaming.json")
    report = check(folder, suppress=[suppression], settings=STILL)
    assert not report.unreadable
    assert len(report.suppressed) == 1


def test_findings_about_fields_are_shown_at_their_line(tmp_path: Path) -> None:
    small.build(tmp_path)
    fields = {**small.METADATA, "sample_rate": "x", "blank_id": None}
    (tmp_path / "model_meta.json").write_text(json.dumps(fields, indent=2))
    report = check(tmp_path, select=["B001"], settings=STILL)
    assert [report.place_of(finding) for finding in report.findings] == [(3, 18), (5, 15)]
    text = github([report], (), root=tmp_path)
    assert text.count("file=model_meta.json,line=") == 2
    assert "file=model_meta.json,line=3,col=18,title=B001" in text
    log = json.dumps(sarif([report], (), root=tmp_path, version="1"))
    assert '"region": {"startLine": 3, "startColumn": 18}' in log


def test_findings_about_graphs_have_no_line(tmp_path: Path) -> None:
    small.build(tmp_path)
    (tmp_path / "stray.bin").write_bytes(b"1")
    report = check(tmp_path, select=["X006"], settings=STILL)
    assert [report.place_of(finding) for finding in report.findings] == [None]

"""What a report says of itself, and of suppressions that several reports share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.errors import UsageError
from onnxtool.rules import engine
from onnxtool.rules.answer import Problem
from onnxtool.rules.engine import check, chosen, rule_named
from onnxtool.rules.report import CheckReport, Suppression, unused
from onnxtool.rules.subject import GraphSubject, Settings
from onnxtool.runtime.session import Session
from tests.support.checks import finding, report, rule
from tests.support.models import model, write
from tests.support.planted import small

X001 = rule_named("X001")
MISSING = """g (float[2] x) => (float[2] y)
    <float[2] w = ["location": "weights.bin"]> { y = Add(x, w) }"""


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_suppression_needs_a_reason(reason: str) -> None:
    with pytest.raises(UsageError, match="suppression of X001: no reason"):
        Suppression("X001", reason)


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("export", "joint.onnx", "export/joint.onnx"),
        ("export", ".", "export"),
        ("export/joint.onnx", "joint.onnx", "export/joint.onnx"),
        (".", "joint.onnx", "joint.onnx"),
    ],
)
def test_a_finding_is_about_a_file(path: str, name: str, expected: str) -> None:
    assert CheckReport(Path(path), ()).path_of(name) == Path(expected)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("vocab.txt", "export/vocab.txt"),
        ("vocab.txt:3", "export/vocab.txt"),
        ("gone.txt", "export"),
        ("", "export"),
        (":1", "export"),
        ("../outside", "export"),
        ("\0\ud800", "export"),
        ("n" * 5000, "export"),
    ],
)
def test_a_finding_about_a_folder_is_about_the_file_in_it_that_it_names(
    location: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export/vocab.txt").touch()
    (tmp_path / "outside").touch()
    found = finding(model=".", location=location)
    assert CheckReport(tmp_path / "export", ()).file_of(found) == tmp_path / expected


def test_a_suppression_that_one_of_several_reports_needs_is_used() -> None:
    needed, needless = Suppression("X001", "why"), Suppression("X002", "why")
    reports = (
        report(suppressed=((finding(), needed),), unused=(needless,)),
        report(unused=(needless, needed)),
    )
    assert unused(reports) == (needless,)


def test_rules_that_answered_for_several_graphs_were_checked_once() -> None:
    first, second = rule("X001"), rule("X002")
    answers = ((first, "a.onnx"), (first, "b.onnx"), (second, "a.onnx"))
    assert report(answers=answers).checked == (first, second)


def test_a_suppression_lets_through_what_it_fits(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model(MISSING))
    fits = Suppression("X001", "built on the device", model="m.*", location="weights.*")
    misses = Suppression("X001", "another file", location="other.bin")
    result = check(path, suppress=[misses, fits])
    assert [suppression for _, suppression in result.suppressed] == [fits]
    assert not [found for found in result.findings if found.rule.code == "X001"]
    assert result.unused == (misses,)


def test_a_suppression_of_a_rule_that_did_not_answer_is_not_called_unused(tmp_path: Path) -> None:
    folder = write(tmp_path / "m.onnx", model("g (float[1] x) => (float[1] y) { y = Relu(x) }"))
    others = [each.code for each in chosen((), ()) if each.code != "X001"]
    if others:
        result = check(folder, select=others, suppress=[Suppression("X001", "why")])
        assert result.unused == ()


def test_what_a_folder_holds_and_nobody_can_read_is_told(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", model("g (float[1] x) => (float[1] y) { y = Relu(x) }"))
    (tmp_path / "broken.onnx").write_text("no model")
    (error,) = check(tmp_path).unreadable
    assert "broken.onnx" in str(error)


@pytest.mark.parametrize("code", ["X", "Q999", "", "x001", "missing-external-file"])
def test_a_suppression_names_a_rule_in_full(code: str) -> None:
    with pytest.raises(UsageError, match=f"no rule `{code}`"):
        check("no-matter.onnx", suppress=[Suppression(code, "why")])


def test_a_rule_is_found_by_its_code_and_by_its_name() -> None:
    assert rule_named("missing-external-file") is X001


def test_a_check_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="every rule that is selected is ignored"):
        chosen(["X001"], ["X"])


def test_a_rule_that_breaks_down_costs_no_other_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: GraphSubject) -> Iterator[Problem]:
        yield Problem(f"{graph.name} is wrong")
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(engine, "CATALOG", (replace(rule_named("M001"), on_graph=broken), X001))
    path = write(tmp_path / "model.onnx", model(MISSING))
    found = check(path)
    assert [finding.rule.code for finding in found.findings] == ["X001"]
    assert found.checked == (X001,)
    (failure,) = found.failed
    assert failure.message == (
        "M001 failed on model.onnx: IndexError: tuple index out of range: a bug in onnxtool"
    )
    assert failure.traceback.endswith("IndexError: tuple index out of range\n")


def test_a_rule_is_skipped_where_the_model_is_not_of_a_kind_to_look_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(graph: GraphSubject) -> Iterator[Problem]:
        yield Problem(f"{graph.name} is wrong")
        raise UsageError("no values can be made up")

    monkeypatch.setattr(engine, "CATALOG", (replace(rule_named("M001"), on_graph=refused), X001))
    found = check(write(tmp_path / "model.onnx", model(MISSING)))
    assert [finding.rule.code for finding in found.findings] == ["X001"]
    (skip,) = found.skipped
    assert (skip.rule.code, skip.reason) == ("M001", "no values can be made up")
    assert not found.failed


def test_processes_start_only_for_graphs_that_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(Session, "prepare", lambda session: prepared.append(session.path.name))
    small.build(tmp_path)
    check(tmp_path, select=["M001", "J002"], settings=Settings(run=False))
    check(tmp_path, select=["M001"], settings=Settings(run=True))
    assert not prepared
    check(tmp_path, select=["J002"], settings=Settings(run=True))
    assert prepared == ["joint.onnx"]

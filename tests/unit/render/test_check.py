"""What `check` found, as people read it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from onnxtool.errors import ModelLoadError
from onnxtool.render import markdown, terminal
from onnxtool.render.check import codes, document, summary, verdict
from onnxtool.render.layout import Layout
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Skip, Suppression
from tests.support.checks import finding, hostile, report, rule

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def shown(*reports: CheckReport) -> list[str]:
    """The lines on a wide terminal, without those that are empty."""
    text = io.StringIO()
    console = Console(file=text, width=160, color_system=None, legacy_windows=False)
    console.print(terminal.render(document(reports), Layout(160)))
    return [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]


def test_findings_are_grouped_by_model_and_told_with_what_to_do() -> None:
    lines = shown(
        report(
            finding("J001", ERROR, "joint.onnx", "main:softmax", "gives probabilities"),
            finding("I004", WARNING, ".", "", "two graphs share a file"),
            finding("M003", INFO, "joint.onnx", "", "no producer"),
        )
    )
    assert lines == [
        "export",
        "joint.onnx  1 error, 1 note",
        "         code  where         what is wrong",
        "  error  J001  main:softmax  gives probabilities",
        "  note   M003                no producer",
        "the folder  1 warning",
        "           code  where  what is wrong",
        "  warning  I004         two graphs share a file",
        "What to do  `onnxtool rules CODE` says why",
        "  J001 wrong-j001  Mend it.",
        "  I004 wrong-i004  Mend it.",
        "  M003 wrong-m003  Mend it.",
        "Summary  1 error, 1 warning, 1 note · 3 rules checked · 0 skipped",
    ]


def test_a_clean_report_is_a_summary() -> None:
    clean = report(answers=((rule("X001"), "a.onnx"), (rule("X001"), "b.onnx")))
    assert shown(clean) == ["export", "Summary  no findings · 1 rule checked · 0 skipped"]


def test_rules_are_skipped_for_few_reasons() -> None:
    none, slow = "no graph is a joint", "weights are not read: allow it with --weights"
    skipped = (
        *(Skip(rule(f"J00{number}"), "", none) for number in (1, 2, 3, 5)),
        Skip(rule("M006"), "a.onnx", slow),
        Skip(rule("M006"), ".", slow),
    )
    lines = shown(report(skipped=skipped))
    assert lines[1:5] == [
        "Skipped",
        "  rules            model               why",
        "  J001-J003, J005                      no graph is a joint",
        "  M006             a.onnx, the folder  weights are not read: allow it with --weights",
    ]
    assert lines[5] == "Summary  no findings · 0 rules checked · 5 skipped"


def test_a_rule_that_answered_for_one_graph_is_not_counted_as_skipped() -> None:
    result = report(
        answers=((rule("M006"), "a.onnx"),), skipped=(Skip(rule("M006"), "b.onnx", "why"),)
    )
    assert summary(result) == "no findings · 1 rule checked · 0 skipped"


def test_what_is_let_through_is_shown_with_its_reason() -> None:
    allowed = Suppression("X001", "built on the device")
    lines = shown(report(suppressed=((finding(), allowed),)))
    assert lines[1:4] == [
        "Suppressed",
        "  code  model       where      reason",
        "  X001  joint.onnx  main:node  built on the device",
    ]
    assert lines[4].endswith("1 suppressed")


def test_a_suppression_that_lets_nothing_through_is_told_once() -> None:
    needless = Suppression("X001", "once", model="a.*")
    lines = shown(report(unused=(needless,)), report(path="other", unused=(needless,)))
    (line,) = (line for line in lines if "warning" in line)
    assert line.startswith("  warning: the suppression of X001 for model `a.*`, location `*` ")


def test_what_could_not_be_read_is_told() -> None:
    lines = shown(report(unreadable=(ModelLoadError("b.onnx", "no model"),)))
    assert "  Not checked, since it cannot be read: b.onnx: no model" in lines


@pytest.mark.parametrize(
    ("severities", "told"),
    [
        ([], "no findings"),
        ([ERROR], "1 error"),
        ([INFO, WARNING, WARNING, ERROR], "1 error, 2 warnings, 1 note"),
        ([INFO] * 2, "2 notes"),
    ],
    ids=str,
)
def test_a_verdict_counts_by_severity(severities: list[Severity], told: str) -> None:
    assert verdict([finding(severity=each) for each in severities]) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", ""),
        ("J001", "J001"),
        ("J001 J002", "J001, J002"),
        ("J003 J001 J002", "J001-J003"),
        ("J001 J002 J003 S001 S003 S004 S005", "J001-J003, S001, S003-S005"),
        ("J009 J010 J011", "J009-J011"),
        ("M001 M001", "M001"),
    ],
)
def test_neighboring_codes_are_joined(given: str, told: str) -> None:
    assert codes(rule(code) for code in given.split()) == told


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_hostile_names_are_text(form: str) -> None:
    text = (
        "\n".join(shown(hostile()))
        if form == "terminal"
        else markdown.render(document([hostile()]), max_rows=None)
    )
    assert not set("\x1b\x00\r\u202e\ud800\ufffe\u2028") & set(text)
    assert not any(line.startswith("::") for line in text.splitlines())
    assert text.count("x1b") >= 8

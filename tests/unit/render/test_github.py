"""Workflow commands: one line each, and nothing that a model says begins another."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.errors import OnnxToolError
from onnxtool.render.github import github
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Suppression
from tests.support.checks import finding, hostile, report


def lines(*reports: CheckReport, failures: tuple[OnnxToolError, ...] = ()) -> list[str]:
    return github(reports, failures, root=Path.cwd()).splitlines()


@pytest.mark.parametrize(
    ("severity", "command"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice")],
)
def test_a_finding_is_a_command(severity: Severity, command: str) -> None:
    first, last = lines(report(finding("J001", severity)))
    assert first == (
        f"::{command} file=export/joint.onnx,title=J001 wrong-j001::"
        "main:node: it is wrong%0AMend it."
    )
    assert last.startswith("onnxtool check: export: 1 ")


def test_files_are_named_from_the_root() -> None:
    found = report(finding(), path="export/joint.onnx")
    text = github([found], (), root=Path.cwd() / "export")
    assert text.startswith("::error file=joint.onnx,")


def test_what_would_end_a_property_is_escaped() -> None:
    (first, _) = lines(report(finding(model="a,b:c%.onnx", message="100%: a, b")))
    assert "file=export/a%2Cb%3Ac%25.onnx,title=" in first
    assert "::main:node: 100%25: a, b%0A" in first


def test_suppressions_that_are_not_needed_and_failures_are_told() -> None:
    _, first, second = lines(
        report(unused=(Suppression("X001", "once"),)), failures=(OnnxToolError("gone"),)
    )
    assert first.startswith("::warning title=unused suppression::the suppression of X001")
    assert second == "::error title=onnxtool::gone"


def test_findings_that_are_let_through_are_not_told() -> None:
    (line,) = lines(report(suppressed=((finding(), Suppression("X001", "why")),)))
    assert line.endswith("1 suppressed")


def test_hostile_names_begin_no_command() -> None:
    text = github([hostile()], (OnnxToolError("a\n::error::b"),), root=Path.cwd())
    told = text.splitlines()
    assert [line.split()[0] for line in told] == ["::error", "onnxtool", "::warning", "::error"]
    assert all(line.isprintable() for line in told)
    text.encode()

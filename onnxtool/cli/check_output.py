"""The forms in which `check` writes its findings."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.config import FailOn
from onnxtool.cli.options import Format
from onnxtool.cli.output import deliver, deliver_json, deliver_text
from onnxtool.errors import OnnxToolError

if TYPE_CHECKING:
    from onnxtool.rules.report import CheckReport, Finding


class CheckFormat(enum.StrEnum):
    """How the findings are written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


def fails(finding: Finding, fail_on: FailOn) -> bool:
    """Whether a finding fails the check."""
    from onnxtool.rules.answer import Severity

    return fail_on is not FailOn.NEVER and finding.severity >= Severity[fail_on.name]


def deliver_checks(
    reports: Sequence[CheckReport],
    failures: Sequence[OnnxToolError],
    fail_on: FailOn,
    format: CheckFormat,
    output: Path | None,
    *,
    show_all: bool,
) -> None:
    """Write the reports in the form that was asked for."""
    match format:
        case CheckFormat.JSON:
            from onnxtool.render.check_json import checks

            deliver_json(checks(reports, failures), output)
        case CheckFormat.SARIF:
            from importlib.metadata import version

            from onnxtool.render.sarif import sarif

            log = sarif(reports, failures, root=_root(), version=version("onnxtool-cli"))
            deliver_json(log, output)
        case CheckFormat.GITHUB:
            from onnxtool.render.github import github

            deliver_text(github(reports, failures, root=_root()), output)
        case CheckFormat.JUNIT:
            from onnxtool.render.junit import junit

            text = junit(reports, failures, fails=partial(fails, fail_on=fail_on))
            deliver_text(text, output)
        case CheckFormat.TEXT | CheckFormat.MARKDOWN:
            from onnxtool.render.check import document

            deliver(document(reports), Format(format), output, show_all=show_all)


def _root() -> Path:
    """The folder that GitHub names files from, if we are in it; else the one we are in."""
    workspace, here = Path(os.environ.get("GITHUB_WORKSPACE", "")), Path.cwd()
    return workspace if workspace.is_absolute() and here.is_relative_to(workspace) else here

"""What `check` found, as workflow commands: GitHub shows them beside the change.

The syntax is that of actions/toolkit, packages/core/src/command.ts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from onnxtool.errors import OnnxToolError
from onnxtool.model.json_place import Place
from onnxtool.render.check import summary, unused_message
from onnxtool.render.places import shown
from onnxtool.render.units import plain
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, unused

COMMANDS = {Severity.INFO: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github(reports: Sequence[CheckReport], failures: Sequence[OnnxToolError], *, root: Path) -> str:
    """One command a finding, and a line for each report; files are named from `root`."""
    return "".join(f"{line}\n" for line in _lines(reports, failures, root))


def _lines(
    reports: Sequence[CheckReport], failures: Sequence[OnnxToolError], root: Path
) -> Iterator[str]:
    for report in reports:
        for finding in report.findings:
            where = f"{finding.location}: " if finding.location else ""
            yield _command(
                COMMANDS[finding.severity],
                f"{where}{finding.message}",
                finding.rule.fix,
                file=shown(report.file_of(finding), root),
                **_place(report.place_of(finding)),
                title=f"{finding.rule.code} {finding.rule.name}",
            )
        yield f"onnxtool check: {plain(str(report.path))}: {summary(report)}"
    for suppression in unused(reports):
        yield _command("warning", unused_message(suppression), title="unused suppression")
    for failure in failures:
        yield _command("error", str(failure), title="onnxtool")


def _place(place: Place | None) -> dict[str, str]:
    return {"line": f"{place[0]}", "col": f"{place[1]}"} if place else {}


def _command(name: str, *lines: str, **properties: str) -> str:
    """`::name key=value,key=value::message`, with everything in it that would end it escaped."""
    message = "\n".join(map(plain, lines))
    told = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {told}::{message.translate(_DATA)}"

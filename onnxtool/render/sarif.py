"""What `check` found, as SARIF 2.1.0.

Numbers in comments are sections of https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from onnxtool.errors import OnnxToolError
from onnxtool.model.json_place import Place
from onnxtool.render.check import unused_message
from onnxtool.render.places import uri
from onnxtool.render.units import plain
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Finding, Suppression, unused
from onnxtool.rules.rule import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
Object = dict[str, object]


def sarif(
    reports: Sequence[CheckReport],
    failures: Sequence[OnnxToolError],
    *,
    root: Path,
    version: str,
) -> Object:
    """One run over all reports; files are named from `root`, an absolute path."""
    rules = _rules(reports)
    index = {code: number for number, code in enumerate(rules)}
    results = list(_results(reports, index, root))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "onnxtool",
                        "version": version,
                        "rules": [_descriptor(rule) for rule in rules.values()],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not failures,
                        "toolExecutionNotifications": list(
                            _notifications(reports, failures, index)
                        ),
                    }
                ],
                "results": results,
            }
        ],
    }


def _rules(reports: Sequence[CheckReport]) -> dict[str, Rule]:
    """Every rule that is told of, by code."""
    rules = {
        rule.code: rule
        for report in reports
        for rule in (
            *report.checked,
            *(finding.rule for finding in report.findings),
            *(finding.rule for finding, _ in report.suppressed),
            *(skip.rule for skip in report.skipped),
        )
    }
    return dict(sorted(rules.items()))


def _descriptor(rule: Rule) -> Object:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.rationale or rule.summary},
        "help": {
            "text": f"{rule.fix}\n\n{rule.rationale}".strip(),
            "markdown": f"**{rule.fix}**\n\n{rule.rationale}".strip(),
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["onnx", rule.code[0]]},
    }


def _results(
    reports: Sequence[CheckReport], index: Mapping[str, int], root: Path
) -> Iterator[Object]:
    alike: Counter[str] = Counter()
    for report in reports:
        allowed: list[tuple[Finding, Suppression | None]] = [(f, None) for f in report.findings]
        for finding, suppression in (*allowed, *report.suppressed):
            where = uri(report.file_of(finding), root)
            digest = _fingerprint(finding, where)
            alike[digest] += 1
            yield {
                "ruleId": finding.rule.code,
                "ruleIndex": index[finding.rule.code],
                "level": LEVELS[finding.severity],
                "message": {"text": _message(finding)},
                "locations": [_location(finding, where, report.place_of(finding))],
                # By this name GitHub knows a finding again: a digest, and which of those alike.
                "partialFingerprints": {"primaryLocationLineHash": f"{digest}:{alike[digest]}"},
                "suppressions": [_suppression(suppression)] if suppression else [],
            }


def _fingerprint(finding: Finding, where: str) -> str:
    """The same for the same problem, whatever numbers its message gives as evidence."""
    parts = (finding.rule.code, where, plain(finding.location))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _message(finding: Finding) -> str:
    # 3.11.6: `[text](target)` would be a link, wherever a model's name says so.
    text = plain(f"{finding.location}: {finding.message}" if finding.location else finding.message)
    return text.replace("](", "] (") or finding.rule.summary


def _location(finding: Finding, where: str, place: Place | None) -> Object:
    # A graph has no lines, but GitHub refuses a location without one.
    region = {"startLine": place[0], "startColumn": place[1]} if place else {"startLine": 1}
    location: Object = {
        "physicalLocation": {
            "artifactLocation": {"uri": where},
            "region": region,
        }
    }
    if finding.location:
        location["logicalLocations"] = [{"fullyQualifiedName": plain(finding.location)}]
    return location


def _suppression(suppression: Suppression) -> Object:
    # 3.35.2: external, since it stands in the configuration and not in the model.
    return {
        "kind": "external",
        "status": "accepted",
        "justification": plain(suppression.reason),
    }


def _notifications(
    reports: Sequence[CheckReport], failures: Sequence[OnnxToolError], index: Mapping[str, int]
) -> Iterator[Object]:
    """What the tool has to say of itself, 3.58: failures, skipped rules, suppressions to remove."""
    for failure in failures:
        yield {"level": "error", "message": {"text": plain(str(failure))}}
    for suppression in unused(reports):
        yield {"level": "warning", "message": {"text": plain(unused_message(suppression))}}
    for report in reports:
        for skip in report.skipped:
            about = f"{skip.model}: " if skip.model else ""
            yield {
                "level": "note",
                "message": {"text": plain(f"{skip.rule.code} skipped: {about}{skip.reason}")},
                "associatedRule": {"id": skip.rule.code, "index": index[skip.rule.code]},
            }

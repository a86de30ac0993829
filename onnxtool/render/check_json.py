"""The result of `check` as JSON. The keys are a public contract, so each is spelled out here.

One shape, however many paths were checked: `jq .findings` works on all. The schema is
docs/json-schemas/check-1.json.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnxtool.errors import OnnxToolError
from onnxtool.rules.report import CheckReport, Finding, Skip, Suppression, unused

CHECK_SCHEMA = "onnxtool.check/1"
Object = dict[str, object]


def checks(reports: Sequence[CheckReport], failures: Sequence[OnnxToolError]) -> Object:
    """All reports, and what could not be read."""
    return {
        "schema": CHECK_SCHEMA,
        "paths": [_path(report) for report in reports],
        "findings": [_finding(report, f) for report in reports for f in report.findings],
        "suppressed": [
            {**_finding(report, finding), "reason": suppression.reason}
            for report in reports
            for finding, suppression in report.suppressed
        ],
        "unused_suppressions": [_suppression(suppression) for suppression in unused(reports)],
        "skipped": [_skip(report, skip) for report in reports for skip in report.skipped],
        "checked": sorted({rule.code for report in reports for rule in report.checked}),
        "failures": [{"message": str(failure), "hint": failure.hint} for failure in failures],
    }


def _path(report: CheckReport) -> Object:
    return {
        "path": str(report.path),
        "answers": [{"code": rule.code, "model": model} for rule, model in report.answers],
    }


def _finding(report: CheckReport, finding: Finding) -> Object:
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity.label,
        "path": str(report.path),
        "model": finding.model,
        "location": finding.location,
        "message": finding.message,
        "fix": finding.rule.fix,
    }


def _skip(report: CheckReport, skip: Skip) -> Object:
    return {
        "code": skip.rule.code,
        "path": str(report.path),
        "model": skip.model,
        "reason": skip.reason,
    }


def _suppression(suppression: Suppression) -> Object:
    return {
        "code": suppression.code,
        "model": suppression.model,
        "location": suppression.location,
        "reason": suppression.reason,
    }

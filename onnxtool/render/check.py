"""What `check` found, as a document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from onnxtool.render.document import (
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Table,
    Tone,
    Toned,
)
from onnxtool.render.units import count, listed
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Finding, Skip, Suppression, unused
from onnxtool.rules.rule import Rule

TONES = {Severity.INFO: Tone.PLAIN, Severity.WARNING: Tone.DOUBTFUL, Severity.ERROR: Tone.BAD}


def document(reports: Sequence[CheckReport]) -> Document:
    """Everything found, for people: each report, and the suppressions that none of them needs."""
    return (
        *(block for report in reports for block in _report(report)),
        *(_unused(suppression) for suppression in unused(reports)),
    )


def verdict(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`; of severities without findings, nothing is said."""
    counts = Counter(finding.severity for finding in findings)
    told = (count(counts[each], noun(each)) for each in reversed(Severity) if counts[each])
    return ", ".join(told) or "no findings"


def noun(severity: Severity) -> str:
    """What one finding is called."""
    return "note" if severity is Severity.INFO else severity.label


def summary(report: CheckReport) -> str:
    """All of a report in one line."""
    skipped = {skip.rule.code for skip in report.skipped}
    parts = [
        verdict(report.findings),
        f"{count(len(report.checked), 'rule')} checked",
        f"{len(skipped - {rule.code for rule in report.checked}):,} skipped",
    ]
    if report.suppressed:
        parts.append(f"{len(report.suppressed):,} suppressed")
    return " · ".join(parts)


def codes(rules: Iterable[Rule]) -> str:
    """Codes in order, neighbors joined: `J001-J003, J005`."""
    ordered = sorted({rule.code for rule in rules})
    spans: list[list[str]] = []
    for code in ordered:
        if spans and _next(spans[-1][-1]) == code:
            spans[-1].append(code)
        else:
            spans.append([code])
    return ", ".join(_span(span) for span in spans)


def _next(code: str) -> str:
    found = re.fullmatch(r"(\D*)(\d+)", code)
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}}" if found else ""


def _span(span: Sequence[str]) -> str:
    return ", ".join(span) if len(span) < 3 else f"{span[0]}-{span[-1]}"


def _report(report: CheckReport) -> Iterator[Block]:
    yield Heading(str(report.path), level=1)
    for model in dict.fromkeys(finding.model for finding in report.findings):
        found = [finding for finding in report.findings if finding.model == model]
        yield Heading(_title(model), note=verdict(found))
        yield _findings(found)
    if report.findings:
        yield Heading("What to do", note="`onnxtool rules CODE` says why")
        yield _fixes(finding.rule for finding in report.findings)
    if report.suppressed:
        yield Heading("Suppressed")
        yield _suppressed(report.suppressed)
    if report.skipped:
        yield Heading("Skipped")
        yield _skipped(report.skipped)
    for error in report.unreadable:
        yield Paragraph(f"Not checked, since it cannot be read: {error}", Tone.BAD)
    for failure in report.failed:
        yield Paragraph(failure.message, Tone.BAD)
    yield Heading("Summary", note=summary(report))


def _title(model: str) -> str:
    return "the folder" if model == "." else model


def _findings(findings: Sequence[Finding]) -> Table:
    rows = tuple(
        (
            Toned(noun(finding.severity), TONES[finding.severity]),
            finding.rule.code,
            finding.location,
            finding.message,
        )
        for finding in findings
    )
    return Table(("", "code", "where", "what is wrong"), rows)


def _fixes(rules: Iterable[Rule]) -> Facts:
    by_code = {rule.code: rule for rule in rules}
    return Facts(tuple((f"{rule.code} {rule.name}", rule.fix) for rule in by_code.values()))


def _suppressed(suppressed: Sequence[tuple[Finding, Suppression]]) -> Table:
    rows = tuple(
        (finding.rule.code, _title(finding.model), finding.location, suppression.reason)
        for finding, suppression in suppressed
    )
    return Table(("code", "model", "where", "reason"), rows)


def _skipped(skipped: Sequence[Skip]) -> Table:
    """By reason: there are many rules, and few reasons why they cannot answer."""
    rows = []
    for reason in dict.fromkeys(skip.reason for skip in skipped):
        because = [skip for skip in skipped if skip.reason == reason]
        models = dict.fromkeys(_title(skip.model) for skip in because if skip.model)
        rows.append((codes(skip.rule for skip in because), listed(models), reason))
    return Table(("rules", "model", "why"), tuple(rows))


def _unused(suppression: Suppression) -> Paragraph:
    return Paragraph(f"warning: {unused_message(suppression)}", Tone.DOUBTFUL)


def unused_message(suppression: Suppression) -> str:
    """What is wrong with a suppression that nothing needs."""
    return (
        f"the suppression of {suppression.code} for model `{suppression.model}`, location "
        f"`{suppression.location}` lets nothing through: remove it"
    )

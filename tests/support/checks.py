"""Rules, findings and reports for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from onnxtool.errors import OnnxToolError
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.report import CheckReport, Finding, Skip, Suppression
from onnxtool.rules.rule import Rule, graph_rule
from onnxtool.rules.subject import GraphSubject

# What a model can call anything: ends of CDATA, workflow commands, escapes, what XML cannot hold.
HOSTILE = "]]>\n::error::x\r\x1b[31m\x00\u202e\ud800\ufffe\U000e0001<a&'\">|`[red](1)%0A{0},:\u2028"


@cache
def rule(code: str = "X001", severity: Severity = Severity.ERROR) -> Rule:
    """A rule that finds nothing."""

    def check(_: GraphSubject) -> Iterator[Problem]:
        """A thing is wrong.

        It matters, since `others` rely on it.
        """
        yield from ()

    name = f"wrong-{code.lower()}"
    return graph_rule(code, name, severity=severity, fix="Mend it.", bad="bad", good="good")(check)


def finding(
    code: str = "X001",
    severity: Severity = Severity.ERROR,
    model: str = "joint.onnx",
    location: str = "main:node",
    message: str = "it is wrong",
) -> Finding:
    """A finding of such a rule."""
    return Finding(rule(code, severity), severity, model, location, message)


def report(
    *findings: Finding,
    path: str = "export",
    suppressed: tuple[tuple[Finding, Suppression], ...] = (),
    skipped: tuple[Skip, ...] = (),
    answers: tuple[tuple[Rule, str], ...] = (),
    unused: tuple[Suppression, ...] = (),
    unreadable: tuple[OnnxToolError, ...] = (),
) -> CheckReport:
    """A report; the rules of its findings did answer."""
    answered = tuple((found.rule, found.model) for found in findings)
    return CheckReport(
        Path(path), findings, suppressed, skipped, (*answered, *answers), unused, unreadable
    )


def hostile() -> CheckReport:
    """A report with a hostile name wherever one can be."""
    found = finding(model=HOSTILE, location=HOSTILE, message=HOSTILE)
    allowed = finding("X002", Severity.WARNING, HOSTILE, HOSTILE, HOSTILE)
    return report(
        found,
        path=f"export/{HOSTILE}".replace("\0", ""),
        suppressed=((allowed, Suppression("X002", HOSTILE, HOSTILE, HOSTILE)),),
        skipped=(Skip(rule("X003"), HOSTILE, HOSTILE),),
        answers=((rule("X004"), HOSTILE),),
        unused=(Suppression("X005", HOSTILE, HOSTILE, HOSTILE),),
    )

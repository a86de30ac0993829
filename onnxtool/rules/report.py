"""What a check found, what it could not look at, and what was let through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onnxtool.rules.rule import Rule, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    Attributes:
        rule: The rule that found it.
        severity: How bad this one is.
        model: The file it is about, by its name; `.` for the folder as a whole.
        location: Where in it; may be empty.
        message: What is wrong, with the evidence.
    """

    rule: Rule
    severity: Severity
    model: str
    location: str
    message: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that could not answer, and why. `model` is empty where it applied to none."""

    rule: Rule
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Findings that the user lets through: of this code, and if given in this model and place.

    Attributes:
        code: Of the rule, in full.
        model: Pattern of the file's name, `*` for any.
        location: Pattern of the location, `*` for any.
        reason: Why it is right to let it through; never empty.
    """

    code: str
    reason: str
    model: str = "*"
    location: str = "*"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking one graph or one folder.

    Attributes:
        path: What was checked.
        findings: Worst first, then in order of the catalog.
        suppressed: Findings that were let through, each with what allowed it.
        skipped: Rules that could not answer.
        checked: The rules that did, in order of the catalog.
        unused: Suppressions that let nothing through.
    """

    path: Path
    findings: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, Suppression], ...]
    skipped: tuple[Skip, ...]
    checked: tuple[Rule, ...]
    unused: tuple[Suppression, ...]

    @property
    def worst(self) -> Severity | None:
        """The highest severity of a finding; None for none."""
        return max((finding.severity for finding in self.findings), default=None)

"""What a check found, what it could not look at, and what was let through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import MetadataError, OnnxToolError, UsageError
from onnxtool.model.json_place import Place
from onnxtool.model.metadata import place_in
from onnxtool.rules.answer import Severity
from onnxtool.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    Attributes:
        rule: The rule that found it.
        severity: How bad this one is.
        model: The file it is about, by its name; `.` for the folder as a whole.
        location: Where in it; may be empty.
        message: What is wrong, with the evidence.
        error: Why nothing can be read there; None where something can, and is wrong.
    """

    rule: Rule
    severity: Severity
    model: str
    location: str
    message: str
    error: OnnxToolError | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that could not answer, and why. `model` is empty where it applied to none."""

    rule: Rule
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that ended in an exception of its own: a bug in onnxtool, and no answer.

    Attributes:
        error: The exception, in one line.
        traceback: Where it came from, as Python prints it.
    """

    rule: Rule
    model: str
    error: str
    traceback: str

    @property
    def message(self) -> str:
        return f"{self.rule.code} failed on {self.model}: {self.error}: a bug in onnxtool"


@dataclass(frozen=True, slots=True)
class Suppression:
    """Findings that the user lets through: of this code, and if given in this model and place.

    Attributes:
        code: Of the rule, in full.
        model: Pattern of the file's name, `*` for any.
        location: Pattern of the location, `*` for any.
        reason: Why it is right to let it through; never empty.

    Raises:
        UsageError: There is no reason.
    """

    code: str
    reason: str
    model: str = "*"
    location: str = "*"

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise UsageError(
                f"suppression of {self.code}: no reason", hint="say why the finding may stay"
            )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking one graph or one folder.

    Attributes:
        path: What was checked.
        findings: Worst first, then in order of the catalog.
        suppressed: Findings that were let through, each with what allowed it.
        skipped: Rules that could not answer.
        answers: Each rule that could, with the model that it was about; in order of the catalog.
        unused: Suppressions that let nothing through, although their rule did answer.
        unreadable: What no rule could look at: files of the folder, and fields of its metadata that
            are of another type than they must be; each with the reason.
        failed: Rules that broke down, by our fault; of what they are about, nothing is known.
    """

    path: Path
    findings: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, Suppression], ...] = ()
    skipped: tuple[Skip, ...] = ()
    answers: tuple[tuple[Rule, str], ...] = ()
    unused: tuple[Suppression, ...] = ()
    unreadable: tuple[OnnxToolError, ...] = ()
    failed: tuple[Failure, ...] = ()

    @property
    def checked(self) -> tuple[Rule, ...]:
        """The rules that could answer, in order of the catalog."""
        return tuple({rule.code: rule for rule, _ in self.answers}.values())

    @property
    def worst(self) -> Severity | None:
        """The highest severity of a finding; None for none."""
        return max((finding.severity for finding in self.findings), default=None)

    def path_of(self, model: str) -> Path:
        """Where the graph is that a finding is about, or the folder."""
        return self.path if model in {".", "", self.path.name} else self.path / model

    def file_of(self, finding: Finding) -> Path:
        """Where the file is that a finding is about: of a folder, the one that its place names."""
        path, name = self.path_of(finding.model), finding.location.partition(":")[0]
        is_inside = Path(name).name == name and path.is_dir()
        return path / name if is_inside and _is_file(path / name) else path

    def place_of(self, finding: Finding) -> Place | None:
        """Line and column of the field of a JSON file that a finding is about, or None."""
        if isinstance(finding.error, MetadataError) and finding.error.line:
            return finding.error.line, finding.error.column or 1
        path, field = self.file_of(finding), finding.location.partition(":")[2]
        is_field = field and path.suffix == ".json" and path != self.path
        return place_in(path, field.split(".")) if is_field else None


def _is_file(path: Path) -> bool:
    """Whether there is such a file; names may be any text, also what no file can be called."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def unused(reports: Sequence[CheckReport]) -> tuple[Suppression, ...]:
    """Suppressions that let nothing through in any of these."""
    used = {suppression for report in reports for _, suppression in report.suppressed}
    candidates = dict.fromkeys(suppression for report in reports for suppression in report.unused)
    return tuple(suppression for suppression in candidates if suppression not in used)

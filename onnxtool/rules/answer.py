"""What a rule answers: problems, or that it cannot tell."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from onnxtool.errors import OnnxToolError


class Severity(enum.IntEnum):
    """How bad a finding is."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule reports; the engine adds the rule to make it a `Finding`.

    Attributes:
        message: What is wrong, with the evidence: the values seen, and where they come from.
        location: Where in the model: `main:node:value`, `input:axis`, a field, a file.
        severity: Instead of the rule's own, for a case that is better or worse.
        model: The file that is wrong, by its name in the folder; empty for the rule's subject.
        error: Why nothing can be read there; None where something can, and is wrong.
    """

    message: str
    location: str = ""
    severity: Severity | None = None
    model: str = ""
    error: OnnxToolError | None = None


class Skipped(Exception):  # noqa: N818 - not an error: the rule cannot answer here, and says why
    """The rule lacks what it needs: never a pass."""

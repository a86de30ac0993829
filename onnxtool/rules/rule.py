"""What a rule is."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.model.families import Role
from onnxtool.rules.answer import Problem, Severity

if TYPE_CHECKING:
    from onnxtool.rules.subject import BundleSubject, GraphSubject


class Needs(enum.Enum):
    """What a rule looks at, beyond what a graph or a folder declares.

    STRUCTURE: nothing more.
    WEIGHTS: the values of every weight.
    RUN: what comes out of ONNX Runtime.
    """

    STRUCTURE = "structure"
    WEIGHTS = "weights"
    RUN = "run"


# ONNX text, or a function that writes a model, or a folder of them, and returns its path.
Example = str | Callable[[Path], Path]
GraphCheck = Callable[["GraphSubject"], Iterable[Problem]]
BundleCheck = Callable[["BundleSubject"], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check with its documentation and its own examples.

    Attributes:
        code: Stable identifier, never reused, e.g. `X001`.
        name: States the problem, and reads as "allow <name>": `missing-external-file`.
        severity: Of its findings, unless a finding says otherwise.
        fix: What the user should do about it.
        bad: A model, or a folder, that must be reported.
        good: One that must not be, and to which the rule applies.
        needs: What it looks at.
        roles: The roles of graphs that it is about; empty for any.
        on_graph: The check of one graph, or None.
        on_bundle: The check of a folder, or None.
    """

    code: str
    name: str
    severity: Severity
    fix: str
    bad: Example
    good: Example
    needs: Needs
    roles: tuple[Role, ...]
    on_graph: GraphCheck | None
    on_bundle: BundleCheck | None

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self._documentation[0]

    @property
    def rationale(self) -> str:
        """Why it matters: the rest of the documentation, as Markdown."""
        return "\n".join(self._documentation[1:]).strip()

    @property
    def _documentation(self) -> list[str]:
        return (inspect.getdoc(self.on_graph or self.on_bundle) or "").splitlines() or [""]


def graph_rule(
    code: str,
    name: str,
    *,
    severity: Severity,
    fix: str,
    bad: Example,
    good: Example,
    needs: Needs = Needs.STRUCTURE,
    roles: tuple[Role, ...] = (),
) -> Callable[[GraphCheck], Rule]:
    """Turn the decorated check of one graph into a `Rule`; its docstring is the documentation."""
    return lambda check: Rule(code, name, severity, fix, bad, good, needs, roles, check, None)


def bundle_rule(
    code: str,
    name: str,
    *,
    severity: Severity,
    fix: str,
    bad: Example,
    good: Example,
    needs: Needs = Needs.STRUCTURE,
) -> Callable[[BundleCheck], Rule]:
    """Turn the decorated check of a folder into a `Rule`; its docstring is the documentation."""
    return lambda check: Rule(code, name, severity, fix, bad, good, needs, (), None, check)

"""The verdict on a candidate that is to stand in for a reference."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from pathlib import Path

from onnxtool.comparison.bisection import Bisection
from onnxtool.comparison.trials import Trial
from onnxtool.comparison.values import Flips, ValueDifference


class Verdict(enum.StrEnum):
    """Whether the candidate may stand in for the reference.

    PASSED: every output of every trial was within its tolerance.
    FAILED: one was not, or the candidate cannot be called as the reference can.
    INCONCLUSIVE: nothing was compared, or what was compared says nothing.
    """

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A trial, and whether it was one.

    Attributes:
        refused: Why the reference would not run at these sizes; else empty.
        failed: Why the candidate would not; else empty.
        steps: Calls that both made.
    """

    trial: Trial
    steps: int
    refused: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class OutputVerdict:
    """One output over all trials.

    Attributes:
        name: Of the output.
        worst: The difference with the largest error.
        trial: Where that was.
        step: At which call of it, from 0.
        tolerance: What its error may be: 0 for integers, Booleans and strings.
        compared: Elements of the reference that were finite, over all trials.
        flips: Of the argmax along the last axis, over all trials; None unless it holds logits.
    """

    name: str
    worst: ValueDifference
    trial: Trial
    step: int
    tolerance: float
    compared: int
    flips: Flips | None = None

    @property
    def passed(self) -> bool:
        """Whether its worst error is within the tolerance; nothing that is infinite is."""
        return self.worst.error <= self.tolerance and math.isfinite(self.worst.error)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the error of a closed loop develops.

    Attributes:
        errors: The largest error of any output, call by call.
        first_step: The first call with an output out of tolerance, or None.
        first_output: That output; else empty.
    """

    errors: tuple[float, ...]
    first_step: int | None
    first_output: str

    @property
    def slope(self) -> float:
        """Error per call, by least squares; NaN where an error is infinite."""
        count = len(self.errors)
        if count < 2:
            return 0.0
        middle, mean = (count - 1) / 2, sum(self.errors) / count
        spread = sum((step - middle) ** 2 for step in range(count))
        return sum((s - middle) * (e - mean) for s, e in enumerate(self.errors)) / spread

    @property
    def last_over_first(self) -> float:
        """Mean error of the last tenth of the calls over that of the first tenth."""
        tenth = max(len(self.errors) // 10, 1)
        first, last = sum(self.errors[:tenth]), sum(self.errors[-tenth:])
        return last / first if first else (1.0 if not last else math.inf)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, and how it came out.

    Attributes:
        reference: Path of the model that is known to be good.
        candidate: Path of the model that is to replace it.
        misfits: Why a caller of the one could not call the other.
        trials: What was tried.
        outputs: Each output that both give, in order.
        tolerance: Of the error of floating-point outputs, in standard deviations.
        drift: Of the first closed loop, for graphs with states.
        bisection: Where the graphs part, if that was asked for and found.
    """

    reference: Path
    candidate: Path
    misfits: tuple[str, ...]
    trials: tuple[TrialResult, ...]
    outputs: tuple[OutputVerdict, ...]
    tolerance: float
    drift: Drift | None = None
    bisection: Bisection | None = None

    @property
    def verdict(self) -> Verdict:
        """Failed if anything says so; inconclusive if `doubts` do."""
        failed = any(result.failed for result in self.trials)
        if self.misfits or failed or not all(output.passed for output in self.outputs):
            return Verdict.FAILED
        return Verdict.INCONCLUSIVE if self.doubts else Verdict.PASSED

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why passing would prove too little.

        1. Nothing was run.
        2. Real values, which were asked for, were not, or a closed loop ended early.
        3. An output never held anything but NaN and infinities, or nothing at all.
        """
        found: list[str] = []
        if not any(result.steps for result in self.trials):
            found.append("nothing was run")
        for result in self.trials:
            if result.refused and (result.steps or result.trial.evidence != "random"):
                calls = f"{result.steps} of {result.trial.steps} calls"
                found.append(f"{result.trial}: {calls}, then the reference refuses")
        found += [
            f"`{output.name}` never held a finite value"
            for output in self.outputs
            if not output.compared
        ]
        return tuple(found)

    @property
    def evidence(self) -> str:
        """`random` values are weak evidence; otherwise where the values came from."""
        sources = {result.trial.evidence for result in self.trials if result.steps}
        return ", ".join(sorted(sources)) or "none"

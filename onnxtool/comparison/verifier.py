"""Run two models on the same inputs, and judge the one by the other.

1. The reference runs without ONNX Runtime's optimizations, so that a fusion bug which both would
   share shows; the candidate runs as it will be used.
2. Sizes that the reference refuses prove nothing, and are noted; the candidate must take the rest.
3. Graphs with states run in a closed loop, each on the states that it gave itself.
4. Each output is judged by its largest error, in standard deviations of the reference's; integers,
   Booleans and strings must be equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import tee

import numpy as np

from onnxtool.comparison.bisection import Bisection, bisect
from onnxtool.comparison.loop import closed_loop, inputs_at
from onnxtool.comparison.substitution import misfits
from onnxtool.comparison.trials import Trial, sweep, variations
from onnxtool.comparison.values import (
    Array,
    Flips,
    ValueDifference,
    argmax_flips,
    compare_values,
    count_finite,
    is_exact,
)
from onnxtool.comparison.verification import (
    Drift,
    OutputVerdict,
    TrialResult,
    Verdict,
    Verification,
)
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import SCORED
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.run_errors import RunError
from onnxtool.runtime.session import Limits, Session, SessionSettings

# ONNX Runtime's own optimizations move fp32 speech models by up to 1e-5.
TOLERANCE = 1e-4
SEEDS = 4
STEPS = 100
# Of a quotient, in place of a tolerance of zero.
TINY = 1e-300
# In place of an output that is not there: no output has this many axes and no elements.
_NOTHING: Array = np.zeros((0,) * 9, np.void)


def verify_graphs(
    reference: ModelView,
    candidate: ModelView,
    *,
    tolerance: float = TOLERANCE,
    trials: Sequence[Trial] | None = None,
    find_node: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    progress: Progress = SILENT,
) -> Verification:
    """Judge one graph by another.

    Args:
        reference: The graph that is known to be good.
        candidate: The graph that is to replace it.
        tolerance: Of the error of floating-point outputs, in standard deviations.
        trials: What to try them on; None for random values at several sizes.
        find_node: Whether to look for the first node that differs, if they do.
        limits: What one session may take.
        progress: Told about each trial.

    Raises:
        UsageError: An input has a kind that cannot be made up.
    """
    known = signature(reference)
    unfit = misfits(known, signature(candidate))
    if trials is None:
        trials = sweep(known, seeds=SEEDS, steps=STEPS)
    judge = _Judge(known, tolerance)
    results: list[TrialResult] = []
    progress.start(f"verifying {candidate.path.name}", len(trials), "trials")
    raw = Session(reference.path, SessionSettings(optimize=False), limits)
    with raw, Session(candidate.path, limits=limits) as shipped:
        for trial in trials if not unfit else ():
            result = _try(judge, trial, trial.calls(reference, known), (raw, shipped))
            others = variations(trial, known)
            while result.refused and not result.steps and (other := next(others, None)):
                again = _try(judge, other, other.calls(reference, known), (raw, shipped))
                result = again if again.steps or again.failed else result
            results.append(result)
            progress.advance(1)
    progress.finish()
    found = Verification(
        reference.path,
        candidate.path,
        unfit,
        tuple(results),
        judge.verdicts,
        tolerance,
        judge.drift,
    )
    if not find_node or found.verdict is not Verdict.FAILED or unfit:
        return found
    return replace(found, bisection=_first_node(reference, candidate, found, limits, progress))


def _first_node(
    reference: ModelView,
    candidate: ModelView,
    found: Verification,
    limits: Limits,
    progress: Progress,
) -> Bisection | None:
    """Where the graphs part, on the inputs of the output that is off most; None if none is."""
    failed = [output for output in found.outputs if not output.passed]
    if not failed:
        return None
    known = signature(reference)
    worst = max(failed, key=lambda output: output.worst.error)
    with Session(reference.path, SessionSettings(optimize=False), limits) as session:
        calls = worst.trial.calls(reference, known)
        feeds = inputs_at(session, known, calls, worst.step)
    return bisect(
        reference,
        candidate,
        feeds,
        [output.name for output in failed],
        tolerance=found.tolerance,
        limits=limits,
        progress=progress,
    )


def _try(
    judge: _Judge,
    trial: Trial,
    calls: Iterator[dict[str, Array]],
    sessions: tuple[Session, Session],
) -> TrialResult:
    """Make the calls of a trial with both, for as long as the reference takes them."""
    judge.begin(trial)
    step, refused = 0, ""
    # Each gets the same calls, one after the other, so that only one needs to be held.
    first, second = tee(calls)
    expected = closed_loop(sessions[0], judge.signature, first)
    given = closed_loop(sessions[1], judge.signature, second)
    while True:
        try:
            wanted = next(expected, None)
        except RunError as error:
            refused = str(error)
            break
        if wanted is None:
            break
        try:
            judge.compare(wanted, next(given), step)
        except RunError as error:
            return TrialResult(trial, step, failed=str(error))
        step += 1
    return TrialResult(trial, step, refused=refused)


class _Judge:
    """Compares what two models give, and keeps the worst of it."""

    def __init__(self, known: Signature, tolerance: float) -> None:
        self.signature = known
        self.tolerance = tolerance
        self._worst: dict[str, OutputVerdict] = {}
        self._trial: Trial | None = None
        self._errors: list[tuple[float, str]] = []
        self._loop: Trial | None = None

    def begin(self, trial: Trial) -> None:
        """Say which trial the next comparisons are of."""
        self._trial = trial
        if self._loop is None and trial.steps > 1:
            self._loop = trial

    def compare(self, wanted: Mapping[str, Array], given: Mapping[str, Array], step: int) -> None:
        """Compare the outputs of one call."""
        left, right = dict(_tensors(wanted)), dict(_tensors(given))
        found = [
            self._judge(name, value, right.get(name, _NOTHING), step)
            for name, value in left.items()
        ]
        if not found:
            return
        if self._trial is self._loop:
            worst = max(
                found, key=lambda verdict: verdict.worst.error / max(verdict.tolerance, TINY)
            )
            self._errors.append((worst.worst.error, "" if worst.passed else worst.name))

    def _judge(self, name: str, wanted: Array, given: Array, step: int) -> OutputVerdict:
        if self._trial is None:
            raise AssertionError("nothing was begun")
        difference = compare_values(wanted, given)
        flips = self._flips(name, wanted, given, difference)
        tolerance = 0.0 if is_exact(wanted.dtype) else self.tolerance
        verdict = OutputVerdict(
            name, difference, self._trial, step, tolerance, count_finite(wanted), flips
        )
        before = self._worst.get(name)
        if before is not None:
            worse = verdict if difference.error > before.worst.error else before
            self._worst[name] = replace(
                worse,
                compared=before.compared + verdict.compared,
                flips=_sum(before.flips, flips),
            )
        else:
            self._worst[name] = verdict
        return verdict

    def _flips(
        self, name: str, wanted: Array, given: Array, difference: ValueDifference
    ) -> Flips | None:
        is_state = any(pair.output == name for pair in self.signature.states)
        logits = self.signature.role in SCORED and wanted.dtype.kind == "f" and wanted.ndim > 1
        if not logits or is_state or difference.problem or wanted.shape[-1] < 2 or not wanted.size:
            return None
        return argmax_flips(wanted, given)

    @property
    def verdicts(self) -> tuple[OutputVerdict, ...]:
        """Every output, in the order of the graph."""
        return tuple(self._worst.values())

    @property
    def drift(self) -> Drift | None:
        """Of the first closed loop; None if there was none."""
        if not self._errors:
            return None
        over = next((step for step, (_, name) in enumerate(self._errors) if name), None)
        name = "" if over is None else self._errors[over][1]
        return Drift(tuple(error for error, _ in self._errors), over, name)


def _tensors(outputs: Mapping[str, object]) -> Iterator[tuple[str, Array]]:
    """Every tensor of the outputs: those of a sequence by number, those of a map by key."""
    for name, value in outputs.items():
        if isinstance(value, list):
            yield from _tensors({f"{name}[{index}]": item for index, item in enumerate(value)})
        elif isinstance(value, dict):
            yield from _tensors({f"{name}[{key!r}]": item for key, item in value.items()})
        else:
            # An optional that holds nothing is None, and None is None.
            yield name, value if isinstance(value, np.ndarray) else np.array([value])


def _sum(left: Flips | None, right: Flips | None) -> Flips | None:
    if left is None or right is None:
        return left or right
    return Flips(
        left.rows + right.rows,
        left.flipped + right.flipped,
        max(left.largest_margin, right.largest_margin),
    )

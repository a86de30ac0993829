"""The closed loop: a graph with states runs on and on, every state fed back as it came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.model.signature import Signature
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.runtime.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Values = Mapping[str, Array]

# A stream of 100 steps is some ten seconds of speech; a large encoder gets fewer in its time.
STEPS, MIN_STEPS, BUDGET_S = 100, 8, 15.0


@dataclass(frozen=True, slots=True)
class LoopStep:
    """What became of each state, by name of input, in one step.

    Attributes:
        shapes: As they came out.
        changed: Those that did not come out as they went in.
        counts: The first element of those of at most one axis and integer: what they count.
    """

    shapes: Mapping[str, tuple[int, ...]]
    changed: frozenset[str]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Loop:
    """A closed loop from a fresh start.

    Attributes:
        steps: Those that ran.
        refusal: Why there are no more; empty if nothing went wrong.
        fresh: The values of all inputs at the first step.
        first: The values of all outputs of the first step.
        states: What came out of the last step, by name of input.
        peaks: Of each state, the largest magnitude at each place of its last axis, over the later
            half of the steps.
    """

    steps: tuple[LoopStep, ...]
    refusal: str
    fresh: Values
    first: Values
    states: Values
    peaks: Values


def run_loop(
    session: Session,
    signature: Signature,
    feeds: Callable[[int], Values],
    clock: Callable[[], float] = time.monotonic,
    steps_at_most: int = STEPS,
) -> Loop:
    """Run a graph in a closed loop, as often as its time allows.

    Args:
        session: Of the graph.
        signature: Its states are fed back; without any, every step is a fresh start.
        feeds: Values of all inputs for step 0, 1, …; states are taken from the first only.
        clock: Seconds.
        steps_at_most: Whatever time there is.
    """
    fresh = feeds(0)
    states = {pair.input: fresh[pair.input] for pair in signature.states}
    steps: list[LoopStep] = []
    first: Values = {}
    peaks: dict[str, list[Array]] = {name: [] for name in states}
    refusal, started = "", clock()
    while len(steps) < steps_at_most:
        if len(steps) >= MIN_STEPS and clock() - started > BUDGET_S:
            break
        try:
            values = session.run({**feeds(len(steps)), **states})
        except RunRefusedError as error:
            refusal = str(error)
            break
        first = first or values
        after = {pair.input: values[pair.output] for pair in signature.states}
        steps.append(_step(states, after))
        for name, value in after.items():
            peaks[name].append(_peak(value))
        states = after
    return Loop(tuple(steps), refusal, fresh, first, states, _late(peaks))


def _step(before: Values, after: Values) -> LoopStep:
    return LoopStep(
        shapes={name: value.shape for name, value in after.items()},
        changed=frozenset(n for n, value in after.items() if not np.array_equal(value, before[n])),
        counts={
            name: int(value.flat[0])
            for name, value in after.items()
            if value.dtype.kind in "iu" and value.ndim <= 1 and value.size
        },
    )


def _peak(value: Array) -> Array:
    """The largest magnitude at each place of the last axis."""
    if not value.size or not value.ndim:
        return np.zeros(value.shape[-1:])
    peaks: Array = np.abs(value.astype(np.float64)).max(axis=tuple(range(value.ndim - 1)))
    return peaks


def _late(peaks: Mapping[str, list[Array]]) -> Values:
    """The peaks over the later half, of states that kept their size."""
    late = {name: values[len(values) // 2 :] for name, values in peaks.items()}
    return {
        name: np.max(values, axis=0)
        for name, values in late.items()
        if values and len({value.shape for value in values}) == 1
    }

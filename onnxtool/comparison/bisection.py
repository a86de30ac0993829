"""The first node whose output leaves the tolerance, by search over taps in both graphs.

Both graphs are run on the same inputs and states, without optimizations, which would remove what is
tapped. Values are taken for the same where both graphs call them the same. A round taps a few of
them, evenly spaced between the last known good one and the first known bad one, so that what is in
memory at once is bounded by a few values and not by the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxtool.comparison.values import Array, compare_values
from onnxtool.model.order import in_order
from onnxtool.model.standalone import standalone
from onnxtool.model.view import ModelView, operator
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.session import Limits, Session, SessionSettings

TAPS = 7


@dataclass(frozen=True, slots=True)
class Bisection:
    """Where two graphs part.

    Attributes:
        value: The first value out of tolerance; empty if there is none.
        node: The node of the reference that gives it.
        operator: Its operator.
        error: Of the value, in standard deviations of the reference's.
        last_good: The value before it, in order, that is within; empty if none was tapped.
        candidates: Values that both graphs have.
        rounds: Runs of both graphs.
        largest_bytes: The most that the taps of a round held, in each of the two.
    """

    value: str
    node: str
    operator: str
    error: float
    last_good: str
    candidates: int
    rounds: int
    largest_bytes: int


def bisect(
    reference: ModelView,
    candidate: ModelView,
    feeds: Mapping[str, Array],
    *,
    tolerance: float,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    progress: Progress = SILENT,
) -> Bisection:
    """Find the first value, in order of the reference, that is out of tolerance.

    Args:
        reference: The graph that is known to be good.
        candidate: The graph that differs.
        feeds: What to run both on.
        tolerance: Of a value's error.
        limits: What one session may take.
        progress: Told about each round.

    Raises:
        RunError: One of them does not run on this.
    """
    names = corresponding(reference, candidate)
    makers = {name: node for node in reference.proto.graph.node for name in node.output}
    good, bad = -1, len(names)
    errors: dict[int, float] = {}
    rounds, largest = 0, 0
    progress.start("looking for the first node that differs", 0, "rounds")
    while bad - good > 1:
        places = _spread(good, bad)
        found, held = _tap(
            (reference, candidate), [names[place] for place in places], feeds, limits
        )
        rounds, largest = rounds + 1, max(largest, held)
        errors.update(zip(places, found, strict=True))
        bad = next((place for place in places if errors[place] > tolerance), bad)
        good = max((place for place in places if place < bad), default=good)
        progress.advance(1)
    progress.finish()
    last_good = names[good] if good >= 0 else ""
    if bad == len(names):
        return Bisection("", "", "", 0.0, last_good, len(names), rounds, largest)
    node = makers[names[bad]]
    return Bisection(
        value=names[bad],
        node=node.name or node.op_type,
        operator=operator(node),
        error=errors[bad],
        last_good=last_good,
        candidates=len(names),
        rounds=rounds,
        largest_bytes=largest,
    )


def corresponding(reference: ModelView, candidate: ModelView) -> list[str]:
    """Values that nodes of both main graphs give, in topological order of the reference."""
    given = {name for node in candidate.proto.graph.node for name in node.output if name}
    constants = frozenset({"Constant"})
    return [
        name
        for node in in_order(reference.proto.graph.node)
        if node.op_type not in constants
        for name in node.output
        if name in given
    ]


def _spread(good: int, bad: int) -> list[int]:
    """Up to `TAPS` places between the two, evenly."""
    gap = bad - good
    return sorted({good + max(gap * i // (TAPS + 1), 1) for i in range(1, TAPS + 1)})


def _tap(
    models: tuple[ModelView, ModelView],
    names: Sequence[str],
    feeds: Mapping[str, Array],
    limits: Limits,
) -> tuple[list[float], int]:
    """The error of each value, and the bytes that they held."""
    values = []
    for model in models:
        content = standalone(model, outputs=names)
        with Session(model.path, SessionSettings(optimize=False), limits, content) as session:
            values.append(session.run(feeds, names))
    wanted, given = values
    held = sum(value.nbytes for value in wanted.values())
    return [compare_values(wanted[name], given[name]).error for name in names], held

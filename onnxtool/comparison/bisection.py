"""The first node whose output leaves the tolerance, by search over taps in both graphs.

Both graphs are run on the same inputs and states, without optimizations, which would remove what is
tapped. Values are taken for the same where both graphs call them the same.

1. What is bad is known; what made it bad is among its ancestors in the flow of data. Shapes and
   indices are no data: a value is as long as another also where that is wrong.
2. A round taps a few of the ancestors, evenly spaced. The first bad one takes the place of what was
   known to be bad; those that are good, and all that they are made from, are out.
3. With no ancestor left, its own inputs are tapped once more: only if all of them are good is it
   the first. A good value on another way may have hidden a bad one.

What is in memory at once is bounded by the taps of a round, and not by the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx

from onnxtool.comparison.values import Array, compare_values
from onnxtool.model.order import in_order, reads
from onnxtool.model.standalone import standalone
from onnxtool.model.view import ModelView, operator
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.inputs import INDICES
from onnxtool.runtime.session import Limits, Session, SessionSettings

TAPS = 7
# Operators of which the output says nothing of what is in the input.
_SHAPE_ONLY = frozenset({"Shape", "Size", "ConstantOfShape", "EyeLike"})


@dataclass(frozen=True, slots=True)
class Bisection:
    """Where two graphs part.

    Attributes:
        value: The first value out of tolerance; empty if none is.
        node: The node of the reference that gives it.
        operator: Its operator.
        error: Of the value, in standard deviations of the reference's.
        last_good: A value that it is made from, and that is within; empty if none was tapped.
        candidates: Values that both graphs have.
        values: Values that nodes of the reference give.
        rounds: Runs of both graphs.
        largest_bytes: The most that the taps of a round held, in each of the two.
    """

    value: str
    node: str
    operator: str
    error: float
    last_good: str
    candidates: int
    values: int
    rounds: int
    largest_bytes: int


def bisect(
    reference: ModelView,
    candidate: ModelView,
    feeds: Mapping[str, Array],
    outputs: Sequence[str],
    *,
    tolerance: float,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    progress: Progress = SILENT,
) -> Bisection:
    """Find the first value that is out of tolerance, of those that bad outputs are made from.

    Args:
        reference: The graph that is known to be good.
        candidate: The graph that differs.
        feeds: What to run both on.
        outputs: Outputs that are out of tolerance.
        tolerance: Of a value's error.
        limits: What one session may take.
        progress: Told about each round.

    Raises:
        RunError: One of them does not run on this.
    """
    search = _Search(reference, candidate, tolerance)
    taps = _Taps((reference, candidate), feeds, limits, progress)
    progress.start("looking for the first node that differs", 0, "rounds")
    try:
        found = search.run(outputs, taps)
    finally:
        progress.finish()
    node = search.makers[found] if found else None
    parents = [name for name in search.inputs.get(found, ()) if name in taps.errors]
    return Bisection(
        value=found,
        node=(node.name or node.op_type) if node else "",
        operator=operator(node) if node else "",
        error=taps.errors.get(found, 0.0),
        last_good=parents[-1] if parents else "",
        candidates=len(search.shared),
        values=len(search.makers),
        rounds=taps.rounds,
        largest_bytes=taps.largest_bytes,
    )


class _Search:
    """The flow of data of the reference, among values that the candidate has as well."""

    def __init__(self, reference: ModelView, candidate: ModelView, tolerance: float) -> None:
        nodes = [n for n in in_order(reference.proto.graph.node) if n.op_type != "Constant"]
        given = {name for node in candidate.proto.graph.node for name in node.output if name}
        self.makers = {name: node for node in nodes for name in node.output if name}
        self.shared = [name for name in self.makers if name in given]
        self.place = {name: index for index, name in enumerate(self.makers)}
        names = frozenset(self.shared)
        self.inputs = _made_from(nodes, names, data_only=False)
        self.parents = _made_from(nodes, names, data_only=True)
        self.tolerance = tolerance

    def run(self, outputs: Sequence[str], taps: _Taps) -> str:
        """The first bad value; empty if the outputs themselves are good on these inputs."""
        bad = self._first_bad([name for name in outputs if name in self.parents], taps)
        if not bad:
            return ""
        suspects = self.ancestors([bad])
        while True:
            tapped = _spread(sorted(suspects, key=self.place.__getitem__))
            if not tapped:
                # The last word is with what it is made from.
                tapped = [name for name in self.inputs[bad] if name not in taps.errors]
                if not tapped:
                    return bad
            earlier = self._first_bad(tapped, taps)
            good = [name for name in tapped if taps.errors[name] <= self.tolerance]
            if earlier:
                bad, suspects = earlier, self.ancestors([earlier])
            suspects -= self.ancestors(good).union(good, {bad})
            suspects -= taps.errors.keys()

    def _first_bad(self, names: Sequence[str], taps: _Taps) -> str:
        taps.tap(names)
        bad = [name for name in names if taps.errors[name] > self.tolerance]
        return min(bad, key=self.place.__getitem__, default="")

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """All values that these are made from."""
        found: set[str] = set()
        left = list(names)
        while left:
            new = set(self.parents[left.pop()]) - found
            found |= new
            left.extend(new)
        return found


def _spread(suspects: Sequence[str]) -> list[str]:
    """Up to `TAPS` of them, evenly; the last one is not among them unless they are few."""
    if len(suspects) <= TAPS:
        return list(suspects)
    return [suspects[len(suspects) * index // (TAPS + 1)] for index in range(1, TAPS + 1)]


def _made_from(
    nodes: Iterable[onnx.NodeProto], shared: frozenset[str], *, data_only: bool
) -> dict[str, tuple[str, ...]]:
    """Each value -> the nearest values of both graphs that it is made from, in order."""
    sources: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        nearest: dict[str, None] = {}
        for name in _inputs(node, data_only=data_only):
            nearest.update(dict.fromkeys((name,) if name in shared else sources.get(name, ())))
        sources.update(dict.fromkeys(filter(None, node.output), tuple(nearest)))
    return sources


def _inputs(node: onnx.NodeProto, *, data_only: bool) -> list[str]:
    """What a node reads, in subgraphs too; of data alone, without shapes and indices."""
    outer = sorted(reads(node) - set(node.input))
    if not data_only:
        return [name for name in (*node.input, *outer) if name]
    if node.op_type in _SHAPE_ONLY:
        return []
    indices = INDICES.get(node.op_type, ())
    data = [name for index, name in enumerate(node.input) if name and index not in indices]
    return [*data, *outer]


class _Taps:
    """Runs both graphs, and keeps the error of every value that was tapped."""

    def __init__(
        self,
        models: tuple[ModelView, ModelView],
        feeds: Mapping[str, Array],
        limits: Limits,
        progress: Progress,
    ) -> None:
        self.models = models
        self.feeds = feeds
        self.limits = limits
        self.progress = progress
        self.errors: dict[str, float] = {}
        self.rounds = 0
        self.largest_bytes = 0

    def tap(self, names: Sequence[str]) -> None:
        """Run both graphs once, for those that are not known yet."""
        new = [name for name in names if name not in self.errors]
        if not new:
            return
        wanted, given = (self._values(model, new) for model in self.models)
        held = sum(value.nbytes for value in wanted.values())
        self.errors.update((name, compare_values(wanted[name], given[name]).error) for name in new)
        self.rounds, self.largest_bytes = self.rounds + 1, max(self.largest_bytes, held)
        self.progress.advance(1)

    def _values(self, model: ModelView, names: Sequence[str]) -> dict[str, Array]:
        content = standalone(model, outputs=names)
        with Session(model.path, SessionSettings(optimize=False), self.limits, content) as session:
            return session.run(self.feeds, names)

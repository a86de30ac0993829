"""Follow the shapes through `If`, `Loop` and `Scan`."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx

from onnxtool.analysis.shapes.values import (
    UNKNOWN,
    Value,
    common,
    from_array,
    stacked,
    tensor_type,
    without_axis,
)
from onnxtool.model.attributes import integer, integers
from onnxtool.model.view import subgraphs


@dataclass(frozen=True, slots=True)
class NodeRun:
    """One node as it would be executed.

    Attributes:
        inputs: What is known of each input; None for an optional one that is left out.
        outputs: Likewise.
        inner: The subgraphs that it runs.
        repeats: How often it runs them; None if that depends on data.
        refused: Whether its inputs, of which all sizes are known, do not fit the operator.
    """

    node: onnx.NodeProto
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value | None, ...]
    inner: tuple[Run, ...] = ()
    repeats: int | None = 1
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A graph as it would be executed: its nodes in order, and what its values turned out to be."""

    nodes: tuple[NodeRun, ...]
    values: Mapping[str, Value]
    outputs: tuple[str, ...]

    @property
    def results(self) -> list[Value]:
        """The graph's outputs."""
        return [self.values.get(name, UNKNOWN) for name in self.outputs]


@dataclass(frozen=True, slots=True)
class Followed:
    """Outputs of a node, the subgraphs it ran, how often (None: unknown), or that it cannot run."""

    outputs: Sequence[Value]
    inner: tuple[Run, ...]
    repeats: int | None
    refused: bool = False


# Values by name, those of each graph in a map of its own: what is outside is not copied.
Scope = ChainMap[str, Value]
Inputs = Sequence[Value | None]
# How often a loop's body is run to find out what it changes; inside so many others, not at all.
MAX_ATTEMPTS = 3
MAX_DEPTH = 4


class Runner(Protocol):
    """Runs a graph in the scope of the graphs around it, of which there are `depth` now."""

    depth: int

    def graph(self, graph: onnx.GraphProto, outer: Scope, /) -> Run: ...


def follow_if(runner: Runner, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """If: the branch taken where the condition is known, else both, how often unknown."""
    branches = dict(subgraphs(node))
    condition = inputs[0].scalar if inputs and inputs[0] else None
    if condition is not None:
        taken = runner.graph(branches["then_branch" if condition else "else_branch"], scope)
        return Followed(taken.results, (taken,), 1)
    then, other = (runner.graph(branches[f"{name}_branch"], scope) for name in ("then", "else"))
    results = [common(*pair) for pair in zip(then.results, other.results, strict=False)]
    return Followed(results, (then, other), None)


def follow_loop(runner: Runner, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """Loop: the body, with the size of what it carries unknown where the body changes it.

    The trip count is known if it is given as a known number and the body never ends the loop, or
    if the loop is not entered.
    """
    body = dict(subgraphs(node))["body"]
    names = [value.name for value in body.input]
    limit = inputs[0].scalar if inputs and inputs[0] else None
    started = inputs[1].scalar if len(inputs) > 1 and inputs[1] else 1
    iteration = Value(tensor_type(onnx.TensorProto.INT64, ()))
    # If the condition holds at the start and the body hands it on, it holds always.
    condition = from_array(np.array(True)) if started else UNKNOWN
    carried = [Value(value.type) if value else UNKNOWN for value in inputs[2:]]

    def step(states: Sequence[Value]) -> Run:
        fed = iteration, condition, *states
        return runner.graph(body, scope.new_child(dict(zip(names, fed, strict=False))))

    once, kept = _settled(step, carried, MAX_ATTEMPTS if runner.depth <= MAX_DEPTH else 0)
    repeats = _trip_count(limit, started, once)
    scanned = [stacked(value, repeats) for value in once.results[1 + len(carried) :]]
    return Followed([*kept, *scanned], (once,), repeats)


def _settled(
    step: Callable[[Sequence[Value]], Run], carried: Sequence[Value], attempts: int
) -> tuple[Run, Sequence[Value]]:
    """The body as it is run with what holds for every iteration, and what that is.

    What the body changes is unknown in the next iteration, which may make more unknown. If that
    has no end after so many attempts, nothing is taken to be known.
    """
    for _ in range(attempts):
        once = step(carried)
        after = once.results[1 : 1 + len(carried)]
        kept = [common(*pair) for pair in zip(carried, after, strict=False)]
        kept += [UNKNOWN] * (len(carried) - len(kept))
        if [value.shape for value in kept] == [value.shape for value in carried]:
            return once, kept
        carried = kept
    unknown = [UNKNOWN] * len(carried)
    return step(unknown), unknown


def _trip_count(limit: int | None, started: int | None, body: Run) -> int | None:
    """How often a loop runs its body; None if that depends on data."""
    if started == 0:
        return 0
    if limit is not None and limit <= 0:
        return 0
    goes_on = bool(body.results) and body.results[0].scalar == 1
    return limit if started and goes_on else None


def follow_scan(runner: Runner, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """Scan: the body once for each element of the scanned axis, the first unless it says so."""
    body = dict(subgraphs(node))["body"]
    count = integer(node, "num_scan_inputs")
    if not 0 < count <= len(inputs):  # A damaged node.
        return Followed([], (), None)
    axes = integers(node, "scan_input_axes") or (0,) * count
    given = [value or UNKNOWN for value in inputs]
    states = [Value(value.type) for value in given[: len(given) - count]]
    scanned = zip(given[len(given) - count :], axes, strict=False)
    elements = [without_axis(value, axis) for value, axis in scanned]
    names = [value.name for value in body.input]
    fed = (*states, *(element for element, _ in elements))
    once = runner.graph(body, scope.new_child(dict(zip(names, fed, strict=False))))
    repeats = elements[0][1] if elements else None
    outputs = once.results
    stacks = outputs[len(states) :]
    collected = [
        stacked(value, repeats, axis)
        for value, axis in zip(
            stacks, integers(node, "scan_output_axes") or (0,) * len(stacks), strict=False
        )
    ]
    return Followed([*outputs[: len(states)], *collected], (once,), repeats)


FOLLOW = {"If": follow_if, "Loop": follow_loop, "Scan": follow_scan}

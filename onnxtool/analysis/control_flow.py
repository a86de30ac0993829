"""Follow the shapes through `If`, `Loop` and `Scan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from onnxtool.analysis.values import (
    UNKNOWN,
    Value,
    common,
    from_array,
    stacked,
    tensor_type,
    without_axis,
)
from onnxtool.model.view import subgraphs


@dataclass(frozen=True, slots=True)
class NodeRun:
    """One node as it would be executed.

    Attributes:
        inputs: What is known of each input; None for an optional one that is left out.
        outputs: Likewise.
        inner: The subgraphs that it runs.
        repeats: How often it runs them; None if that depends on data.
    """

    node: onnx.NodeProto
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value | None, ...]
    inner: tuple[Run, ...] = ()
    repeats: int | None = 1


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
    """Outputs of a node with subgraphs, the subgraphs it ran, and how often (None: unknown)."""

    outputs: Sequence[Value]
    inner: tuple[Run, ...]
    repeats: int | None


Scope = Mapping[str, Value]
RunGraph = Callable[[onnx.GraphProto, Scope], Run]
Inputs = Sequence[Value | None]


def follow_if(run: RunGraph, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """If: the branch taken where the condition is known, else both, how often unknown."""
    branches = dict(subgraphs(node))
    condition = inputs[0].scalar if inputs and inputs[0] else None
    if condition is not None:
        taken = run(branches["then_branch" if condition else "else_branch"], scope)
        return Followed(taken.results, (taken,), 1)
    runs = tuple(run(branch, scope) for branch in branches.values())
    results = [common(*pair) for pair in zip(*(r.results for r in runs), strict=False)]
    return Followed(results, runs, None)


def follow_loop(run: RunGraph, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """Loop: the body, with the size of what it carries unknown where the body changes it.

    The trip count is known if it is given as a known number and the body never ends the loop.
    """
    body = dict(subgraphs(node))["body"]
    names = [value.name for value in body.input]
    limit = inputs[0].scalar if inputs and inputs[0] else None
    started = inputs[1].scalar if len(inputs) > 1 and inputs[1] else 1
    iteration = Value(tensor_type(onnx.TensorProto.INT64, ()))
    # If the condition holds at the start and the body hands it on, it holds always.
    condition = from_array(np.array(True)) if started == 1 else UNKNOWN
    carried = [Value(value.type) if value else UNKNOWN for value in inputs[2:]]

    def step(states: Sequence[Value]) -> Run:
        return run(
            body, {**scope, **dict(zip(names, (iteration, condition, *states), strict=False))}
        )

    once = step(carried)
    after = once.results[1 : 1 + len(carried)]
    kept = [common(*pair) for pair in zip(carried, after, strict=False)]
    if [value.shape for value in kept] != [value.shape for value in carried]:
        once = step(kept)
    ends = not once.results or once.results[0].scalar != 1
    repeats = None if ends else limit
    scanned = [stacked(value, repeats) for value in once.results[1 + len(carried) :]]
    return Followed([*kept, *scanned], (once,), repeats)


def follow_scan(run: RunGraph, node: onnx.NodeProto, inputs: Inputs, scope: Scope) -> Followed:
    """Scan: the body once for each element of the scanned axis, the first unless it says so."""
    body = dict(subgraphs(node))["body"]
    attributes = {attribute.name: attribute for attribute in node.attribute}
    count = attributes["num_scan_inputs"].i
    axes = list(attributes["scan_input_axes"].ints) if "scan_input_axes" in attributes else []
    given = [value or UNKNOWN for value in inputs]
    states = [Value(value.type) for value in given[: len(given) - count]]
    scanned = zip(given[len(given) - count :], axes or [0] * count, strict=False)
    elements = [without_axis(value, axis) for value, axis in scanned]
    names = [value.name for value in body.input]
    fed = (*states, *(element for element, _ in elements))
    once = run(body, {**scope, **dict(zip(names, fed, strict=False))})
    repeats = elements[0][1] if elements else None
    outputs = once.results
    collected = [stacked(value, repeats) for value in outputs[len(states) :]]
    return Followed([*outputs[: len(states)], *collected], (once,), repeats)


FOLLOW = {"If": follow_if, "Loop": follow_loop, "Scan": follow_scan}

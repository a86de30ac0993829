"""Recognize a softmax, whole or in pieces, by walking back from a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import onnx

from onnxtool.model.attributes import integer, integers
from onnxtool.model.dataflow import Dataflow, Maker, Value

# One node that does all of it.
SOFTMAX = frozenset({"LogSoftmax", "Softmax", "BiasSoftmax", "QLinearSoftmax", "QuickSoftmax"})
# What gives its first input, in another place, type or layout.
_MOVES = frozenset(
    {"Identity", "Cast", "CastLike", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"}
    | {"Slice", "Split", "Gather", "Expand", "Pad", "Dropout", "Clip"}
    | {"QuantizeLinear", "DequantizeLinear"}
)
# What gives its only varying input, value for value.
_SCALES = frozenset({"Mul", "Div", "Add", "Sub", "Max", "Min", "Pow"})
_MERGES = frozenset({"Concat", "Where"})


Totals = Callable[[Dataflow, Value], Iterator[tuple[Maker, str]]]


@dataclass(frozen=True, slots=True)
class Normalization:
    """A softmax on the way to an output.

    Attributes:
        form: How it is written: `LogSoftmax`, or the nodes it is made of.
        maker: The last of its nodes.
        axis: The axis it is over, in the rank of that node; None if it cannot be told.
        path: The nodes between it and the output, from the output on.
    """

    form: str
    maker: Maker
    axis: int | None
    path: tuple[tuple[Maker, int], ...]


def normalizations(flow: Dataflow, output: Value) -> Iterator[Normalization]:
    """Every softmax that a value is the result of, perhaps moved, scaled, cut or joined."""
    seen: set[tuple[int, str]] = set()
    waiting: list[tuple[Value, tuple[tuple[Maker, int], ...]]] = [(output, ())]
    while waiting:
        value, path = waiting.pop()
        for maker in flow.makers(value):
            if maker.value.key in seen:
                continue
            seen.add(maker.value.key)
            if found := _softmax(flow, maker):
                yield Normalization(found[0], maker, found[1], path)
                continue
            waiting.extend(
                (maker.inputs[place], (*path, (maker, place)))
                for place in reversed(_carriers(flow, maker))
            )


def _carriers(flow: Dataflow, maker: Maker) -> list[int]:
    """The inputs of a node of which its output is a moved, scaled, cut or joined copy."""
    operator, count = maker.node.op_type, len(maker.node.input)
    if operator in _MOVES or operator in {"Log", "Exp", "Neg"}:
        return [0] if count else []
    if operator in _SCALES:
        varying = [i for i, value in enumerate(maker.inputs) if flow.constant(value) is None]
        return varying if len(varying) == 1 else []
    if operator in _MERGES:
        return list(range(operator == "Where", count))
    return []


def _softmax(flow: Dataflow, maker: Maker) -> tuple[str, int | None] | None:
    """The form and the axis of the softmax that ends in this node, if one does."""
    operator, inputs = maker.node.op_type, maker.inputs
    if operator in SOFTMAX:
        # Before version 13, the axes from 1 on are one.
        is_set = flow.opset >= 13 or any(a.name == "axis" for a in maker.node.attribute)
        return operator, integer(maker.node, "axis", -1) if is_set else None
    if len(inputs) != 2 or any(flow.constant(value) is not None for value in inputs):
        return None
    # x - log(sum(exp(x))), x + -log(sum(exp(x))); exp(x) / sum(exp(x)), exp(x) * 1 / sum(exp(x)).
    totals = {"Sub": _logarithms, "Add": _logarithms, "Div": _sums, "Mul": _sums}.get(operator)
    orders = [inputs, inputs[::-1]] if operator in {"Add", "Mul"} else [inputs]
    if operator == "Add":  # Of a logarithm, only the negative makes a softmax.
        orders = [(value, total) for value, total in orders if _is_negative(flow, total)]
    found = (_divided(flow, value, total, totals) for value, total in orders) if totals else ()
    return next(filter(None, found), None)


def _divided(
    flow: Dataflow, value: Value, total: Value, totals: Totals
) -> tuple[str, int | None] | None:
    """Whether `total` is the sum of exponentials of what `value` is, or its logarithm."""
    for reduction, form in totals(flow, total):
        if _roots(flow, value) & _roots(flow, reduction.inputs[0]):
            return form, _reduced_axis(flow, reduction)
    return None


def _sums(flow: Dataflow, total: Value) -> Iterator[tuple[Maker, str]]:
    """Reductions whose result is `total`, a sum of exponentials."""
    for maker in _walk(flow, total, _MOVES | {"Reciprocal"}):
        is_sum = maker.node.op_type in {"ReduceSum", "ReduceL1"}
        if is_sum and _is_exponential(flow, maker.inputs[0]):
            yield maker, "Exp, ReduceSum and Div"


def _logarithms(flow: Dataflow, total: Value) -> Iterator[tuple[Maker, str]]:
    """Reductions of which `total` is the logarithm, perhaps with the maximum added again."""
    for maker in _walk(flow, total, _MOVES | {"Add", "Neg"}):
        operator = maker.node.op_type
        if operator == "ReduceLogSumExp":
            yield maker, "ReduceLogSumExp and Sub"
        elif operator == "ReduceLogSum" and _is_exponential(flow, maker.inputs[0]):
            yield maker, "Exp, ReduceLogSum and Sub"
        elif operator == "Log":
            for reduction, _ in _sums(flow, maker.inputs[0]):
                yield reduction, "Exp, ReduceSum, Log and Sub"


def _is_negative(flow: Dataflow, value: Value) -> bool:
    """Whether a value has changed its sign on the way: by `Neg`, or by a factor."""
    steps = _walk(flow, value, _MOVES)
    return any(maker.node.op_type in {"Neg", "Mul", "Div"} for maker in steps)


def _is_exponential(flow: Dataflow, value: Value) -> bool:
    return any(maker.node.op_type in {"Exp", "Pow"} for maker in _walk(flow, value, _MOVES))


def _roots(flow: Dataflow, value: Value) -> set[tuple[int, str]]:
    """Every value that this one is a moved, shifted or exponentiated copy of, and itself."""
    steps = _MOVES | _SCALES | {"Exp"}
    walked = _walk(flow, value, steps)
    # What they read counts, too: inputs of the graph have no maker.
    passed = [value for m in walked if m.node.op_type in steps for value in m.inputs]
    read = {value.key for value in passed if flow.constant(value) is None}
    return {value.key, *(maker.value.key for maker in walked), *read}


def _walk(flow: Dataflow, value: Value, steps: AbstractSet[str]) -> list[Maker]:
    """The makers of a value, and behind those that are among `steps`, of what they read."""
    found: dict[tuple[int, str], Maker] = {}
    waiting = [value]
    while waiting:
        for maker in flow.makers(waiting.pop()):
            # What reads nothing is no step of a softmax, whatever its operator.
            if maker.value.key in found or not maker.inputs:
                continue
            found[maker.value.key] = maker
            if maker.node.op_type in steps:
                count = 1 if maker.node.op_type in _MOVES else len(maker.inputs)
                waiting.extend(maker.inputs[:count])
    return list(found.values())


def _reduced_axis(flow: Dataflow, reduction: Maker) -> int | None:
    """The one axis of a reduction: an attribute, and in newer operator sets an input."""
    axes = integers(reduction.node, "axes")
    if not axes and len(reduction.inputs) > 1:
        tensor = flow.constant(reduction.inputs[1])
        if tensor is None or tensor.data_type != onnx.TensorProto.INT64 or tensor.external_data:
            return None
        axes = tuple(onnx.numpy_helper.to_array(tensor).ravel().tolist())
    return axes[0] if len(axes) == 1 else None

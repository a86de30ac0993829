"""What hands values on: as they are, one by one through a function, or joined to others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from onnxtool.model.attributes import text
from onnxtool.model.dataflow import Maker, Value
from onnxtool.rules.joint.constants import Constants

Array = np.ndarray[Any, np.dtype[Any]]
# What gives its first input, in another place, type or layout.
MOVES = frozenset(
    {"Identity", "Cast", "CastLike", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"}
    | {"Slice", "Split", "Gather", "Expand", "Pad", "Dropout", "Clip"}
    | {"QuantizeLinear", "DequantizeLinear"}
)
# What makes another number of each, and nothing of their neighbors.
_FUNCTIONS = frozenset({"Log", "Exp", "Neg", "Reciprocal", "Sqrt", "Abs", "Relu"})
# What gives its only varying input, value for value.
_SCALES = frozenset({"Mul", "Div", "Add", "Sub", "Max", "Min", "Pow", "Sum"})
# What moves values within the last axis, or to another place in it, is too large to follow here.
MAX_SIZE = 1 << 20


def carriers(maker: Maker, constants: Constants) -> list[int]:
    """The inputs of a node of which its output is a moved, scaled, cut or joined copy."""
    operator, inputs = maker.node.op_type, maker.inputs
    if operator in MOVES or operator in _FUNCTIONS:
        return [0] if inputs else []
    if parts := joined(maker, constants):
        return parts
    if operator in _SCALES:
        varying = {value.key: i for i, value in enumerate(inputs) if not constants.is_fixed(value)}
        return list(varying.values()) if len(varying) == 1 else []
    return []


def joined(maker: Maker, constants: Constants) -> list[int]:
    """The inputs that are each a part of what a node gives; none for nodes that join nothing."""
    inputs = maker.inputs
    match maker.node.op_type:
        case "Concat":
            places = list(range(len(inputs)))
        case "Where":
            places = [1, 2]
        case "ScatterElements" | "ScatterND" if text(maker.node, "reduction", "none") == "none":
            places = [0, 2]
        case "Add" | "Sum" if _are_apart(inputs, constants):
            places = list(range(len(inputs)))
        case _:
            return []
    return [i for i in places if i < len(inputs) and not constants.is_fixed(inputs[i])]


def _are_apart(values: tuple[Value, ...], constants: Constants) -> bool:
    """Whether each of these is zero wherever another is not: padded, or cut out by a mask."""
    parts = [part for value in values if (part := support(value, constants)) is not None]
    if len(parts) < max(2, len(values)):
        return False
    try:
        shape = np.broadcast_shapes(*(part.shape for part in parts))
    except ValueError:  # They do not fit each other.
        return False
    if math.prod(shape) > MAX_SIZE:
        return False
    taken = np.zeros(shape, np.int64)
    for part in parts:
        taken += part
    return bool((taken <= 1).all())


def support(value: Value, constants: Constants) -> Array | None:
    """Where a value may be other than zero, broadcast to it; None where that is not known."""
    maker = _maker(value, constants)
    while maker and maker.node.op_type in {"Identity", "Cast"}:
        maker = _maker(maker.inputs[0], constants)
    if maker is None:
        return None
    match maker.node.op_type:
        case "Pad":
            return _padded(maker, constants)
        case "Mul":
            masks = map(constants.array, maker.inputs)
            return next((mask != 0 for mask in masks if mask is not None), None)
        case "Where" if len(maker.inputs) == 3 and constants.number(maker.inputs[2]) == 0:
            mask = constants.array(maker.inputs[0])
            return None if mask is None else mask != 0
        case _:
            return None


def _maker(value: Value, constants: Constants) -> Maker | None:
    """The one node that makes a value of others; None for none, and for several."""
    makers = [maker for maker in constants.flow.makers(value) if maker.inputs]
    return makers[0] if len(makers) == 1 else None


def _padded(maker: Maker, constants: Constants) -> Array | None:
    """The entries of a padded value that are not padding, along the one axis that is padded."""
    found = padding(maker, constants)
    if found is None or text(maker.node, "mode", "constant") != "constant":
        return None
    if len(maker.inputs) > 2 and maker.inputs[2].name and constants.number(maker.inputs[2]) != 0:
        return None
    axis, before, after, rank = found
    size = constants.size(maker.value, axis)
    if size is None or size > MAX_SIZE or min(before, after) < 0 or before + after > size:
        return None
    entries = np.zeros((size, *(1,) * (rank - axis - 1)), np.bool_)
    entries[before : size - after] = True
    return entries


def padding(maker: Maker, constants: Constants) -> tuple[int, int, int, int] | None:
    """Axis, entries before, entries after, and rank, of a pad along one axis."""
    if len(maker.inputs) < 2 or (len(maker.inputs) > 3 and maker.inputs[3].name):
        return None
    pads = constants.array(maker.inputs[1])
    if pads is None or pads.ndim != 1 or pads.size % 2 or pads.dtype.kind != "i":
        return None
    rank = pads.size // 2
    padded = [axis for axis in range(rank) if pads[axis] or pads[axis + rank]]
    if len(padded) != 1:
        return None
    axis = padded[0]
    return axis, int(pads[axis]), int(pads[axis + rank]), rank

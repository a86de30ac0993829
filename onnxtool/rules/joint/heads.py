"""Which axis of an output, and which of its entries, a node on the way to it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnxtool.model.attributes import integer, integers
from onnxtool.model.dataflow import Maker, Value
from onnxtool.model.tensors import TensorSpec
from onnxtool.rules.joint.constants import Constants
from onnxtool.rules.joint.movement import MAX_SIZE, joined, padding
from onnxtool.rules.joint.normalization import Origin

# Entry of a value along an axis -> entry of the output, -1 for none.
Entries = np.ndarray[Any, np.dtype[np.int64]]
Path = Sequence[tuple[Maker, int]]
# Operators that may put an axis elsewhere, and leave the last one where it is.
_SHAPED = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten"})


def placed(found: Origin, output: TensorSpec, constants: Constants) -> str:
    """` over axis 3, head [0, 36)`, as much of it as can be told."""
    if output.shape is None or found.axis is None:
        return ""
    axis = output_axis(found.axis, len(output.shape), found.path, constants)
    if axis is None:
        return ""
    size = output.shape[axis]
    part = head(axis, size, found.path, constants) if isinstance(size, int) else None
    if part is not None:
        whole = len(part) == size
        return f" over axis {axis}" + ("" if whole else f", head [{part.start}, {part.stop})")
    join = next((step for step in reversed(found.path) if joined(step[0], constants)), None)
    return f" over axis {axis}" + (f", input {join[1]} of `{join[0].location}`" if join else "")


def gives(
    origin: Origin, output: TensorSpec, axis: int, wanted: range, constants: Constants
) -> bool:
    """Whether a node may give any of these entries of an axis of an output."""
    shape = output.shape or ()
    own = (
        None
        if origin.axis is None
        else output_axis(origin.axis, len(shape), origin.path, constants)
    )
    if own not in {None, axis}:
        return False
    size = shape[axis]
    part = head(axis, size, origin.path, constants) if isinstance(size, int) else None
    return part is None or (part.start < wanted.stop and wanted.start < part.stop)


def output_axis(axis: int, rank: int, path: Path, constants: Constants) -> int | None:
    """The axis of an output that an axis of the node at the end of the path becomes."""
    axes: tuple[int | None, ...] = tuple(range(rank))
    for maker, _ in path:
        axes = tuple(None if at is None else _before(maker, at, constants) for at in axes)
    own = constants.rank(path[-1][0].inputs[path[-1][1]]) if path else rank
    wanted = axis + (own or rank) if axis < 0 else axis
    return axes.index(wanted) if wanted in axes else None


def _before(maker: Maker, axis: int, constants: Constants) -> int | None:
    """Where an axis of a node's output is in what it reads."""
    if maker.node.op_type == "Transpose":
        order = integers(maker.node, "perm")
        rank = constants.rank(maker.value)
        if not order:
            return None if rank is None else rank - 1 - axis
        return order[axis] if axis < len(order) else None
    if maker.node.op_type in _SHAPED:
        rank, before = constants.rank(maker.value), constants.rank(maker.inputs[0])
        size = constants.size(maker.value, -1)
        is_whole = size is not None and size == constants.size(maker.inputs[0], -1)
        is_last = rank is not None and axis == rank - 1
        return before - 1 if before and is_last and is_whole else None
    return axis


def head(axis: int, size: int, path: Path, constants: Constants) -> range | None:
    """The entries of an output's axis that the node at the end of the path gives.

    Args:
        axis: Of the output.
        size: Of that axis.
        path: The nodes from the output to that node.
        constants: Of the model.

    Returns:
        None where they cannot be told, or have gaps.
    """
    entries: Entries | None = np.arange(size) if size <= MAX_SIZE else None
    at: int | None = axis
    for maker, place in path:
        if entries is None or at is None:
            return None
        entries = _entries(maker, place, at, entries, constants)
        at = _before(maker, at, constants)
    if entries is None:
        return None
    given = np.sort(entries[entries >= 0])
    if not given.size or given[-1] - given[0] != given.size - 1:
        return None
    return range(int(given[0]), int(given[-1]) + 1)


def _entries(
    maker: Maker, place: int, axis: int, entries: Entries, constants: Constants
) -> Entries | None:
    """Of one input of a node, where its output's are known."""
    inputs = maker.inputs
    match maker.node.op_type:
        case "Concat" if integer(maker.node, "axis") in _same(maker, axis, constants):
            sizes = [constants.size(value, axis) for value in inputs[: place + 1]]
            known = [size for size in sizes if size is not None]
            if len(known) < len(sizes):
                return None
            return entries[sum(known[:-1]) : sum(known)]
        case "Pad":
            return _unpadded(maker, axis, entries, constants)
        case "Where":
            mask = _along(inputs[0], len(entries), constants)
            return None if mask is None else np.where((mask != 0) == (place == 1), entries, -1)
        case "ScatterElements" if integer(maker.node, "axis") in _same(maker, axis, constants):
            return _scattered(place, entries, constants.elements(inputs[1]))
        case "ScatterElements" | "ScatterND":
            return None
        case "Mul":
            masks = (_along(value, len(entries), constants) for value in inputs)
            mask = next((mask for mask in masks if mask is not None), None)
            return entries if mask is None else np.where(mask != 0, entries, -1)
        case "Split" | "Slice" | "Gather":
            return _cut(maker, axis, entries, constants)
        case _:
            return entries


def _same(maker: Maker, axis: int, constants: Constants) -> set[int]:
    """An axis of what a node gives, counted from the first and from the last."""
    rank = constants.rank(maker.value)
    return {axis} if rank is None else {axis, axis - rank}


def _along(value: Value, size: int, constants: Constants) -> np.ndarray[Any, Any] | None:
    """A constant with one number for each entry of an axis."""
    array = constants.array(value)
    return array.ravel() if array is not None and array.size == size else None


def _unpadded(maker: Maker, axis: int, entries: Entries, constants: Constants) -> Entries | None:
    found = padding(maker, constants)
    if found is None:
        return None
    padded, before, after, _ = found
    if padded != axis:
        return entries
    return entries[max(0, before) : len(entries) - max(0, after)]


def _scattered(place: int, entries: Entries, indices: Any) -> Entries | None:
    if indices is None or indices.dtype.kind != "i":
        return None
    written = np.unique(indices)
    if not written.size or written[0] < 0 or written[-1] >= len(entries):
        return None
    if place == 2:
        return np.asarray(entries[written])
    kept = entries.copy()
    kept[written] = -1
    return kept


def _cut(maker: Maker, axis: int, entries: Entries, constants: Constants) -> Entries | None:
    """Of what a node cuts its output from: only where it cuts other axes."""
    before = constants.size(maker.inputs[0], axis)
    return entries if before == len(entries) else None

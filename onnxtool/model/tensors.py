"""Tensors as the graph declares them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from onnxtool.model.dtypes import dtype

# A size, the symbol of a dynamic axis, or None where nothing is known.
Dimension = int | str | None
Shape = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a graph.

    Attributes:
        name: As in the graph.
        dtype: Element type, e.g. `float32`; other kinds of value read `sequence(float32)`.
        shape: Sizes and symbols. None for an unknown size, and for the whole of an unknown rank.
        auto_named: Axes whose symbol an exporter made up and that therefore say nothing, with
            that name. They are None in `shape`.
        element_shape: Of the tensors in a sequence, an optional or a map; None where nothing is
            known, and for a tensor itself.
    """

    name: str
    dtype: str
    shape: Shape | None
    auto_named: tuple[tuple[int, str], ...] = ()
    element_shape: Shape | None = None

    @property
    def dynamic_axes(self) -> dict[int, str | None]:
        """Axis -> symbol, for every axis without a fixed size."""
        return {axis: d for axis, d in enumerate(self.shape or ()) if not isinstance(d, int)}

    def size(self, axis: int) -> Dimension:
        """The size or symbol of an axis; None where nothing is known, or there is no such axis."""
        return self.shape[axis] if self.shape is not None and axis < len(self.shape) else None

    def axis_name(self, axis: int) -> str:
        """What `--at` calls this axis: its symbol, or input:axis where it has no real one."""
        dimension = (self.shape or ())[axis]
        return dimension if isinstance(dimension, str) else f"{self.name}:{axis}"


def shape_text(shape: Sequence[Dimension] | None) -> str:
    """`[batch, 80, ?]`, with a question mark where nothing is known; `[…]` for an unknown rank."""
    if shape is None:
        return "[…]"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


# `unk__12` (tf2onnx, ONNX Runtime), `?` and `None`.
_GENERIC_SYMBOL = re.compile(r"unk__\d+|\?|None|")


def is_auto_named(symbol: str, value: str, axis: int) -> bool:
    """Whether an exporter made up this symbol for this one axis, so that it names no size."""
    if _GENERIC_SYMBOL.fullmatch(symbol):
        return True
    # `Transposecache_last_time_out_dim_3`: torch puts an operator before the value's name.
    stem = symbol.removesuffix(f"_dim_{axis}")
    if stem != symbol and stem.endswith(value):
        operator = stem.removesuffix(value)
        return not operator or (operator[0].isupper() and operator.isalnum())
    return re.fullmatch(r"_dynamic_axes_\d{1,3}", symbol.removeprefix(value)) is not None


_TENSORS = frozenset({"tensor_type", "sparse_tensor_type"})


def spec_of(value: onnx.ValueInfoProto) -> TensorSpec:
    """The declared type of a graph input or output."""
    kind = value.type.WhichOneof("value")
    if kind not in _TENSORS:
        inner = _element_shape(value.type)
        return TensorSpec(value.name, type_name(value.type), None, element_shape=inner)
    declared = getattr(value.type, kind)
    if not declared.HasField("shape"):
        return TensorSpec(value.name, type_name(value.type), None)
    symbols = [dim.dim_param for dim in declared.shape.dim]
    auto = tuple(
        (axis, symbol)
        for axis, symbol in enumerate(symbols)
        if symbol and is_auto_named(symbol, value.name, axis)
    )
    shape = tuple(
        dim.dim_value
        if dim.HasField("dim_value")
        else None
        if axis in dict(auto)
        else symbol or None
        for axis, (dim, symbol) in enumerate(zip(declared.shape.dim, symbols, strict=True))
    )
    return TensorSpec(value.name, type_name(value.type), shape, auto)


def _element_shape(declared: onnx.TypeProto) -> Shape | None:
    """The shape of the tensors at the bottom of a sequence, an optional or a map."""
    match kind := declared.WhichOneof("value"):
        case "tensor_type" | "sparse_tensor_type":
            tensor = getattr(declared, kind)
            if not tensor.HasField("shape"):
                return None
            return tuple(
                dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
                for dim in tensor.shape.dim
            )
        case "sequence_type" | "optional_type":
            return _element_shape(getattr(declared, kind).elem_type)
        case "map_type":
            return _element_shape(declared.map_type.value_type)
        case _:
            return None


def type_name(declared: onnx.TypeProto) -> str:
    """`float32`, `sequence(int64)`, `map(string, float32)`, `optional(...)`, `undefined`."""
    match declared.WhichOneof("value"):
        case "tensor_type":
            return dtype(declared.tensor_type.elem_type).name
        case "sparse_tensor_type":
            return f"sparse({dtype(declared.sparse_tensor_type.elem_type).name})"
        case "sequence_type":
            return f"sequence({type_name(declared.sequence_type.elem_type)})"
        case "optional_type":
            return f"optional({type_name(declared.optional_type.elem_type)})"
        case "map_type":
            key = dtype(declared.map_type.key_type).name
            return f"map({key}, {type_name(declared.map_type.value_type)})"
        case _:
            return "undefined"


# No file holds so many. A shape may claim more digits than Python prints.
MAX_ELEMENTS = 1 << 96


def count_elements(sizes: Sequence[int]) -> int:
    """The product of sizes, at most `MAX_ELEMENTS`; a negative size counts as none."""
    count = 0 if any(size <= 0 for size in sizes) else 1
    for size in sizes:
        count = min(count * size, MAX_ELEMENTS)
    return count

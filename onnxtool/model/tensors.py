"""Tensors as the graph declares them, and where the bytes of the stored ones are."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import onnx

from onnxtool.errors import ModelLoadError
from onnxtool.model.skeleton import EMBEDDED_KEY

# A size, the symbol of a dynamic axis, or None where nothing is known.
Dimension = int | str | None
Shape = tuple[Dimension, ...]


class DType(NamedTuple):
    """An element type: its name, and its width in bits (None for strings)."""

    name: str
    bits: int | None


# onnx.TensorProto.DataType, named as NumPy and ml_dtypes name them.
DTYPES = {
    1: DType("float32", 32),
    2: DType("uint8", 8),
    3: DType("int8", 8),
    4: DType("uint16", 16),
    5: DType("int16", 16),
    6: DType("int32", 32),
    7: DType("int64", 64),
    8: DType("string", None),
    9: DType("bool", 8),
    10: DType("float16", 16),
    11: DType("float64", 64),
    12: DType("uint32", 32),
    13: DType("uint64", 64),
    14: DType("complex64", 64),
    15: DType("complex128", 128),
    16: DType("bfloat16", 16),
    17: DType("float8e4m3fn", 8),
    18: DType("float8e4m3fnuz", 8),
    19: DType("float8e5m2", 8),
    20: DType("float8e5m2fnuz", 8),
    21: DType("uint4", 4),
    22: DType("int4", 4),
    23: DType("float4e2m1", 4),
    24: DType("float8e8m0", 8),
    25: DType("uint2", 2),
    26: DType("int2", 2),
    27: DType("float6e2m3", 6),
    28: DType("float6e3m2", 6),
}


def dtype(elem_type: int) -> DType:
    """The element type with this number; one that this version does not know keeps its number."""
    return DTYPES.get(elem_type) or DType(f"type{elem_type}" if elem_type else "undefined", None)


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


class Storage(enum.Enum):
    """Where the bytes of a stored tensor are."""

    INLINE = "inline"  # in the skeleton itself
    EMBEDDED = "embedded"  # in the model's file, left there
    EXTERNAL = "external"  # in another file


class Holder(enum.Enum):
    """What part of the model a stored tensor belongs to."""

    INITIALIZER = "initializer"
    SPARSE_VALUES = "sparse initializer"
    SPARSE_INDICES = "indices of a sparse initializer"
    ATTRIBUTE = "node attribute"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor whose values are part of the model.

    Attributes:
        scope: Path of the graph that holds it, e.g. `main`.
        node: The name, or the operator, of the node whose attribute it is; else empty.
        shape: As declared; a negative size is damage, and kept.
        file: Relative path of the external file, else empty.
        offset: Of its bytes in the model's or the external file.
        length: Of its bytes there; None where an external reference gives none.
        unreadable: What in its reference is not the number it should be; else empty.
        proto: It, as the skeleton has it.
        node_proto: The node whose attribute it is, or None.
    """

    name: str
    scope: str
    node: str
    holder: Holder
    dtype: DType
    shape: tuple[int, ...]
    storage: Storage
    file: str
    offset: int
    length: int | None
    unreadable: str
    proto: onnx.TensorProto = field(repr=False, compare=False)
    node_proto: onnx.NodeProto | None = field(default=None, repr=False, compare=False)

    @property
    def elements(self) -> int:
        """Number of elements of the declared shape."""
        return count_elements(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes that shape and dtype call for (types under a byte packed); strings: as stored."""
        if self.dtype.bits is None:
            return sum(map(len, self.proto.string_data))
        return -(-self.elements * self.dtype.bits // 8)

    @property
    def end(self) -> int:
        """The position after its last byte, in the file that holds it."""
        return self.offset + (self.size_bytes if self.length is None else self.length)


def stored_tensor(
    proto: onnx.TensorProto,
    *,
    scope: str,
    node: onnx.NodeProto | None = None,
    holder: Holder,
    model_file: str,
) -> StoredTensor:
    """Describe a tensor of a skeleton that was read from `model_file`."""
    external = proto.data_location == onnx.TensorProto.EXTERNAL
    reference = {entry.key: entry.value for entry in proto.external_data} if external else {}
    storage = _storage(reference, model_file) if external else Storage.INLINE
    return StoredTensor(
        name=proto.name,
        scope=scope,
        node=(node.name or node.op_type) if node else "",
        holder=holder,
        dtype=dtype(proto.data_type),
        shape=tuple(proto.dims),
        storage=storage,
        file=reference.get("location", "") if storage is Storage.EXTERNAL else "",
        offset=_number(reference.get("offset")) or 0,
        length=_number(reference.get("length")),
        unreadable=_unreadable(reference),
        proto=proto,
        node_proto=node,
    )


def _storage(reference: dict[str, str], model_file: str) -> Storage:
    embedded = EMBEDDED_KEY in reference and reference.get("location") == model_file
    return Storage.EMBEDDED if embedded else Storage.EXTERNAL


def _unreadable(reference: dict[str, str]) -> str:
    for key in ("offset", "length"):
        if key in reference and _number(reference[key]) is None:
            return f"{key} {reference[key]!r:.40}"
    return ""


def _number(text: str | None) -> int | None:
    """A number as every runtime reads it: `int` would also take "1_000" and " 7 "."""
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,20}", text) else None


def read_bytes(tensor: StoredTensor, path: Path) -> bytes:
    """The tensor's values as little-endian memory, read from wherever they are.

    Args:
        tensor: A numeric tensor of the model that was read from the folder of `path`.
        path: The file that holds the bytes, for a tensor that is not inline.

    Raises:
        ModelLoadError: The file cannot be read, or ends before the tensor does; its place in it is
            no number; or the values of an inline tensor are not those of its type and shape.
    """
    if tensor.unreadable:
        raise ModelLoadError(path, f"tensor `{tensor.name}` is at {tensor.unreadable}")
    if tensor.storage is Storage.INLINE:
        return tensor.proto.raw_data or _typed_bytes(tensor, path)
    try:
        with path.open("rb") as file:
            if not 0 <= tensor.offset <= tensor.end <= os.fstat(file.fileno()).st_size:
                raise ModelLoadError(
                    path, f"tensor `{tensor.name}` does not lie within it", offset=tensor.offset
                )
            file.seek(tensor.offset)
            return file.read(tensor.end - tensor.offset)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


def _typed_bytes(tensor: StoredTensor, path: Path) -> bytes:
    """Values in float_data, int32_data and so on; `from_array` packs types under a byte."""
    try:
        array = onnx.numpy_helper.to_array(tensor.proto)
        return onnx.numpy_helper.from_array(array).raw_data
    except (KeyError, TypeError, ValueError) as error:
        raise ModelLoadError(path, f"tensor `{tensor.name}` is damaged: {error}") from error


__all__ = [
    "DTYPES",
    "DType",
    "Dimension",
    "Holder",
    "Shape",
    "Storage",
    "StoredTensor",
    "TensorSpec",
    "count_elements",
    "dtype",
    "is_auto_named",
    "read_bytes",
    "spec_of",
    "stored_tensor",
    "type_name",
]

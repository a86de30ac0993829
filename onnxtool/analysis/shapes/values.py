"""What is known about a value of a graph before it runs: dtype, shape, and small contents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    import numpy.typing as npt

# A string, because `numpy.typing` takes longer to import than the rest of this package.
Array: TypeAlias = "npt.NDArray[Any]"
# The size of each axis; None for one that is not known.
KnownShape = tuple[int | None, ...]
# A value larger than this is data, not shape arithmetic. Position ranges of long audio fit.
MAX_ELEMENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Value:
    """What is known about one value of a graph.

    Attributes:
        lost_at: The node whose inputs do not fit, so that its shape is not known; else empty.
    """

    type: onnx.TypeProto = field(default_factory=onnx.TypeProto)
    data: onnx.TensorProto | None = None
    lost_at: str = ""

    @property
    def shape(self) -> KnownShape | None:
        """Its shape, or None where not even the rank is known, or it is no tensor."""
        tensor = self.type.tensor_type
        if not tensor.HasField("shape"):
            return None
        # Old exporters write -1 for a size that they do not know.
        return tuple(
            d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None
            for d in tensor.shape.dim
        )

    @property
    def full_shape(self) -> tuple[int, ...] | None:
        """Its shape, if every size is known."""
        shape = self.shape
        sizes = tuple(size for size in shape or () if size is not None)
        return sizes if shape is not None and len(sizes) == len(shape) else None

    @property
    def elem_type(self) -> int:
        """Its onnx.TensorProto.DataType; 0 where unknown."""
        return self.type.tensor_type.elem_type

    @property
    def array(self) -> Array | None:
        """Its contents, where they are small and known."""
        return None if self.data is None else numpy_helper.to_array(self.data)

    @property
    def scalar(self) -> int | None:
        """Its one element, where that is known and an integer or a Boolean."""
        array = self.array
        if array is None or array.size != 1 or array.dtype.kind not in "biu":
            return None
        return int(array.item())


UNKNOWN = Value()


def tensor_type(elem_type: int, shape: KnownShape) -> onnx.TypeProto:
    """A tensor's type."""
    # Not `onnx.helper.make_tensor_type_proto`: this runs for every node, and that is slow.
    kind = onnx.TypeProto()
    kind.tensor_type.elem_type = elem_type
    kind.tensor_type.shape.SetInParent()
    for size in shape:
        dim = kind.tensor_type.shape.dim.add()
        if size is not None:
            dim.dim_value = size
    return kind


def from_array(array: Array) -> Value:
    """A value whose contents are known."""
    data = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape))
    return Value(tensor_type(data.data_type, array.shape), data)


def from_tensor(tensor: onnx.TensorProto) -> Value:
    """A tensor that is part of the model; its contents only where they are at hand and small."""
    shape = tuple(tensor.dims)
    here = tensor.data_location != onnx.TensorProto.EXTERNAL
    known = here and math.prod(shape) <= MAX_ELEMENTS and _is_whole(tensor)
    return Value(tensor_type(tensor.data_type, shape), tensor if known else None)


def _is_whole(tensor: onnx.TensorProto) -> bool:
    """Whether the contents are what dtype and shape say."""
    try:
        numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError):  # Its own damage; its contents are unknown here.
        return False
    return True


def from_constant(node: onnx.NodeProto) -> Value:
    """The output of a `Constant` node."""
    attribute = next(iter(node.attribute), onnx.AttributeProto())
    match attribute.name:
        case "value":
            return from_tensor(attribute.t)
        case "value_int":
            return from_array(np.array(attribute.i, dtype=np.int64))
        case "value_ints":
            return from_array(np.array(list(attribute.ints), dtype=np.int64))
        case "value_float":
            return from_array(np.array(attribute.f, dtype=np.float32))
        case "value_floats":
            return from_array(np.array(list(attribute.floats), dtype=np.float32))
        case "sparse_value":
            sparse = attribute.sparse_tensor
            return Value(tensor_type(sparse.values.data_type, tuple(sparse.dims)))
        case "value_string" | "value_strings":
            shape = (len(attribute.strings),) if attribute.name == "value_strings" else ()
            return Value(tensor_type(onnx.TensorProto.STRING, shape))
        case _:
            return UNKNOWN


def common(left: Value, right: Value) -> Value:
    """What two values have in common: sizes that differ are unknown."""
    if left.type == right.type:
        return Value(left.type)
    if left.shape is None or right.shape is None or len(left.shape) != len(right.shape):
        return UNKNOWN
    sizes = (a if a == b else None for a, b in zip(left.shape, right.shape, strict=True))
    return Value(tensor_type(left.elem_type, tuple(sizes)))


def stacked(value: Value, count: int | None, axis: int = 0) -> Value:
    """`count` such values along a new axis."""
    shape = value.shape
    if shape is None or not -len(shape) - 1 <= axis <= len(shape):
        return UNKNOWN
    axis %= len(shape) + 1
    return Value(tensor_type(value.elem_type, (*shape[:axis], count, *shape[axis:])))


def without_axis(value: Value, axis: int) -> tuple[Value, int | None]:
    """One element of a value along an axis, and how many there are."""
    shape = value.shape
    if shape is None or not -len(shape) <= axis < len(shape):
        return UNKNOWN, None
    axis %= len(shape)
    return Value(tensor_type(value.elem_type, (*shape[:axis], *shape[axis + 1 :]))), shape[axis]

"""Element types of tensors, as ONNX numbers them."""

from __future__ import annotations

from typing import NamedTuple


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

"""Element types that ONNX Runtime has and NumPy has not: bfloat16 and the 8-bit floats.

`InferenceSession.run` takes and gives NumPy arrays only; these go through `OrtValue`, as memory.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

if TYPE_CHECKING:
    import onnxruntime

Array = np.ndarray[Any, np.dtype[Any]]

# ONNX Runtime's name of the type -> its number in ONNX's TensorProto, and what NumPy calls it
# with ml_dtypes. No session must wait for onnx to be imported, to know five numbers.
NARROW: dict[str, tuple[int, np.dtype[Any]]] = {
    "tensor(bfloat16)": (16, np.dtype(ml_dtypes.bfloat16)),
    "tensor(float8e4m3fn)": (17, np.dtype(ml_dtypes.float8_e4m3fn)),
    "tensor(float8e4m3fnuz)": (18, np.dtype(ml_dtypes.float8_e4m3fnuz)),
    "tensor(float8e5m2)": (19, np.dtype(ml_dtypes.float8_e5m2)),
    "tensor(float8e5m2fnuz)": (20, np.dtype(ml_dtypes.float8_e5m2fnuz)),
}


def has_narrow_types(session: onnxruntime.InferenceSession) -> bool:
    """Whether an input or output of the model has such a type."""
    return any(v.type in NARROW for v in (*session.get_inputs(), *session.get_outputs()))


def run_narrow(
    session: onnxruntime.InferenceSession, names: Sequence[str], feeds: Mapping[str, Array]
) -> list[Array]:
    """`InferenceSession.run`, for such types too."""
    types = {value.name: value.type for value in session.get_inputs()}
    values = {name: _value(array, types.get(name, "")) for name, array in feeds.items()}
    return [_array(value) for value in session.run_with_ort_values(list(names), values)]


def _value(array: Array, type_name: str) -> onnxruntime.OrtValue:
    import onnxruntime

    if type_name not in NARROW:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    number, dtype = NARROW[type_name]
    memory = np.ascontiguousarray(array, dtype).view(f"u{dtype.itemsize}")
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(memory, number)


def _array(value: onnxruntime.OrtValue) -> Array:
    if value.data_type() not in NARROW:
        found: Array = value.numpy()
        return found
    _, dtype = NARROW[value.data_type()]
    size = math.prod(value.shape()) * dtype.itemsize
    memory = ctypes.string_at(value.data_ptr(), size) if size else b""
    return np.frombuffer(memory, dtype).reshape(value.shape())

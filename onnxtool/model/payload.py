"""Read the values of stored tensors in pieces, so that none is in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from onnxtool.errors import ModelLoadError
from onnxtool.model.stored_tensors import Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView

Array = NDArray[Any]
PIECE_BYTES = 4 << 20
NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    **{name: np.dtype(name) for name in ("float16", "float32", "float64", "int8", "uint8")},
    **{name: np.dtype(name) for name in ("int16", "uint16", "int32", "uint32", "int64", "uint64")},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}


def pieces(model: ModelView, tensor: StoredTensor) -> Iterator[Array]:
    """The tensor's values, in order, a few megabytes at a time and flat.

    Of types that are not in `NUMPY_TYPES` there are none.

    Raises:
        ModelLoadError: The file cannot be read, or ends too early.
        UnsafeExternalDataError: It is missing, short, outside the model's folder, or a link.
    """
    dtype = NUMPY_TYPES.get(tensor.dtype.name)
    if dtype is None:
        return
    if tensor.storage is Storage.INLINE:
        yield _array(read_bytes(tensor, model.path), dtype)
        return
    path = _file(model, tensor)
    try:
        with path.open("rb") as file:
            file.seek(tensor.offset)
            left = tensor.size_bytes
            while left:
                piece = file.read(min(left, PIECE_BYTES))
                if not piece:
                    raise ModelLoadError(path, f"ends inside `{tensor.name}`")
                left -= len(piece)
                yield _array(piece, dtype)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


def read_row(model: ModelView, tensor: StoredTensor, row: int) -> Array | None:
    """One row along the first axis, read alone; None where there is no such row or type.

    Raises:
        ModelLoadError: The file cannot be read.
        UnsafeExternalDataError: As for `pieces`.
    """
    dtype = NUMPY_TYPES.get(tensor.dtype.name)
    if dtype is None or not tensor.shape or not 0 <= row < tensor.shape[0]:
        return None
    size = tensor.size_bytes // tensor.shape[0]
    start = row * size
    if tensor.storage is Storage.INLINE:
        return _array(read_bytes(tensor, model.path)[start : start + size], dtype)
    path = _file(model, tensor)
    try:
        with path.open("rb") as file:
            file.seek(tensor.offset + start)
            return _array(file.read(size), dtype)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


def _file(model: ModelView, tensor: StoredTensor) -> Path:
    if tensor.storage is Storage.EMBEDDED:
        return model.path
    return next(f for f in model.external_files if f.location == tensor.file).require_readable()


def _array(content: bytes, dtype: np.dtype[Any]) -> Array:
    return np.frombuffer(content[: len(content) // dtype.itemsize * dtype.itemsize], dtype)

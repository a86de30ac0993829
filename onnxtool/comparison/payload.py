"""The values of stored tensors, in pieces: what is in memory at once does not grow with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from onnxtool.errors import ModelLoadError
from onnxtool.model.stored_tensors import Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView

Array = np.ndarray[Any, np.dtype[Any]]
# Of one piece: a whole number of bytes in every type, and the same number of elements in all.
PIECE_ELEMENTS = 1 << 18
# Of what is computed with at once. It stays in a core's cache, and BLAS takes no second thread for
# it, which with other work on the machine makes it 40 times slower.
BLOCK_ELEMENTS = 1 << 13
# Element types that NumPy knows by another name, or not at all.
_TYPES: dict[str, Any] = {
    "bfloat16": ml_dtypes.bfloat16,
    "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
}
_REAL = re.compile(r"bool|u?int(4|8|16|32|64)|float(16|32|64)|float4e2m1")


def is_real(tensor: StoredTensor) -> bool:
    """Whether its elements are real numbers of a type that can be read."""
    name = tensor.dtype.name
    return name in _TYPES or _REAL.fullmatch(name) is not None


class Payloads:
    """The bytes of a model's stored tensors."""

    def __init__(self, model: ModelView) -> None:
        self._model = model
        self._files = {file.location: file for file in model.external_files}

    def pieces(self, tensor: StoredTensor) -> Iterator[bytes]:
        """Its little-endian memory, `PIECE_ELEMENTS` at a time; strings at once.

        Raises:
            ModelLoadError: The bytes are not there, or not as many as type and shape call for.
        """
        bits = tensor.dtype.bits
        if bits is None:
            yield b"".join(b"%d:%s" % (len(text), text) for text in tensor.proto.string_data)
            return
        step = PIECE_ELEMENTS * bits // 8
        if tensor.storage is Storage.INLINE:
            content = read_bytes(tensor, self._model.path)
            self._require(len(content) == tensor.size_bytes, tensor)
            yield from (content[start : start + step] for start in range(0, len(content), step))
            return
        self._require(not tensor.unreadable and tensor.offset >= 0, tensor)
        self._require(tensor.length in {None, tensor.size_bytes}, tensor)
        path = self._path(tensor)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(tensor.offset)
                for start in range(0, tensor.size_bytes, step):
                    piece = file.read(min(step, tensor.size_bytes - start))
                    self._require(len(piece) == min(step, tensor.size_bytes - start), tensor)
                    yield piece
        except OSError as error:
            raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error

    def sha256(self, tensor: StoredTensor) -> str:
        """The SHA-256 of its memory, wherever and however it is stored."""
        digest = hashlib.sha256()
        for piece in self.pieces(tensor):
            digest.update(piece)
        return digest.hexdigest()

    def values(self, tensor: StoredTensor) -> Iterator[Array]:
        """Its elements as float64, `BLOCK_ELEMENTS` at a time; for real numbers only."""
        left, step = tensor.elements, BLOCK_ELEMENTS * (tensor.dtype.bits or 0) // 8
        for piece in self.pieces(tensor):
            for start in range(0, len(piece), step):
                # A last half byte may stand for nothing.
                block = _decoded(piece[start : start + step], tensor.dtype.name)[:left]
                left -= len(block)
                yield block

    def _path(self, tensor: StoredTensor) -> Path:
        if tensor.storage is Storage.EXTERNAL:
            return self._files[tensor.file].require_readable()
        return self._model.path

    def _require(self, good: bool, tensor: StoredTensor) -> None:
        if not good:
            raise ModelLoadError(
                self._model.path,
                f"tensor `{tensor.name or tensor.node}` has not the bytes of its type and shape",
                hint="see what `inspect` says of it, or leave weights out with --no-weights",
            )


def _decoded(piece: bytes, name: str) -> Array:
    if name in {"int4", "uint4", "float4e2m1"}:
        packed = np.frombuffer(piece, np.uint8)
        return _nibbles(np.stack([packed & 0xF, packed >> 4], axis=1).reshape(-1), name)
    return np.frombuffer(piece, np.dtype(_TYPES.get(name, name))).astype(np.float64)


def _nibbles(halves: Array, name: str) -> Array:
    if name == "uint4":
        return halves.astype(np.float64)
    if name == "int4":
        return ((halves.view(np.int8) ^ 8) - 8).astype(np.float64)
    numbers: Array = halves.view(ml_dtypes.float4_e2m1fn).astype(np.float64)
    return numbers

"""Tensors whose values are part of the model, and where the bytes of them are."""

from __future__ import annotations

import enum
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from onnxtool.errors import ModelLoadError
from onnxtool.model.dtypes import DType, dtype
from onnxtool.model.skeleton import EMBEDDED_KEY
from onnxtool.model.tensors import count_elements


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

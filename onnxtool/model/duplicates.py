"""Large tensors that a model stores more than once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import OnnxToolError
from onnxtool.model.artifact import CHUNK_BYTES
from onnxtool.model.external import ExternalFile
from onnxtool.model.skeleton import LARGE_BYTES
from onnxtool.model.stored_tensors import Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView

# Enough to tell two trained tensors apart without reading them.
_SAMPLE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Tensors with the same dtype, shape and bytes, each of `size_bytes`."""

    names: tuple[str, ...]
    size_bytes: int


def find_duplicates(model: ModelView, files: Iterable[ExternalFile]) -> tuple[Duplicate, ...]:
    """The tensors that are stored more than once; only possible duplicates are read, in pieces."""
    return tuple(_duplicates(model, {file.location: file for file in files}))


def _duplicates(model: ModelView, files: Mapping[str, ExternalFile]) -> Iterator[Duplicate]:
    """Tensors that agree in shape, then in a sample, then in their SHA-256."""
    alike: defaultdict[object, list[StoredTensor]] = defaultdict(list)
    places: set[tuple[Storage, str, int]] = set()
    for tensor in model.tensors:
        # Strings have no bytes to compare, and no model is large because of them.
        numeric = tensor.dtype.bits is not None
        if not (numeric and tensor.size_bytes >= LARGE_BYTES and _source(model, files, tensor)):
            continue
        place = tensor.storage, tensor.file, tensor.offset
        # Two references to the same bytes are one tensor on disk.
        if tensor.storage is Storage.INLINE or place not in places:
            places.add(place)
            alike[tensor.dtype, tensor.shape].append(tensor)
    for key in (_sample, _sha256):
        finer: defaultdict[object, list[StoredTensor]] = defaultdict(list)
        for group, tensors in alike.items():
            for tensor in tensors if len(tensors) > 1 else ():
                path = _source(model, files, tensor) or model.path
                try:
                    finer[group, key(tensor, path)].append(tensor)
                except (OnnxToolError, OSError):  # Its own damage; nothing is like it.
                    continue
        alike = finer
    for tensors in alike.values():
        if len(tensors) > 1:
            names = tuple(tensor.name or tensor.node for tensor in tensors)
            yield Duplicate(names, tensors[0].size_bytes)


def _source(
    model: ModelView, files: Mapping[str, ExternalFile], tensor: StoredTensor
) -> Path | None:
    """The file that holds the tensor's bytes, if all of them are there and may be read."""
    if tensor.storage is not Storage.EXTERNAL:
        return model.path
    file = files.get(tensor.file)
    whole = not tensor.unreadable and tensor.end >= tensor.offset + tensor.size_bytes
    return file.path if file and file.trouble is None and whole and tensor.offset >= 0 else None


def _sample(tensor: StoredTensor, path: Path) -> bytes:
    """A few bytes of the beginning, the middle and the end."""
    if tensor.storage is Storage.INLINE:
        return read_bytes(tensor, path)
    last = tensor.size_bytes - _SAMPLE_BYTES
    sample = b""
    with path.open("rb", buffering=0) as file:
        for start in (0, last // 2, last):
            file.seek(tensor.offset + start)
            sample += file.read(_SAMPLE_BYTES)
    return sample


def _sha256(tensor: StoredTensor, path: Path) -> bytes:
    if tensor.storage is Storage.INLINE:
        return hashlib.sha256(read_bytes(tensor, path)).digest()
    digest, left = hashlib.sha256(), tensor.size_bytes
    with path.open("rb") as file:
        file.seek(tensor.offset)
        while left and (piece := file.read(min(left, CHUNK_BYTES))):
            digest.update(piece)
            left -= len(piece)
    return digest.digest()

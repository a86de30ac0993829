"""Write a model whose weights are laid out anew: data files, and the graph that refers to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

import onnx

from onnxtool.errors import ModelLoadError, UnsupportedModelError
from onnxtool.model.artifact import CHUNK_BYTES
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.skeleton import (
    EMBEDDED_KEY,
    LARGE_BYTES,
    MAX_PROTOBUF_BYTES,
    Part,
    expand,
    own_location,
    part_size,
)
from onnxtool.model.structure import STORAGE_FIELDS
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.transforms.layout import Layout, Placed, Source
from onnxtool.transforms.staging import sync

_ZEROS = bytes(1 << 16)


def write_packed(
    model: ModelView, layout: Layout, path: Path, data: list[str], progress: Progress
) -> None:
    """Write the graph to `path`, and beside it the files that `data` names, all mode 0644.

    Raises:
        ModelLoadError: A file of weights ends too early.
        UnsupportedModelError: The graph would have more than 2 GiB.
    """
    virtual = _Virtual(model)
    parts = expand(_edited(model, layout, data, virtual))
    if (size := sum(map(part_size, parts))) > MAX_PROTOBUF_BYTES:
        raise UnsupportedModelError(
            f"{path.name}: would have {size:,} bytes, and protobuf allows {MAX_PROTOBUF_BYTES:,}",
            hint="leave out --inline",
        )
    for shard, name in enumerate(data):
        places = {p.offset: p for p in layout.placed.values() if p.shard == shard}
        _write(path.with_name(name), _shard(places, progress))
    _write(path, virtual.pieces(parts, progress))


def copy_file(source: Path, path: Path) -> None:
    """Copy a file's bytes, and nothing else of it.

    Raises:
        ModelLoadError: It cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        size = source.stat().st_size
    except OSError as error:
        raise ModelLoadError(source, f"cannot be read: {error.strerror}") from error
    _write(path, _copied(source, 0, size, SILENT))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
    path.chmod(0o644)
    sync(path)


def _shard(places: Mapping[int, Placed], progress: Progress) -> Iterator[bytes]:
    """The content of a data file: tensors, and zeros up to where the next one begins."""
    position = 0
    for offset in sorted(places):
        while position < offset:
            gap = _ZEROS[: offset - position]
            yield gap
            position += len(gap)
        source = places[offset].source
        yield from (
            (source.content,)
            if source.content is not None
            else _copied(source.path, source.span.offset, source.span.length, progress)
        )
        position = places[offset].end


def _copied(path: Path, offset: int, length: int, progress: Progress) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from _pieces(file, path, offset, length, progress)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


def _pieces(
    file: IO[bytes], path: Path, offset: int, length: int, progress: Progress
) -> Iterator[bytes]:
    file.seek(offset)
    while length:
        piece = file.read(min(length, CHUNK_BYTES))
        if not piece:
            raise ModelLoadError(path, "ends inside a tensor", offset=offset)
        yield piece
        progress.advance(len(piece))
        length -= len(piece)


class _Virtual:
    """The model's file and, behind it, ranges of others: one space of offsets for `expand`."""

    def __init__(self, model: ModelView) -> None:
        self._own, self._end = model.path, model.size_bytes
        self._sources: dict[int, Source] = {}

    def add(self, source: Source) -> int:
        """The offset at which a source's bytes stand."""
        offset = self._end
        self._sources[offset] = source
        self._end += source.span.length
        return offset

    def pieces(self, parts: Iterable[Part], progress: Progress) -> Iterator[bytes]:
        """The bytes of what `expand` gave."""
        for part in parts:
            if isinstance(part, bytes):
                yield part
                continue
            source = self._sources.get(part.offset)
            path, offset = (source.path, source.span.offset) if source else (self._own, part.offset)
            yield from _copied(path, offset, part.length, progress)


def _edited(model: ModelView, layout: Layout, data: list[str], virtual: _Virtual) -> bytes:
    """The skeleton with the references of its tensors changed; all else as it is."""
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    for index, tensor in enumerate(every_tensor(ModelView(proto, model.path))):
        if (placed := layout.placed.get(index)) is not None:
            _refer(
                tensor.proto,
                location=data[placed.shard],
                offset=placed.offset,
                length=placed.source.span.length,
            )
        elif (source := layout.embedded.get(index)) is not None:
            _embed(tensor.proto, source, own_location(model.path), virtual)
    content: bytes = proto.SerializeToString()
    return content


def _embed(proto: onnx.TensorProto, source: Source, own: str, virtual: _Virtual) -> None:
    if source.span.length >= LARGE_BYTES:
        reference = {"offset": virtual.add(source), "length": source.span.length}
        _refer(proto, location=own, **reference)
        proto.external_data.add(key=EMBEDDED_KEY, value="raw_data")
        return
    content = source.content
    if content is None:
        with source.path.open("rb") as file:
            file.seek(source.span.offset)
            content = file.read(source.span.length)
    _clear(proto)
    proto.raw_data = content


def _refer(proto: onnx.TensorProto, **reference: str | int) -> None:
    _clear(proto)
    proto.data_location = onnx.TensorProto.EXTERNAL
    for key, value in reference.items():
        proto.external_data.add(key=key, value=str(value))


def _clear(proto: onnx.TensorProto) -> None:
    for field in STORAGE_FIELDS:
        proto.ClearField(field)

"""Where each weight of a repacked model goes: which file, and at which offset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import ModelLoadError
from onnxtool.model.external import external_files
from onnxtool.model.hashing import Span
from onnxtool.model.skeleton import LARGE_BYTES
from onnxtool.model.stored_tensors import Holder, Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView

# ONNX Runtime maps a weight into memory, rather than read it, where its offset allows: multiples of
# the page, 4 KiB, and on Windows of the allocation granularity, 64 KiB (ModelSavingOptions in its
# model_saving_options.h; "External data" in the ONNX specification says the same). 64 KiB is also a
# multiple of the larger pages of ARM64. As there, only what is worth a map gets the wide alignment.
PAGE_BYTES, GRANULARITY_BYTES = 1 << 12, 1 << 16
LARGE_MAP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Packing:
    """How to store the weights of a model.

    Attributes:
        inline: In the graph's own file, which can then have 2 GiB at most.
        shard_bytes: In files of at most so many bytes, or of one larger tensor; None: in one.
    """

    inline: bool = False
    shard_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes of a tensor: a range of a file, or at hand."""

    path: Path
    span: Span
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """Where bytes go: at `offset` of the data file number `shard`."""

    source: Source
    shard: int
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.source.span.length


@dataclass(frozen=True)
class Layout:
    """What becomes of the stored tensors of a model, each by its index in `every_tensor`.

    Attributes:
        embedded: Those that move into the graph's own file.
        placed: Those that move to, or stay in, external data.
        shards: How many data files there are.
    """

    embedded: dict[int, Source]
    placed: dict[int, Placed]
    shards: int


def lay_out(model: ModelView, tensors: Iterable[StoredTensor], packing: Packing) -> Layout:
    """Decide where each tensor goes.

    1. Small ones go into the graph: shape inference of ONNX and ONNX Runtime needs their values,
       and looks for them nowhere else.
    2. Large ones that are external go to the new external data, or with `inline` into the graph.
    3. Large initializers that are in the graph do so as well. What is in attributes of nodes, or
       sparse, stays there: not every runtime reads those from another file.

    Raises:
        UnsafeExternalDataError: External data is missing, short, or must not be read.
    """
    tensors = tuple(tensors)
    found = external_files(tensors, model.folder, allow_links=model.allow_links)
    paths = {file.location: file.require_readable() for file in found}
    embedded: dict[int, Source] = {}
    outside: dict[int, Source] = {}
    for index, tensor in enumerate(tensors):
        if tensor.dtype.bits is None:
            continue
        external = tensor.storage is Storage.EXTERNAL
        large = tensor.size_bytes >= LARGE_BYTES
        if large and not packing.inline and (external or tensor.holder is Holder.INITIALIZER):
            outside[index] = _source(model, tensor, paths)
        elif external:
            embedded[index] = _source(model, tensor, paths)
    placed = _place(outside, packing.shard_bytes)
    return Layout(embedded, placed, max((p.shard + 1 for p in placed.values()), default=0))


def _source(model: ModelView, tensor: StoredTensor, paths: dict[str, Path]) -> Source:
    path = paths.get(tensor.file, model.path)
    if tensor.storage is not Storage.INLINE:
        return Source(path, Span(tensor.offset, tensor.size_bytes))
    content = read_bytes(tensor, path)
    if len(content) != tensor.size_bytes:
        raise ModelLoadError(path, f"tensor `{tensor.name}` has {len(content):,} bytes")
    return Source(path, Span(-1, len(content)), content)


def _place(outside: dict[int, Source], shard_bytes: int | None) -> dict[int, Placed]:
    """One after the other, in the model's order; what several tensors share is stored once."""
    placed: dict[int, Placed] = {}
    known: dict[tuple[Path, Span], Placed] = {}
    shard = end = 0
    for index, source in outside.items():
        key = source.path, source.span
        if source.content is None and key in known:
            placed[index] = known[key]
            continue
        offset = _aligned(end, source.span.length)
        if shard_bytes is not None and end and offset + source.span.length > shard_bytes:
            shard, offset = shard + 1, 0
        placed[index] = known[key] = Placed(source, shard, offset)
        end = offset + source.span.length
    return placed


def _aligned(position: int, length: int) -> int:
    multiple = GRANULARITY_BYTES if length >= LARGE_MAP_BYTES else PAGE_BYTES
    return -(-position // multiple) * multiple


def data_names(graph: str, shards: int) -> list[str]:
    """The names of a graph's data files: `NAME.data`, or `NAME.data-00001-of-00003` and so on."""
    if shards == 1:
        return [f"{graph}.data"]
    return [f"{graph}.data-{number:05}-of-{shards:05}" for number in range(1, shards + 1)]

"""Repack: the same tensors in other files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.model.arguments import is_folder
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import Bundle, load
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.skeleton import own_location, referenced_files
from onnxtool.model.structure import structure_sha256
from onnxtool.model.tensor_digest import TensorDigest, digest_tensors
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.transforms.layout import Layout, Packing, data_names, lay_out
from onnxtool.transforms.packed import copy_file, write_packed
from onnxtool.transforms.staging import publish, publish_folder, require_new, staging

# Kinds of files that say something about other files' bytes, which repacking makes untrue.
STALE_KINDS = frozenset({"checksum"})


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file that was written."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RepackedGraph:
    """A graph whose weights were stored anew.

    Attributes:
        source: The file it was read from.
        files_before: How many files of weights that one refers to.
        graph: The file it was written to.
        data: Its files of weights.
        tensors: How many stored tensors it has: each was compared, and found identical.
        moved: How many of them are stored elsewhere now.
    """

    source: Path
    files_before: int
    graph: PackedFile
    data: tuple[PackedFile, ...]
    tensors: int
    moved: int


@dataclass(frozen=True, slots=True)
class RepackResult:
    """What `repack` wrote.

    Attributes:
        path: The graph, or the folder.
        copied: Files beside the graphs that were copied as they are.
        left_behind: Files that were not: nothing refers to them, or they describe the old files.
    """

    path: Path
    graphs: tuple[RepackedGraph, ...]
    copied: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()


def repack(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    inline: bool = False,
    shard_bytes: int | None = None,
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> RepackResult:
    """Store the weights of a graph, or of each graph of a folder, in one file beside it.

    Tensors are copied bit for bit, and compared with the original's before anything appears at
    `output`; nodes, metadata and everything else stay as they are. The same input gives the same
    bytes. A folder's other files are copied, except those that nothing refers to and checksums.

    Args:
        source: A graph, or a folder of them. Never changed.
        output: The graph to write, or the folder, which must not exist. A file that exists is left
            as it is where it has the same bytes; otherwise it is an error.
        inline: Put the weights into the graph's own file instead.
        shard_bytes: Put them into several files of at most so many bytes; a tensor larger than
            that gets a file of its own.
        allow_links: Let external data be read through links; see `onnxtool.load`.
        progress: Is told of what was read.

    Raises:
        UsageError: `output` exists, or is no name for a model.
        ModelLoadError: `source` is missing, damaged, or refers to files that cannot be read.
        UnsupportedModelError: With `inline`, the graph would have more than 2 GiB.
        OnnxToolError: The files cannot be written. Nothing appeared.
    """
    if inline and shard_bytes is not None:
        raise UsageError("weights inside the graph have no shards", hint="choose one of the two")
    if shard_bytes is not None and shard_bytes < 1:
        raise UsageError(f"shards of {shard_bytes} bytes", hint="name a size above zero")
    packing, output = Packing(inline, shard_bytes), Path(output)
    if "\0" in str(output):
        raise UsageError(f"{str(output)!r}: no file can have that name", hint="name another")
    model = load(source, allow_links=allow_links)
    if isinstance(model, Bundle):
        return _repack_bundle(model, output, packing, progress)
    return _repack_graph(model, output, packing, progress)


def _repack_graph(
    model: ModelView, output: Path, packing: Packing, progress: Progress
) -> RepackResult:
    if output.suffix != ".onnx" or is_folder(output):
        raise UsageError(f"{output}: not the name of a graph", hint="as in repacked.onnx")
    if own_location(output) != output.name:
        raise UsageError(f"{output!r}: references must be UTF-8", hint="name another file")
    if os.path.realpath(output) == os.path.realpath(model.path):
        raise UsageError(f"{output}: is the input", hint="nothing is overwritten; name another")
    with staging(output) as folder:
        written = _write_verified(model, folder / output.name, packing, progress)
        publish(folder, [*(file.name for file in written.data), output.name], output.parent)
    return RepackResult(output, (written,))


def _repack_bundle(
    bundle: Bundle, output: Path, packing: Packing, progress: Progress
) -> RepackResult:
    for _, error in bundle.unreadable:
        raise error
    if not (is_folder(output) and not any(output.iterdir())):
        require_new(output)
    copied = [name for kind, name in bundle.companions if kind not in STALE_KINDS]
    stale = [name for kind, name in bundle.companions if kind in STALE_KINDS]
    # Before there is an output, which may lie in the folder itself.
    others = tuple(_other_folders(bundle, output, copied))
    with staging(output) as folder:
        graphs = tuple(
            _write_verified(member.view, folder / member.name, packing, progress)
            for member in bundle.models
        )
        for name in copied:
            copy_file(bundle.path / name, folder / name)
        publish_folder(folder, output)
    return RepackResult(output, graphs, tuple(copied), (*stale, *bundle.orphans, *others))


def _other_folders(bundle: Bundle, output: Path, copied: Sequence[str]) -> Iterator[str]:
    """Subfolders in which neither weights nor copied files lie: they are not looked into."""
    located = {name for member in bundle.models for name in member.view.external_locations}
    used = {PurePath(os.path.normpath(name)).parts[0] for name in (*located, *copied)}
    for path in sorted(bundle.path.iterdir()):
        own = os.path.realpath(path) == os.path.realpath(output)
        if path.is_dir() and path.name not in used and not own:
            yield f"{path.name}/"


def _write_verified(
    model: ModelView, path: Path, packing: Packing, progress: Progress
) -> RepackedGraph:
    """Write a model to a staging folder, and hold what is there against the original."""
    tensors = every_tensor(model)
    before = digest_tensors(model, progress=progress)
    layout = lay_out(model, tensors, packing)
    data = data_names(path.name, layout.shards)
    progress.start(f"writing {path.name}", _copied_bytes(layout))
    try:
        write_packed(model, layout, path, data, progress)
    finally:
        progress.finish()
    _verify(model, before, path, data, progress)
    graph, *files = (
        PackedFile(name, path.with_name(name).stat().st_size) for name in (path.name, *data)
    )
    return RepackedGraph(
        source=model.path,
        files_before=len({tensor.file for tensor in tensors if tensor.file}),
        graph=graph,
        data=tuple(files),
        tensors=len(tensors),
        moved=len(layout.embedded) + len(layout.placed),
    )


def _copied_bytes(layout: Layout) -> int:
    sources = [*layout.embedded.values(), *(placed.source for placed in layout.placed.values())]
    return sum(source.span.length for source in sources if source.content is None)


def _verify(
    model: ModelView,
    before: Sequence[TensorDigest],
    path: Path,
    data: Sequence[str],
    progress: Progress,
) -> None:
    """Read back what was written.

    Raises:
        OnnxToolError: It is not the same model.
    """
    written = load_graph(path)
    after = digest_tensors(written, progress=progress)
    changed = [old.name for old, new in zip(before, after, strict=False) if old != new]
    if changed or len(before) != len(after):
        raise OnnxToolError(f"{path}: tensor `{changed[0] if changed else ''}` came out changed")
    if structure_sha256(written) != structure_sha256(model):
        raise OnnxToolError(f"{path}: the graph came out changed")
    if referenced_files(path) != frozenset(data):
        raise OnnxToolError(f"{path}: refers to other files than were written")

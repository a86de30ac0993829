"""Read models from disk and write them back, never touching anything else on it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from onnxtool.errors import ModelLoadError, OnnxToolError, UnsupportedModelError, UsageError
from onnxtool.model.arguments import check_path, is_folder, kind
from onnxtool.model.file_stamp import file_stamp
from onnxtool.model.skeleton import Slice, expand, read_skeleton
from onnxtool.model.stored_tensors import Storage
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress

CHUNK_BYTES = 1 << 20
# SHA-256 of one file runs on one core; more threads than this only seek.
HASH_THREADS = min(os.cpu_count() or 1, 8)
# The disk, what this user may have of it, or what a file may have.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_FROM = "its weights are copied from the file it was loaded from: restore it, or load another"


def load_graph(path: str | os.PathLike[str], *, allow_links: bool = False) -> ModelView:
    """Read the graph at `path`, leaving its weights on disk.

    Args:
        path: The .onnx file.
        allow_links: Let external data be read through hard links, and through symbolic links that
            stay in the model's folder or lead to the blobs of its own Hugging Face cache.

    Raises:
        ModelLoadError: The file is missing, damaged, or not an ONNX model.
    """
    path = Path(path)
    try:
        status = path.stat()
    except OSError as error:
        raise ModelLoadError(path, _why(error), hint="check the path") from None
    except ValueError as error:
        raise ModelLoadError(repr(str(path)), str(error), hint="check the path") from None
    if not stat.S_ISREG(status.st_mode):
        raise ModelLoadError(path, "a device, a pipe or a folder, not a file", hint="pass a file")
    proto = read_skeleton(path)
    return ModelView(proto, path, status.st_size, allow_links, file_stamp(status))


def _why(error: OSError) -> str:
    return "no such file or folder" if isinstance(error, FileNotFoundError) else f"{error.strerror}"


@dataclass(frozen=True, slots=True)
class Digest:
    """What a release attests: the graph's file, and every file of weights that it refers to.

    Attributes:
        sha256: Of the graph's own file: what most tools quote, though it may cover no weights.
        files: Location and SHA-256 of each external file, in order of location.
        unreadable: Locations that could not be hashed.
    """

    sha256: str
    files: tuple[tuple[str, str], ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def complete(self) -> str | None:
        """One SHA-256 over all of it: of the lines `SHA256  LOCATION`, the graph's first.

        None if a file could not be read. Without external data it is the graph's own SHA-256.
        """
        if self.unreadable:
            return None
        if not self.files:
            return self.sha256
        lines = [self.sha256, *(f"{sha256}  {location}" for location, sha256 in self.files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digest(model: ModelView, *, progress: Progress = SILENT) -> Digest:
    """Hash the model's file and every readable file it refers to, streamed, files in parallel.

    Raises:
        ModelLoadError: A file could not be read to its end.
    """
    from concurrent.futures import ThreadPoolExecutor

    files = sorted(model.external_files, key=lambda file: file.location)
    readable = [file for file in files if file.trouble is None]
    total = model.size_bytes + sum(file.size_bytes or 0 for file in readable)
    progress.start(f"SHA-256 of {model.path.name}", total)
    try:
        with ThreadPoolExecutor(HASH_THREADS) as pool:
            paths = [model.path, *(file.path for file in readable)]
            own, *hashes = pool.map(partial(sha256_of, progress=progress), paths)
    finally:
        progress.finish()
    return Digest(
        own,
        tuple((file.location, sha256) for file, sha256 in zip(readable, hashes, strict=True)),
        tuple(file.location for file in files if file.trouble is not None),
    )


def sha256_of(path: Path, *, progress: Progress = SILENT) -> str:
    """The SHA-256 of a file, read in pieces of `CHUNK_BYTES`."""
    sha256, piece = hashlib.sha256(), memoryview(bytearray(CHUNK_BYTES))
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(piece):
                sha256.update(piece[:count])
                progress.advance(count)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error
    return sha256.hexdigest()


def save(model: ModelView, path: str | os.PathLike[str]) -> None:
    """Write the model's graph to `path`, whole or not at all.

    Weights that are inside its file are copied from there, piece by piece; external data is not
    copied, so `path` must be in the folder that holds it.

    Raises:
        ModelLoadError: The file that the model was read from is gone, or has changed since.
        OnnxToolError: The file cannot be written; what was there before is as it was.
        UnsupportedModelError: The model has external data, and `path` is in another folder, or is
            one of the files that hold it.
        UsageError: `model` is not what `load` returns for a graph, or `path` is no path, a folder,
            a link or a device.
    """
    _check_view(model)
    check_path(path, "save")
    path = Path(path)
    _check_target(path)
    moved = os.path.realpath(path.parent) != os.path.realpath(model.folder)
    if moved and any(tensor.storage is Storage.EXTERNAL for tensor in model.tensors):
        raise UnsupportedModelError(
            f"{path}: the external data of {model.path} would be left behind",
            hint=f"save into {model.folder}",
        )
    if any(_same(model.folder / location, path) for location in model.external_locations):
        raise UnsupportedModelError(
            f"{path}: holds weights of {model.path}", hint="save to another name"
        )
    parts = expand(model.proto.SerializeToString())
    try:
        source = model.path.open("rb")
    except OSError as error:
        raise ModelLoadError(model.path, _why(error), hint=_READ_FROM) from error
    with source, atomic_write(path) as out:
        _check_unchanged(model, source)
        for part in parts:
            for piece in (part,) if isinstance(part, bytes) else _pieces(source, part, model.path):
                out.write(piece)
        _check_unchanged(model, source)


def _check_view(model: object) -> None:
    if not isinstance(model, ModelView):
        raise UsageError(
            f"save() takes what load() returns for a graph, not {kind(model)}",
            hint="load(path) reads one; onnx.save writes an onnx.ModelProto",
        )


def _check_target(path: Path) -> None:
    """The file is replaced, not written to: that would take away a device or a link for all."""
    if is_folder(path):
        raise UsageError(f"{path}: a folder", hint="name a file")
    if path.is_symlink() or (os.path.lexists(path) and not path.is_file()):
        raise UsageError(f"{path}: a link or a device", hint="name a file")


def _check_unchanged(model: ModelView, source: IO[bytes]) -> None:
    """Weights are copied from where they were: in another file, other bytes may be there."""
    if model.stamp not in {None, file_stamp(os.fstat(source.fileno()))}:
        raise ModelLoadError(model.path, "has changed since it was loaded", hint="load it again")


def _same(left: Path, right: Path) -> bool:
    try:
        return os.path.realpath(left) == os.path.realpath(right)
    except ValueError:  # A name that no file can have.
        return False


def _pieces(source: IO[bytes], part: Slice, path: Path) -> Iterator[bytes]:
    source.seek(part.offset)
    left = part.length
    while left:
        piece = source.read(min(left, CHUNK_BYTES))
        if not piece:
            raise ModelLoadError(path, "ends inside a weight", offset=part.offset, hint=_READ_FROM)
        left -= len(piece)
        yield piece


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at `path`, mode 0644, when the block ends well; else nothing changes.

    Raises:
        OnnxToolError: The folder cannot be written to.
    """
    try:
        # In the same folder, so that `replace` is an atomic rename and not a copy.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name:.40}.")
    except OSError as error:
        raise OnnxToolError(
            f"{path}: cannot be written: {error.strerror}", hint="check the folder"
        ) from None
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o644)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        hint = "make room, or write elsewhere" if error.errno in _FULL else "check the folder"
        raise OnnxToolError(f"{path}: cannot be written: {error.strerror}", hint=hint) from error
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise

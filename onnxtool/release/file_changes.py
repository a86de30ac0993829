"""What became of the files that a manifest lists, and of those beside them."""

from __future__ import annotations

import enum
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxtool.model.bundle import Member
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.external import ExternalFile, Trouble
from onnxtool.model.hashing import HashedFile, Span, hash_files
from onnxtool.model.view import ModelView
from onnxtool.progress import Progress
from onnxtool.release.contents import WEIGHTS
from onnxtool.release.lockfile import LockedFile, Manifest
from onnxtool.release.manifest import mode_of
from onnxtool.release.unreferenced import unreferenced_bytes


class Change(enum.StrEnum):
    """What became of a file."""

    MISSING = "missing"
    EXTRA = "extra"
    CONTENT = "content"
    MODE = "mode"
    REFUSED = "refused"
    UNREFERENCED = "unreferenced"  # Other weights, with bytes that no tensor refers to.


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not as the manifest has it.

    Attributes:
        locked: What the manifest says of it: a SHA-256, or a mode; else empty.
        found: What it is now, or why it may not be read.
    """

    path: str
    kind: str
    change: Change
    locked: str = ""
    found: str = ""


def file_changes(
    locked: Manifest,
    present: Mapping[str, str],
    files: Mapping[str, ExternalFile],
    progress: Progress,
    *,
    ignore_mode: bool,
) -> Iterator[FileChange]:
    """The files that are not as they were locked, by name; each is read and hashed once.

    Args:
        locked: What they should be.
        present: The files of the folder, and what each is.
        files: Those that are locked, as they are found now.
        progress: Is told of every byte read.
        ignore_mode: Leave out permission bits.
    """
    expected = {file.path: file for file in locked.files}
    readable = [file.path for file in files.values() if file.trouble is None]
    hashed = hash_files(dict.fromkeys(readable, ()), label="SHA-256 of files", progress=progress)
    for name in sorted({*expected, *present}):
        file = expected.get(name)
        if file is None:
            yield FileChange(name, present[name], Change.EXTRA)
        elif files[name].trouble is Trouble.MISSING and name not in present:
            yield FileChange(name, file.kind, Change.MISSING, file.sha256)
        elif files[name].trouble is not None:
            found = files[name].explanation
            yield FileChange(name, file.kind, Change.REFUSED, file.sha256, found)
        else:
            path = files[name].path
            yield from _differences(file, path, hashed[path], ignore_mode=ignore_mode)


def _differences(
    file: LockedFile, path: Path, hashed: HashedFile, *, ignore_mode: bool
) -> Iterator[FileChange]:
    if (file.size_bytes, file.sha256) != (hashed.size_bytes, hashed.sha256):
        yield FileChange(file.path, file.kind, Change.CONTENT, file.sha256, hashed.sha256)
    # Windows knows only whether a file may be written to.
    if not ignore_mode and os.name != "nt" and file.mode != mode_of(path):
        yield FileChange(file.path, file.kind, Change.MODE, file.mode, mode_of(path))


def new_weights(
    locked: Manifest,
    graphs: Mapping[str, Member],
    changes: Sequence[FileChange],
    folder: Path,
    *,
    ignore_mode: bool,
) -> Iterator[FileChange]:
    """What other files of weights hold beside tensors, and whether they are as open as graphs.

    Args:
        locked: What the files should be.
        graphs: The graphs of the folder, by name.
        changes: What `file_changes` gave.
        folder: The release.
        ignore_mode: Leave out permission bits.
    """
    modes = {file.path: file.mode for file in locked.files}
    other = {c.path: c for c in changes if c.change in {Change.EXTRA, Change.CONTENT}}
    for name, change in other.items():
        users = {n: spans for n, m in graphs.items() if (spans := _spans(m.view, name))}
        path = folder / name
        if not users or not path.is_file() or name in graphs:
            continue
        spans = {span for each in users.values() for span in each}
        if unused := unreferenced_bytes(path, spans):
            found = f"{unused:,} bytes that no tensor refers to"
            yield FileChange(name, WEIGHTS, Change.UNREFERENCED, found=found)
        allowed = {modes[user] for user in users if user in modes}
        checked = change.change is Change.EXTRA and allowed and os.name != "nt"
        if checked and not ignore_mode and mode_of(path) not in allowed:
            yield FileChange(name, WEIGHTS, Change.MODE, min(allowed), mode_of(path))


def _spans(model: ModelView, name: str) -> set[Span]:
    """The ranges of a file that a graph's tensors refer to."""
    return {
        Span(tensor.offset, tensor.size_bytes)
        for tensor in every_tensor(model)
        if tensor.file and posixpath.normpath(tensor.file) == name
    }

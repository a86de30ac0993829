"""Files that appear together, finished and verified, or not at all.

They are written to a hidden folder beside their destination and renamed from there, the graph
last: it is what a reader opens, and until it is there nothing refers to the others. Nothing that
exists is ever replaced, but by the same bytes.

A process that is killed leaves its hidden folder behind, and at worst data files that no graph
refers to. The next run with the same destination takes over the folder, and data files of the same
names and bytes; those of another layout (other shards) it cannot tell from someone else's.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.model.artifact import sha256_of


@contextmanager
def staging(destination: Path) -> Iterator[Path]:
    """An empty folder beside `destination`, gone when the block ends.

    Raises:
        OnnxToolError: The folder cannot be written to, or another run writes to it.
    """
    # Always the same name, so that what a killed run left behind is found.
    folder = destination.with_name(f".{destination.name}.partial")
    try:
        folder.mkdir(exist_ok=True)
        with _locked(folder):
            try:
                for left_over in folder.iterdir():
                    _remove(left_over)
                yield folder
            finally:
                _discard(folder)
    except OSError as error:
        raise OnnxToolError(
            f"{destination}: cannot be written: {error.strerror}", hint="check the folder"
        ) from error


def _discard(folder: Path) -> None:
    """Remove a folder, also if an interrupt comes in between."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder for as long as this process lives."""
    if sys.platform == "win32":
        # Folders cannot be opened there, and a file in use cannot be removed anyway.
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OnnxToolError(
                f"{folder}: another run is writing there", hint="wait for it to end"
            ) from None
        yield
    finally:
        os.close(handle)


def require_new(path: Path) -> None:
    """Refuse a destination that exists.

    Raises:
        UsageError: It does.
    """
    if os.path.lexists(path):
        raise UsageError(f"{path}: exists", hint="nothing is overwritten; name another")


def sync(path: Path) -> None:
    """Have a file's, or a folder's, content on the disk before going on."""
    if path.is_dir() and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(folder: Path, names: Sequence[str], destination: Path) -> None:
    """Rename staged files into the folder `destination`, in this order: the graph is last.

    Raises:
        UsageError: One of them is there already, with other content. Nothing was changed.
        OSError: It cannot be written to; what was renamed has been taken back.
    """
    for name in names:
        _require_same(folder / name, destination / name)
    published: list[Path] = []
    try:
        for name in names:
            if name == names[-1]:
                sync(destination)
            if not os.path.lexists(destination / name):
                published.append(destination / name)
                (folder / name).replace(destination / name)
    except OSError:
        for path in published:
            path.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # Too late to go back, and everything is in place.
        sync(destination)


def _require_same(staged: Path, path: Path) -> None:
    if not os.path.lexists(path):
        return
    regular = path.is_file() and not path.is_symlink()
    if not (
        regular
        and path.stat().st_size == staged.stat().st_size
        and sha256_of(path) == sha256_of(staged)
    ):
        require_new(path)


def publish_folder(folder: Path, destination: Path) -> None:
    """Give a staged folder its name; it may stand for an empty folder.

    Raises:
        UsageError: There is something by that name.
    """
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        inner.chmod(0o755)
        sync(inner)
    try:
        folder.replace(destination)
    except OSError:
        require_new(destination)
        raise
    with suppress(OSError):
        sync(destination.parent)

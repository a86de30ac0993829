"""External data: which files a model refers to, and whether they may and can be read.

References are confined to the model's folder: relative, without `..`, through no link that
leaves it. ONNX Runtime and onnx do the same, each with its own exceptions; here links of every
kind need `allow_links`, and even then a symbolic link may only lead into the blobs of the Hugging
Face cache that the model itself is part of, because any other could read any file of this machine
into a release.
"""

from __future__ import annotations

import enum
import os
import stat
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from onnxtool.errors import UnsafeExternalDataError
from onnxtool.model.file_kind import likely_cause
from onnxtool.model.stored_tensors import Storage, StoredTensor


class Trouble(enum.Enum):
    """Why an external file cannot be used."""

    MISSING = "missing"
    SHORT = "short"
    MISPLACED = "misplaced"
    OUTSIDE = "outside"
    LINK = "link"
    NOT_A_FILE = "not a file"


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """One file that tensors of a model refer to.

    Attributes:
        location: As the model spells it, relative to its folder.
        path: Where that is.
        size_bytes: What is there; None where it is not a file that may be read.
        needed_bytes: What the tensors in it need: the largest offset plus length.
        tensors: How many tensors refer to it.
        user: One of them, as `scope:name`: the first that ends after the file, else the first.
        trouble: Why it cannot be used, or None.
        explanation: The trouble in words; else empty.
        hint: What to do about it.
    """

    location: str
    path: Path
    size_bytes: int | None
    needed_bytes: int
    tensors: int
    user: str
    trouble: Trouble | None = None
    explanation: str = ""
    hint: str = ""

    def require_readable(self) -> Path:
        """Its path, if it may be read.

        Raises:
            UnsafeExternalDataError: It is missing, short, outside the folder, or a link.
        """
        if self.trouble is not None:
            raise UnsafeExternalDataError(self.path, self.explanation, hint=self.hint)
        return self.path


def external_files(
    tensors: Iterable[StoredTensor], folder: Path, *, allow_links: bool
) -> tuple[ExternalFile, ...]:
    """The files that these tensors of a model in `folder` refer to, in order of first use."""
    users: defaultdict[str, list[StoredTensor]] = defaultdict(list)
    for tensor in tensors:
        if tensor.storage is Storage.EXTERNAL:
            users[tensor.file].append(tensor)
    root = Path(os.path.realpath(folder))
    return tuple(
        _examine(root, location, users[location], allow_links=allow_links) for location in users
    )


def examine_file(folder: Path, location: str, *, allow_links: bool) -> ExternalFile:
    """Judge a file of the model's folder that no tensor need refer to, by the same rules."""
    root = Path(os.path.realpath(folder))
    path = root / location
    verdict = _escape(location) or _unusable(root, location, allow_links=allow_links)
    size = path.stat().st_size if verdict is None else None
    return ExternalFile(location, path, size, 0, 0, "", *(verdict or ()))


def link_targets(files: Iterable[ExternalFile], folder: Path) -> frozenset[str]:
    """Files of the folder that readable ones of these lead to by links, relative to it."""
    root = Path(os.path.realpath(folder))
    targets = (Path(os.path.realpath(file.path)) for file in files if file.trouble is None)
    return frozenset(str(t.relative_to(root)) for t in targets if t.is_relative_to(root))


def stays_inside(location: str) -> bool:
    """Whether a location, as spelled, is a relative path that does not leave its folder."""
    return _escape(location) is None


class _Verdict(NamedTuple):
    """Why a file cannot be used, in words, and what to do."""

    trouble: Trouble
    explanation: str
    hint: str = "export the model again"


def _examine(
    root: Path, location: str, tensors: list[StoredTensor], *, allow_links: bool
) -> ExternalFile:
    path = root / location
    needed = max(tensor.end for tensor in tensors)
    verdict = _escape(location) or _unusable(root, location, allow_links=allow_links)
    size = path.stat().st_size if verdict is None else None
    if size is not None:
        verdict = _unlike(path, size, needed, tensors)
    beyond = (tensor for tensor in tensors if size is not None and tensor.end > size)
    named = next(beyond, tensors[0])
    # The indices of a sparse tensor have no name of their own.
    user = f"{named.scope}:{named.name or named.node or named.holder.value}"
    return ExternalFile(location, path, size, needed, len(tensors), user, *(verdict or ()))


def _unlike(path: Path, size: int, needed: int, tensors: list[StoredTensor]) -> _Verdict | None:
    """Whether the file has not what its tensors say."""
    if needed > size:
        with path.open("rb") as file:
            cause = likely_cause(file.read(512))
        hint = cause if cause.startswith("it looks like") else "copy it again"
        return _Verdict(Trouble.SHORT, f"has {size:,} bytes where {needed:,} are needed", hint)
    if any(not 0 <= tensor.offset <= tensor.end for tensor in tensors):
        return _Verdict(Trouble.MISPLACED, "is referred to at a negative offset or length")
    return None


def _escape(location: str) -> _Verdict | None:
    """Whether the location, as spelled, leads out of the folder it is relative to."""
    if not location or "\0" in location:
        return _Verdict(Trouble.MISSING, "whose reference names no file")
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    beside = "move the data beside the model, and export it so"
    if posix.is_absolute() or windows.is_absolute() or windows.drive:
        return _Verdict(Trouble.OUTSIDE, "is an absolute path", beside)
    if ".." in posix.parts or ".." in windows.parts:
        return _Verdict(Trouble.OUTSIDE, "leads out of the model's folder", beside)
    return None


def _unusable(root: Path, location: str, *, allow_links: bool) -> _Verdict | None:
    """Whether the file system refuses what the location promises."""
    path = root / location
    try:
        status = path.lstat()
        direct = "/" not in location and not stat.S_ISLNK(status.st_mode)
        # A path without folders and links is where it says: no need to ask for each part of it.
        target = path if direct else Path(os.path.realpath(path, strict=True))
        status = status if direct else target.stat()
    except FileNotFoundError:
        return _Verdict(Trouble.MISSING, "is missing", "copy it to the model's folder")
    except (OSError, ValueError) as error:
        return _Verdict(Trouble.MISSING, f"cannot be read ({_reason(error)})")
    if target != path and (link := _link(root, target, allow_links=allow_links)):
        return link
    if not stat.S_ISREG(status.st_mode):
        return _Verdict(Trouble.NOT_A_FILE, "is a device, a pipe or a folder, not a file")
    if not os.access(target, os.R_OK):
        return _Verdict(Trouble.MISSING, "cannot be read (permission denied)", "chmod it")
    if status.st_nlink > 1 and not allow_links:
        return _Verdict(
            Trouble.LINK,
            f"has {status.st_nlink} names (hard links): onnx refuses it, ONNX Runtime reads it",
            "copy it, or allow it with --allow-links",
        )
    return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _link(root: Path, target: Path, *, allow_links: bool) -> _Verdict | None:
    """Judge a location that reaches `target` through a symbolic link."""
    cached = _is_hugging_face_blob(root, target)
    if not cached and not target.is_relative_to(root):
        return _Verdict(
            Trouble.OUTSIDE, f"is a link to {target}, outside the model's folder", "copy the file"
        )
    if allow_links:
        return None
    if cached:
        return _Verdict(
            Trouble.LINK,
            "is a link into the blobs of a Hugging Face cache: onnx refuses it",
            "download with --local-dir, copy with `cp -L`, or allow it with --allow-links",
        )
    return _Verdict(
        Trouble.LINK,
        f"is a link to {target.relative_to(root)}: onnx refuses it, ONNX Runtime reads it",
        "copy the file, or allow it with --allow-links",
    )


def _is_hugging_face_blob(root: Path, target: Path) -> bool:
    """Whether `target` is a blob of the same cached repository as `root`.

    The cache keeps `models--org--name/blobs/HASH`, and in `snapshots/REVISION/` links to them.
    """
    repositories = (folder.parent for folder in root.parents if folder.name == "snapshots")
    return any(target.parent == repository / "blobs" for repository in repositories)

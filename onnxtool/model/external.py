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

from onnxtool.errors import UnsafeExternalDataError
from onnxtool.model.tensors import Storage, StoredTensor


class Trouble(enum.Enum):
    """Why an external file cannot be used."""

    MISSING = "missing"
    SHORT = "short"
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
        trouble: Why it cannot be used, or None.
        explanation: The trouble in words, and what to do; else empty.
    """

    location: str
    path: Path
    size_bytes: int | None
    needed_bytes: int
    tensors: int
    trouble: Trouble | None = None
    explanation: str = ""

    def require_readable(self) -> Path:
        """Its path, if it may be read.

        Raises:
            UnsafeExternalDataError: It is missing, short, outside the folder, or a link.
        """
        if self.trouble is not None:
            raise UnsafeExternalDataError(self.path, self.explanation)
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


def _examine(
    root: Path, location: str, tensors: list[StoredTensor], *, allow_links: bool
) -> ExternalFile:
    path = root / location
    needed = max(tensor.end for tensor in tensors)
    trouble = _escape(location) or _unusable(root, location, allow_links=allow_links)
    size = path.stat().st_size if trouble is None else None
    if size is not None and needed > size:
        explanation = f"has {size:,} bytes where {needed:,} are needed: copy it again"
        trouble = (Trouble.SHORT, explanation)
    if trouble is None and any(tensor.offset < 0 for tensor in tensors):
        trouble = (Trouble.SHORT, "is referred to at a negative offset: export the model again")
    if trouble is None:
        return ExternalFile(location, path, size, needed, len(tensors))
    return ExternalFile(location, path, size, needed, len(tensors), *trouble)


def _escape(location: str) -> tuple[Trouble, str] | None:
    """Whether the location, as spelled, leads out of the folder it is relative to."""
    if not location or "\0" in location:
        return Trouble.MISSING, "the reference names no file: export the model again"
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if posix.is_absolute() or windows.is_absolute() or windows.drive:
        return Trouble.OUTSIDE, "is an absolute path: external data must lie beside the model"
    if ".." in posix.parts or ".." in windows.parts:
        return Trouble.OUTSIDE, "leads out of the model's folder: move the data beside the model"
    return None


def _unusable(root: Path, location: str, *, allow_links: bool) -> tuple[Trouble, str] | None:
    """Whether the file system refuses what the location promises."""
    try:
        target = Path(os.path.realpath(root / location, strict=True))
        status = target.stat()
    except FileNotFoundError:
        return Trouble.MISSING, "is missing: copy it to the model's folder"
    except (OSError, ValueError) as error:
        return Trouble.MISSING, f"cannot be read: {error}"
    if target != root / location and (link := _link(root, target, allow_links=allow_links)):
        return link
    if not stat.S_ISREG(status.st_mode):
        return Trouble.NOT_A_FILE, "is a device, a pipe or a folder, not a file: export again"
    if status.st_nlink > 1 and not allow_links:
        return Trouble.LINK, (
            f"has {status.st_nlink} names (hard links): onnx refuses such files, ONNX Runtime "
            "reads them. Copy it, or allow it with --allow-links"
        )
    return None


def _link(root: Path, target: Path, *, allow_links: bool) -> tuple[Trouble, str] | None:
    """Judge a location that reaches `target` through a symbolic link."""
    cached = _is_hugging_face_blob(root, target)
    if not cached and not target.is_relative_to(root):
        return Trouble.OUTSIDE, f"is a link to {target}, outside the model's folder: copy the file"
    if allow_links:
        return None
    if cached:
        return Trouble.LINK, (
            "is a link into the blobs of a Hugging Face cache: onnx refuses it. Download with "
            "--local-dir, copy with `cp -L`, or allow it with --allow-links"
        )
    return Trouble.LINK, (
        f"is a link to {target.name}: onnx refuses it, ONNX Runtime reads it. Copy the file, or "
        "allow it with --allow-links"
    )


def _is_hugging_face_blob(root: Path, target: Path) -> bool:
    """Whether `target` is a blob of the same cached repository as `root`.

    The cache keeps `models--org--name/blobs/HASH`, and in `snapshots/REVISION/` links to them.
    """
    repositories = (folder.parent for folder in root.parents if folder.name == "snapshots")
    return any(target.parent == repository / "blobs" for repository in repositories)

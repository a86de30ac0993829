"""Which files a release consists of."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from onnxtool.errors import ModelLoadError, UsageError
from onnxtool.model.bundle import companion_kind, loose_files
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.external import stays_inside
from onnxtool.model.view import ModelView
from onnxtool.release.lockfile import NAME

GRAPH, WEIGHTS, ORPHAN = "graph", "weights", "orphan"


def require_folder(folder: Path) -> None:
    """Refuse what is no folder.

    Raises:
        ModelLoadError: There is nothing at `folder`.
        UsageError: It is something else.
    """
    if not os.path.lexists(folder):
        raise ModelLoadError(folder, "no such file or folder", hint="check the path")
    if not folder.is_dir():
        raise UsageError(f"{folder}: not a folder", hint="a release is a folder of graphs")


def weight_files(model: ModelView) -> frozenset[str]:
    """The files that a graph's tensors refer to, as paths in its folder."""
    locations = {tensor.file for tensor in every_tensor(model) if tensor.file}
    return frozenset(posixpath.normpath(name) if name else name for name in locations)


def present_files(
    folder: Path, weights: Iterable[str], locked: Iterable[str], manifest: Path
) -> dict[str, str]:
    """The files of a folder by path, in order, with the kind of each.

    Links are listed as well: who reads them decides whether they may be followed. Subfolders count
    where weights, or files of the manifest, lie in them.

    Raises:
        ModelLoadError: The folder cannot be read.
    """
    weights = {name for name in weights if stays_inside(name) and _is_there(folder / name)}
    kinds = dict.fromkeys(weights, WEIGHTS)
    own = {NAME, _inside(folder, manifest)}
    for name in (*_top(folder), *loose_files(folder, {*weights, *locked})):
        if name not in own:
            kinds.setdefault(name, _kind(name))
    for name in locked:
        if _is_there(folder / name):
            kinds.setdefault(name, _kind(name))
    return dict(sorted(kinds.items()))


def _top(folder: Path) -> Iterator[str]:
    """Files and links of the folder itself; no folders."""
    try:
        with os.scandir(folder) as entries:
            yield from sorted(e.name for e in entries if e.is_symlink() or not e.is_dir())
    except OSError as error:
        raise ModelLoadError(folder, f"cannot be read: {error.strerror}") from error


def _kind(name: str) -> str:
    return GRAPH if is_graph(name) else companion_kind(name) or ORPHAN


def is_graph(name: str) -> bool:
    """Whether a file of a release is one of its graphs; those of subfolders are not."""
    return name.endswith(".onnx") and "/" not in name


def _is_there(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # A name that no file can have.
        return False


def _inside(folder: Path, path: Path) -> str:
    """The path of a file relative to the folder; empty if it is elsewhere."""
    root, place = Path(os.path.realpath(folder)), Path(os.path.realpath(path))
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else ""

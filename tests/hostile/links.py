"""Models whose weights are reached through links: the reader may be shown another's file."""

from __future__ import annotations

from pathlib import Path

from .case import Case, damaged
from .models import WEIGHT_BYTES, external_model, write

_WEIGHTS = bytes(WEIGHT_BYTES)


def link_inside_folder(folder: Path) -> Case:
    """A symbolic link to a file beside it."""
    write(folder / "real.bin", _WEIGHTS)
    (folder / "w.bin").symlink_to("real.bin")
    return damaged(_model(folder), folder, "w.bin", "link", allow_links_ok=True)


def link_to_outside(folder: Path) -> Case:
    """A symbolic link to a file outside the model's folder."""
    write(folder / "secret.bin", _WEIGHTS)
    path = _model(folder / "model")
    (folder / "model" / "w.bin").symlink_to("../secret.bin")
    return damaged(path, folder, "w.bin", "outside")


def link_to_outside_by_folder(folder: Path) -> Case:
    """The same by a link in the middle of the location."""
    write(folder / "secrets" / "w.bin", _WEIGHTS)
    path = external_model(folder / "model", {"location": "data/w.bin"})
    (folder / "model" / "data").symlink_to("../secrets")
    return damaged(path, folder, "data/w.bin", "outside")


def link_to_dev_zero(folder: Path) -> Case:
    """A symbolic link to a device that never ends."""
    (folder / "w.bin").symlink_to("/dev/zero")
    return damaged(_model(folder), folder, "w.bin", "/dev/zero")


def link_to_itself(folder: Path) -> Case:
    """A symbolic link to itself."""
    (folder / "w.bin").symlink_to("w.bin")
    return damaged(_model(folder), folder, "w.bin", "symbolic links")


def link_to_nothing(folder: Path) -> Case:
    """A symbolic link to a file that is gone."""
    (folder / "w.bin").symlink_to("gone.bin")
    return damaged(_model(folder), folder, "w.bin", "missing")


def hard_link(folder: Path) -> Case:
    """A second name of a file that may be anybody's."""
    write(folder / "elsewhere" / "secret.bin", _WEIGHTS)
    path = _model(folder / "model")
    (folder / "model" / "w.bin").hardlink_to(folder / "elsewhere" / "secret.bin")
    return damaged(path, folder, "w.bin", "link", allow_links_ok=True)


def hugging_face_cache(folder: Path) -> Case:
    """The layout of a Hugging Face cache: every file is a link to a blob."""
    snapshot = _cache(folder)
    (snapshot / "w.bin").symlink_to(f"../../blobs/{'a' * 64}")
    path = snapshot / "model.onnx"
    return damaged(path, folder, "w.bin", "hugging face", allow_links_ok=True)


def hugging_face_cache_of_another(folder: Path) -> Case:
    """The same, but the link leads to the blobs of another repository."""
    snapshot = _cache(folder)
    write(folder / "models--other--private" / "blobs" / "b", _WEIGHTS)
    (snapshot / "w.bin").symlink_to("../../../models--other--private/blobs/b")
    return damaged(snapshot / "model.onnx", folder, "w.bin", "outside")


def _model(folder: Path) -> Path:
    return external_model(folder, {"location": "w.bin"})


def _cache(folder: Path) -> Path:
    repository = folder / "models--org--name"
    write(repository / "blobs" / ("a" * 64), _WEIGHTS)
    graph = _model(repository / "blobs")
    graph.rename(graph.with_name("c" * 40))
    snapshot = repository / "snapshots" / ("d" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.onnx").symlink_to(f"../../blobs/{'c' * 40}")
    return snapshot

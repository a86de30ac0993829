"""Lock a release: what its files, its tensors and its interface are."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from onnxtool.errors import MetadataError, UsageError
from onnxtool.model.arguments import check_path
from onnxtool.model.artifact import atomic_write
from onnxtool.model.bundle import Member, load_bundle
from onnxtool.model.external import examine_file
from onnxtool.model.hashing import HashedFile
from onnxtool.model.metadata import read_metadata
from onnxtool.model.structure import structure_sha256
from onnxtool.model.tensor_digest import TensorDigest, require_readable, survey
from onnxtool.model.tensors import TensorSpec
from onnxtool.progress import SILENT, Progress
from onnxtool.release.contents import GRAPH, present_files, require_folder, weight_files
from onnxtool.release.lockfile import (
    NAME,
    LockedFile,
    LockedGraph,
    LockedValue,
    Manifest,
    as_text,
)

# What took part in reading the files.
PACKAGES = ("ml_dtypes", "numpy", "onnx", "onnxtool-cli", "protobuf")


def write_manifest(
    folder: str | os.PathLike[str],
    manifest: str | os.PathLike[str] | None = None,
    *,
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> Manifest:
    """Write the lock file of a release.

    It has the SHA-256, size and mode of each file of the folder, and the interface of each graph
    with a digest per tensor. The same folder gives the same bytes.

    Args:
        folder: The release: a folder of graphs.
        manifest: The file to write; by default `onnxtool.manifest.json` in the folder.
        allow_links: Let files be read through links; see `onnxtool.load`.
        progress: Is told of every byte read.

    Raises:
        ModelLoadError: A file is missing or damaged, or may not be read.
        UsageError: `manifest` exists and is no manifest.
    """
    check_path(folder, "write_manifest")
    folder = Path(folder)
    require_folder(folder)
    path = folder / NAME if manifest is None else Path(manifest)
    _require_replaceable(path)
    locked = lock(folder, path, allow_links=allow_links, progress=progress)
    with atomic_write(path) as file:
        file.write(as_text(locked).encode())
    return locked


def _require_replaceable(path: Path) -> None:
    if not os.path.lexists(path):
        return
    try:
        schema = None if path.is_symlink() else read_metadata(path).fields.get("schema")
    except MetadataError:
        schema = None
    if not (isinstance(schema, str) and schema.startswith("onnxtool.manifest/")):
        raise UsageError(f"{path}: exists, and is no manifest", hint="name another file")


def lock(
    folder: Path, manifest: Path, *, allow_links: bool, progress: Progress = SILENT
) -> Manifest:
    """What is in a folder now; `manifest` is the file in it that is not part of the release.

    Raises:
        ModelLoadError: A file is missing or damaged, or may not be read.
    """
    bundle = load_bundle(folder, allow_links=allow_links)
    for _, error in bundle.unreadable:
        raise error
    views = [member.view for member in bundle.models]
    weights = {name for view in views for name in weight_files(view)}
    kinds = present_files(folder, weights, (), manifest)
    paths: dict[str, Path] = {}
    for name, kind in kinds.items():
        path = examine_file(folder, name, allow_links=allow_links).require_readable()
        # A graph's file goes by the path that it was loaded from.
        paths[name] = folder / name if kind == GRAPH else path
    found = survey(views, paths.values(), progress=progress)
    for view, tensors in zip(views, found.tensors, strict=True):
        require_readable(view.path, tensors)
    return Manifest(
        {name.removesuffix("-cli"): version(name) for name in PACKAGES},
        tuple(
            _locked_file(name, kind, paths[name], found.files[paths[name]])
            for name, kind in kinds.items()
        ),
        tuple(
            locked_graph(member, tensors)
            for member, tensors in zip(bundle.models, found.tensors, strict=True)
        ),
    )


def _locked_file(name: str, kind: str, path: Path, hashed: HashedFile) -> LockedFile:
    return LockedFile(name, kind, hashed.size_bytes, mode_of(path), hashed.sha256)


def mode_of(path: Path) -> str:
    """The permission bits of a file, as `0644`."""
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def locked_graph(member: Member, tensors: Sequence[TensorDigest]) -> LockedGraph:
    """A graph apart from how it is stored."""
    signature, proto = member.signature, member.view.proto
    producer = (proto.producer_name, proto.producer_version)
    return LockedGraph(
        file=member.name,
        role=signature.role.value,
        family=signature.family,
        structure_sha256=structure_sha256(member.view),
        ir_version=proto.ir_version,
        opset_imports=dict(sorted(member.view.opset_imports.items())),
        producer=" ".join(part for part in producer if part),
        inputs=tuple(map(_locked_value, signature.inputs)),
        outputs=tuple(map(_locked_value, signature.outputs)),
        states={pair.input: pair.output for pair in signature.states},
        tensors=tuple(tensors),
    )


def _locked_value(spec: TensorSpec) -> LockedValue:
    return LockedValue(spec.name, spec.dtype, spec.shape)

"""Is a folder the release that its manifest describes? What changed, down to the tensor."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.model.arguments import check_path
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import Member
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.external import examine_file
from onnxtool.model.signature import signature
from onnxtool.model.tensor_digest import TensorDigest, survey
from onnxtool.progress import SILENT, Progress
from onnxtool.release.contents import (
    GRAPH,
    WEIGHTS,
    present_files,
    require_folder,
    weight_files,
)
from onnxtool.release.file_changes import Change, FileChange, file_changes, new_weights
from onnxtool.release.graph_comparison import GraphChange, Verdict, compare_graphs
from onnxtool.release.lockfile import NAME, Manifest
from onnxtool.release.lockfile_reader import REMEDY, read_manifest
from onnxtool.release.manifest import locked_graph


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A package that has another version here than where the manifest was written."""

    package: str
    locked: str
    found: str


@dataclass(frozen=True)
class ManifestVerification:
    """What is not as the manifest says.

    Attributes:
        manifest: The file that was read.
        files: How many files it lists.
        size_bytes: The sum of their sizes.
        tensors: How many tensors it lists.
        file_changes: In order of path.
        graph_changes: The graphs that are stored otherwise, or are not what they were.
        version_changes: Explains differences; is none itself.
    """

    folder: Path
    manifest: Path
    files: int
    size_bytes: int
    tensors: int
    file_changes: tuple[FileChange, ...]
    graph_changes: tuple[GraphChange, ...]
    version_changes: tuple[VersionChange, ...]

    @property
    def identical(self) -> bool:
        """Every file is there, with its bytes and its mode, and no other."""
        return not self.file_changes

    @property
    def repacked(self) -> bool:
        """Only the storage of weights changed: graphs, tensors and permissions are the same."""
        other = {Change.MODE, Change.UNREFERENCED}
        storage = all(
            change.kind in {GRAPH, WEIGHTS} and change.change not in other
            for change in self.file_changes
        )
        verdicts = {change.verdict for change in self.graph_changes}
        return storage and verdicts == {Verdict.REPACKED}


def verify_manifest(
    folder: str | os.PathLike[str],
    manifest: str | os.PathLike[str] | None = None,
    *,
    ignore_mode: bool = False,
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> ManifestVerification:
    """Hold a folder against its manifest.

    Args:
        folder: The release.
        manifest: Its lock file; by default `onnxtool.manifest.json` in the folder.
        ignore_mode: Leave out permission bits, which a download or a checkout does not keep.
        allow_links: Let files be read through links; see `onnxtool.load`.
        progress: Is told of every byte read.

    Raises:
        MetadataError: The manifest cannot be read, or is none.
        ModelLoadError: The folder cannot be read.
    """
    check_path(folder, "verify_manifest")
    folder = Path(folder)
    require_folder(folder)
    path = folder / NAME if manifest is None else Path(manifest)
    locked = read_manifest(path)
    graphs, unreadable = _load_graphs(folder, allow_links=allow_links)
    weights = {name: weight_files(member.view) for name, member in graphs.items()}
    present = present_files(
        folder, {n for names in weights.values() for n in names}, _paths(locked), path
    )
    files = {name: examine_file(folder, name, allow_links=allow_links) for name in _paths(locked)}
    changes = tuple(file_changes(locked, present, files, progress, ignore_mode=ignore_mode))
    _require_every_tensor(locked, path, graphs, changes)
    changes += tuple(new_weights(locked, graphs, changes, folder, ignore_mode=ignore_mode))
    changes = tuple(sorted(changes, key=lambda change: change.path))
    moved = {change.path for change in changes if change.change is not Change.MODE}
    touched = {n: m for n, m in graphs.items() if n in moved or not moved.isdisjoint(weights[n])}
    graph_changes = _graph_changes(locked, touched, unreadable, present, progress)
    return ManifestVerification(
        folder=folder,
        manifest=path,
        files=len(locked.files),
        size_bytes=sum(file.size_bytes for file in locked.files),
        tensors=sum(len(graph.tensors) for graph in locked.graphs),
        file_changes=changes,
        graph_changes=graph_changes,
        version_changes=tuple(_version_changes(locked.versions)),
    )


def _require_every_tensor(
    locked: Manifest, path: Path, graphs: Mapping[str, Member], changes: Sequence[FileChange]
) -> None:
    """A graph that is as it was locked has as many tensors as were locked.

    Raises:
        MetadataError: It has not: the manifest was edited.
    """
    changed = {change.path for change in changes if change.change is not Change.MODE}
    for graph in locked.graphs:
        if graph.file in changed or graph.file not in graphs:
            continue
        number = len(every_tensor(graphs[graph.file].view))
        if number != len(graph.tensors):
            raise MetadataError(
                path,
                f"{graph.file}: {len(graph.tensors):,} tensors are listed, and it has {number:,}",
                hint=REMEDY,
            )


def _paths(manifest: Manifest) -> list[str]:
    return [file.path for file in manifest.files]


def _load_graphs(
    folder: Path, *, allow_links: bool
) -> tuple[dict[str, Member], dict[str, OnnxToolError]]:
    """The graphs of a folder, some of which may be damaged."""
    loaded: dict[str, Member] = {}
    unreadable: dict[str, OnnxToolError] = {}
    for path in sorted(folder.glob("*.onnx")):
        try:
            view = load_graph(path, allow_links=allow_links)
            loaded[path.name] = Member(path.name, view, signature(view))
        except OnnxToolError as error:
            unreadable[path.name] = error
    return loaded, unreadable


def _graph_changes(
    locked: Manifest,
    touched: Mapping[str, Member],
    unreadable: Mapping[str, OnnxToolError],
    present: Collection[str],
    progress: Progress,
) -> tuple[GraphChange, ...]:
    expected = {graph.file: graph for graph in locked.graphs}
    wanted = [member for name, member in touched.items() if name in expected]
    changes: list[GraphChange] = []
    for name in expected:
        if name in unreadable:
            changes.append(GraphChange(name, Verdict.UNREADABLE, trouble=str(unreadable[name])))
        elif name not in present:
            changes.append(GraphChange(name, Verdict.MISSING))
    for member, tensors in zip(wanted, _tensors(wanted, progress), strict=True):
        changes.append(compare_graphs(expected[member.name], locked_graph(member, tensors)))
    extra = (name for name in (*touched, *unreadable) if name not in expected)
    changes.extend(GraphChange(name, Verdict.EXTRA) for name in extra)
    return tuple(sorted(changes, key=lambda change: change.file))


def _tensors(members: Sequence[Member], progress: Progress) -> Sequence[Sequence[TensorDigest]]:
    if not members:
        return ()
    views = [member.view for member in members]
    return survey(views, whole=False, progress=progress).tensors


def _version_changes(locked: Mapping[str, str]) -> Iterator[VersionChange]:
    for package, was in locked.items():
        try:
            found = version("onnxtool-cli" if package == "onnxtool" else package)
        except PackageNotFoundError:
            found = "not installed"
        if found != was:
            yield VersionChange(package, was, found)

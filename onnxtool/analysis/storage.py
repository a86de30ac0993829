"""Where a model's weights are on disk, and what else lies there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onnxtool.errors import OnnxToolError
from onnxtool.model.bundle import companion_kind, graph_files, loose_files
from onnxtool.model.external import ExternalFile, Trouble
from onnxtool.model.skeleton import referenced_files
from onnxtool.model.stored_tensors import Holder
from onnxtool.model.view import ModelView


@dataclass(frozen=True, slots=True)
class ExternalData:
    """The external files of one graph, by location relative to its folder.

    Attributes:
        files: Number of files that the graph refers to.
        bytes: Their size on disk.
        tensors: Number of tensors in them.
        in_attributes: Files with tensors of node attributes: tools that look at initializers only
            leave them behind.
        missing: Not there.
        short: Smaller than the tensors in them.
        misplaced: Referred to at a negative offset or length.
        outside: Not in the model's folder, or reached through a link that leaves it.
        refused: Devices, pipes, folders and links that are not allowed.
        shared: Also referred to by another graph of the folder: (location, other graph).
        orphaned: In the folder, but no graph there refers to them.
    """

    files: int
    bytes: int
    tensors: int
    in_attributes: tuple[str, ...]
    missing: tuple[str, ...]
    short: tuple[str, ...]
    misplaced: tuple[str, ...]
    outside: tuple[str, ...]
    refused: tuple[str, ...]
    shared: tuple[tuple[str, str], ...]
    orphaned: tuple[str, ...]


def external_data(
    model: ModelView, files: Sequence[ExternalFile], siblings: Mapping[str, frozenset[str]]
) -> ExternalData:
    """Sum up the external files of a graph.

    Args:
        model: The graph.
        files: Its external files.
        siblings: Name of each other graph of its folder, and the locations that it refers to.
    """
    others = {location: name for name, locations in siblings.items() for location in locations}
    inside = model.used_files.union(others)
    loose = loose_files(model.folder, inside) if files else ()
    return ExternalData(
        files=len(files),
        bytes=sum(file.size_bytes or 0 for file in files),
        tensors=sum(file.tensors for file in files),
        in_attributes=tuple(
            dict.fromkeys(t.file for t in model.tensors if t.holder is Holder.ATTRIBUTE and t.file)
        ),
        missing=_with(files, Trouble.MISSING),
        short=_with(files, Trouble.SHORT),
        misplaced=_with(files, Trouble.MISPLACED),
        outside=_with(files, Trouble.OUTSIDE),
        refused=_with(files, Trouble.LINK, Trouble.NOT_A_FILE),
        shared=tuple((f.location, others[f.location]) for f in files if f.location in others),
        orphaned=tuple(name for name in loose if companion_kind(name) is None),
    )


def siblings_of(model: ModelView) -> dict[str, frozenset[str]]:
    """The other graphs of the model's folder that can be read, and what they refer to."""
    found = {}
    try:
        graphs = graph_files(model.folder)
    except OnnxToolError:  # The model itself may have another suffix.
        return {}
    for path in graphs:
        if path.name == model.path.name or not path.is_file():
            continue
        try:
            found[path.name] = referenced_files(path)
        except OnnxToolError:  # Its own damage; it is named when the folder is inspected.
            continue
    return found


def _with(files: Iterable[ExternalFile], *troubles: Trouble) -> tuple[str, ...]:
    return tuple(file.location for file in files if file.trouble in troubles)

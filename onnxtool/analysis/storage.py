"""Where a model's weights are on disk, and what else lies there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onnxtool.errors import OnnxToolError
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import companion_kind, graph_files, loose_files
from onnxtool.model.external import ExternalFile, Trouble
from onnxtool.model.tensors import Holder
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
    outside: tuple[str, ...]
    refused: tuple[str, ...]
    shared: tuple[tuple[str, str], ...]
    orphaned: tuple[str, ...]


def external_data(
    model: ModelView, files: Sequence[ExternalFile], siblings: Sequence[ModelView]
) -> ExternalData:
    """Sum up the external files of a graph that stands in a folder with `siblings`."""
    others = {
        file.location: sibling.path.name for sibling in siblings for file in sibling.external_files
    }
    loose = loose_files(model.folder, [model, *siblings]) if files else ()
    return ExternalData(
        files=len(files),
        bytes=sum(file.size_bytes or 0 for file in files),
        tensors=sum(file.tensors for file in files),
        in_attributes=tuple(
            dict.fromkeys(t.file for t in model.tensors if t.holder is Holder.ATTRIBUTE and t.file)
        ),
        missing=_with(files, Trouble.MISSING),
        short=_with(files, Trouble.SHORT),
        outside=_with(files, Trouble.OUTSIDE),
        refused=_with(files, Trouble.LINK, Trouble.NOT_A_FILE),
        shared=tuple((f.location, others[f.location]) for f in files if f.location in others),
        orphaned=tuple(name for name in loose if companion_kind(name) is None),
    )


def siblings_of(model: ModelView) -> tuple[ModelView, ...]:
    """The other graphs of the model's folder that can be read."""
    found = []
    for path in graph_files(model.folder):
        if path.name == model.path.name:
            continue
        try:
            found.append(load_graph(path, allow_links=model.allow_links))
        except OnnxToolError:  # Its own damage; it is named when the folder is inspected.
            continue
    return tuple(found)


def _with(files: Iterable[ExternalFile], *troubles: Trouble) -> tuple[str, ...]:
    return tuple(file.location for file in files if file.trouble in troubles)

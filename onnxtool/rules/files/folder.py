"""X: what lies in a folder, and whose it is."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from onnxtool.model.stored_tensors import Storage, StoredTensor
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.graphs import ADD, external, folder
from onnxtool.rules.rule import bundle_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject

# What torch calls the weights that it writes to files of their own.
LITTER = r"Constant_\d+_attr__value|onnx__\w+_\d+|(?:[\w.]*\.)?layers\.\d+\..+|[\w.]*pre_encode\..+"


@bundle_rule(
    "X006",
    "unreferenced-file",
    severity=Severity.WARNING,
    fix="Delete the file, or export into an empty folder.",
    bad=folder({"model.onnx": ADD, "onnx__MatMul_12": 8}),
    good=folder({"model.onnx": external("weights.bin"), "weights.bin": 8, "README.md": "A model."}),
)
def unreferenced_file(bundle: BundleSubject) -> Iterator[Problem]:
    """A file lies in the folder that no graph refers to and that is nothing a release needs.

    Weights of an earlier export stay: nothing overwrites them, because each export numbers its
    files anew. They are shipped, and the next reader takes them for a part of the model.
    """
    if bundle.unreadable_graphs:
        raise Skipped(f"{bundle.unreadable_graphs[0]}, which may refer to any, cannot be read")
    root = bundle.bundle.path
    # A link in the folder, or several names of one file, are for another rule.
    linked = {
        os.path.realpath(file.path)
        for graph in bundle.graphs
        for file in graph.view.external_files
        if "\0" not in file.location  # No file has such a name.
    }
    orphans = [o for o in bundle.bundle.orphans if os.path.realpath(root / o) not in linked]
    scratch = [name for name in orphans if re.fullmatch(LITTER, name)]
    for name in orphans:
        if name not in scratch:
            size = (root / name).stat().st_size
            yield Problem(f"no graph refers to `{name}` ({size:,} bytes)", name)
    if scratch:
        size = sum((root / name).stat().st_size for name in scratch)
        files = "1 file" if len(scratch) == 1 else f"{len(scratch)} files"
        yield Problem(
            f"{files} of an exporter's weights ({size:,} bytes), `{scratch[0]}` first, that no "
            "graph refers to",
            scratch[0],
        )


@bundle_rule(
    "X007",
    "shared-external-data",
    severity=Severity.WARNING,
    fix="Give each graph one file of weights, named after it: `encoder.onnx.data`.",
    bad=folder(
        {"a.onnx": external("data", length=8), "b.onnx": external("data", offset=4), "data": 12}
    ),
    good=folder(
        {
            "a.onnx": external("a.onnx.data"),
            "b.onnx": external("b.onnx.data"),
            "a.onnx.data": 8,
            "b.onnx.data": 8,
        },
    ),
)
def shared_external_data(bundle: BundleSubject) -> Iterator[Problem]:
    """Weights of several graphs are in one file, or in files that do not say whose they are.

    1. Two graphs refer to one file, and read the same bytes of it as different tensors: the second
       export has written over the first. Told, too, where they share tensors, or keep apart.
    2. Tensors of one graph overlap: one of the two has another's bytes.
    3. Each graph has files of its own, side by side in one folder, and no name tells to which it
       belongs: a graph cannot be moved or replaced without a tool that reads the references.
    """
    for graph in bundle.graphs:
        yield from _overlaps(graph)
    yield from _shared(bundle.graphs)
    yield from _mixed(bundle.graphs)


def _overlaps(graph: GraphSubject) -> Iterator[Problem]:
    """Case 2: neither apart nor the same bytes; an offset before the file is for another rule."""
    files: defaultdict[str, list[StoredTensor]] = defaultdict(list)
    for tensor in graph.view.tensors:
        if tensor.storage is Storage.EXTERNAL and tensor.size_bytes and tensor.offset >= 0:
            files[tensor.file].append(tensor)
    for file, tensors in files.items():
        tensors.sort(key=lambda tensor: (tensor.offset, tensor.end))
        for left, right in pairwise(tensors):
            same = (left.offset, left.end) == (right.offset, right.end)
            if right.offset < left.end and not same:
                message = f"`{left.name}` and `{right.name}` overlap in `{file}`"
                yield Problem(message, file, model=graph.name)


def _shared(graphs: Sequence[GraphSubject]) -> Iterator[Problem]:
    """Case 1, less severe where both graphs mean the same tensors."""
    users: defaultdict[str, list[GraphSubject]] = defaultdict(list)
    for graph in graphs:
        for location in graph.view.external_locations:
            users[location].append(graph)
    for location, sharing in sorted(users.items()):
        if len(sharing) < 2:
            continue
        views = [_tensors_in(graph, location) for graph in sharing]
        names = ", ".join(graph.name for graph in sharing)
        if _conflict(views):
            message = f"{names} read the same bytes of `{location}` as different tensors"
            yield Problem(message, location)
            continue
        message = f"{names} have tensors of their own in `{location}`"
        if sum(map(len, views)) > len(set().union(*views)):
            message = f"{names} share tensors in `{location}`"
        yield Problem(message, location, Severity.INFO)


def _tensors_in(graph: GraphSubject, location: str) -> dict[tuple[int, int], object]:
    """Place -> type and shape, of a graph's tensors in a file."""
    return {
        (tensor.offset, tensor.end): (tensor.dtype, tensor.shape)
        for tensor in graph.view.tensors
        if tensor.file == location
    }


def _conflict(views: Sequence[dict[tuple[int, int], object]]) -> bool:
    """Whether some bytes are one tensor in one of the views, and another tensor in the next."""
    places = sorted({(place, repr(kind)) for view in views for place, kind in view.items()})
    return any(right[0] < left[1] for (left, _), (right, _) in pairwise(places))


def _mixed(graphs: Sequence[GraphSubject]) -> Iterator[Problem]:
    """Case 3; files of several graphs are case 1."""
    users = Counter(location for graph in graphs for location in graph.view.external_locations)
    unnamed = {
        graph.name: [
            location
            for location in graph.view.external_locations
            if users[location] == 1 and not location.startswith(graph.name.removesuffix(".onnx"))
        ]
        for graph in graphs
    }
    owners = {name: files for name, files in unnamed.items() if files}
    if len(owners) > 1:
        counts = ", ".join(f"{len(files)} of {name}" for name, files in owners.items())
        yield Problem(
            f"{sum(map(len, owners.values()))} files of weights lie side by side, and no name says "
            f"whose: {counts}",
        )


@bundle_rule(
    "X012",
    "unreadable-file",
    severity=Severity.ERROR,
    fix="Mend the file, or write it anew.",
    bad=folder({"a.onnx": ADD, "model_meta.json": "{"}),
    good=folder({"a.onnx": ADD, "model_meta.json": {"blank_id": 1}}),
)
def unreadable_file(bundle: BundleSubject) -> Iterator[Problem]:
    """A graph, the metadata, the vocabulary, the lock file or the contract cannot be read.

    Every rule that needs it is left out: what else there is to find is not known.
    """
    for name, error in bundle.unreadable:
        yield Problem(str(error), name, error=error)

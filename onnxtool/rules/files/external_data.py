"""X: files and external data."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.model.external import Trouble
from onnxtool.model.skeleton import MAX_PROTOBUF_BYTES
from onnxtool.model.stored_tensors import Holder, Storage
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.examples.graphs import (
    ADD,
    beside,
    constant_outside,
    external,
    linked,
    oversized,
)
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject

# A file that is larger leaves little room for what comes after it, a quantized copy of it say.
LARGE_BYTES = 1_900_000_000


@graph_rule(
    "X001",
    "missing-external-file",
    severity=Severity.ERROR,
    fix="Copy the file beside the model, or export the model again.",
    bad="""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y)
        <float[2] w = ["location": "weights.bin"]> { y = Add(x, w) }
    """,
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def missing_external_file(graph: GraphSubject) -> Iterator[Problem]:
    """A file of weights that the graph refers to is not there.

    References hide in initializers, sparse initializers, node attributes, subgraphs and functions;
    a copy step that looks at initializers only leaves the others behind.
    """
    yield from _troubled(graph, Trouble.MISSING, Trouble.NOT_A_FILE)


@graph_rule(
    "X002",
    "short-external-file",
    severity=Severity.ERROR,
    fix="Copy the file again and compare its size, or export the model again.",
    bad=beside(external("weights.bin"), {"weights.bin": 7}),
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def short_external_file(graph: GraphSubject) -> Iterator[Problem]:
    """A file of weights ends before the last byte that the graph needs of it.

    A copy that was cut, a Git LFS pointer, an empty file of an export that ran out of disk. The
    checker of `onnx` passes all of them, because it never looks further than the file's name.
    """
    yield from _troubled(graph, Trouble.SHORT)


def _troubled(graph: GraphSubject, *troubles: Trouble) -> Iterator[Problem]:
    for file in graph.view.external_files:
        if file.trouble in troubles:
            hint = f"; {file.hint}" if file.hint.startswith("it looks like") else ""
            message = f"`{file.location}` {file.explanation}, for `{file.user}`{hint}"
            yield Problem(message, file.location or file.user)


@graph_rule(
    "X003",
    "external-length-unlike-shape",
    severity=Severity.ERROR,
    fix="Export the model again: its header and its weights are not of one export.",
    bad=beside(external("weights.bin", length=4), {"weights.bin": 8}),
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def external_length_unlike_shape(graph: GraphSubject) -> Iterator[Problem]:
    """A reference to external data is at no place, or not as long as its shape and type need.

    The checker of `onnx` and `onnx.load` pass it, and hand out a tensor that is too short; ONNX
    Runtime refuses the model.
    """
    for tensor in graph.view.tensors:
        if tensor.storage is not Storage.EXTERNAL:
            continue
        where = f"{tensor.scope}:{tensor.name or tensor.node}"
        if tensor.unreadable:
            yield Problem(f"`{where}` has the {tensor.unreadable}, which is no number", where)
        elif tensor.offset < 0:
            where_to = f"the offset {tensor.offset:,} of `{tensor.file}`"
            yield Problem(f"`{where}` refers to {where_to}, before its first byte", where)
        elif tensor.length is not None and tensor.length != tensor.size_bytes:
            yield Problem(
                f"`{where}` refers to {tensor.length:,} bytes of `{tensor.file}`, where "
                f"{tensor.dtype.name}{list(tensor.shape)} needs {tensor.size_bytes:,}",
                where,
            )


@graph_rule(
    "X004",
    "external-data-outside-folder",
    severity=Severity.ERROR,
    fix="Move the weights into the model's folder, and refer to them by their name alone.",
    bad=beside(external("../weights.bin"), {}),
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def external_data_outside_folder(graph: GraphSubject) -> Iterator[Problem]:
    """A reference to external data leads out of the model's folder.

    It works on the machine of the export at best: ONNX Runtime and `onnx` refuse absolute paths,
    `..`, and links to other folders. Whoever follows one reads a file that its sender chose.
    """
    yield from _troubled(graph, Trouble.OUTSIDE)


@graph_rule(
    "X005",
    "linked-external-file",
    severity=Severity.WARNING,
    fix="Replace the link with the file: `cp -L`, or download with `--local-dir`.",
    bad=linked,
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def linked_external_file(graph: GraphSubject) -> Iterator[Problem]:
    """A file of weights is behind a link.

    `onnx` refuses links of every kind, and versions of ONNX Runtime differ: 1.24.1 refused those
    of the Hugging Face cache, others follow them. An archive may keep the link, and lose the file.
    """
    yield from _troubled(graph, Trouble.LINK)


@graph_rule(
    "X008",
    "oversized-model-file",
    severity=Severity.ERROR,
    fix="Save the model with external data.",
    bad=oversized,
    good=ADD,
)
def oversized_model_file(graph: GraphSubject) -> Iterator[Problem]:
    """The weights inside the model's own file bring it to the limit of protobuf, 2 GiB.

    Nothing reads a file above the limit. Below it, tools that parse and write the model whole need
    several times its size in memory, and fail as soon as they add to it.
    """
    size = graph.view.size_bytes
    if size > LARGE_BYTES:
        limit = "above" if size > MAX_PROTOBUF_BYTES else "close to"
        yield Problem(f"{size:,} bytes in one file: {limit} the limit of 2 GiB", graph.name)


@graph_rule(
    "X011",
    "external-data-in-attribute",
    severity=Severity.WARNING,
    fix="Store the constant inside the graph, or turn it into an initializer.",
    bad=constant_outside,
    good=beside(external("weights.bin"), {"weights.bin": 8}),
)
def external_data_in_attribute(graph: GraphSubject) -> Iterator[Problem]:
    """A file of weights is referred to from the attribute of a node only.

    Tools that stage a release by its initializers leave such a file behind, and the model fails on
    another machine. The exporter of torch writes one for each large constant.
    """
    tensors = [t for t in graph.view.tensors if t.storage is Storage.EXTERNAL]
    listed = {tensor.file for tensor in tensors if tensor.holder is not Holder.ATTRIBUTE}
    for tensor in tensors:
        if tensor.holder is Holder.ATTRIBUTE and tensor.file not in listed:
            yield Problem(
                f"{tensor.size_bytes:,} bytes in `{tensor.file}` belong to an attribute of the "
                f"node `{tensor.node}`, and to no initializer",
                f"{tensor.scope}:{tensor.node}",
            )

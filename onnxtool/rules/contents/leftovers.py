"""M: what an export leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx

from onnxtool.model.attributes import integer
from onnxtool.model.duplicates import find_duplicates
from onnxtool.model.tensors import count_elements
from onnxtool.model.view import ModelView, Scope
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.examples.graphs import ADD, HEADER
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject

_MANY = ", ".join(str(number) for number in range(256))


@graph_rule(
    "M005",
    "training-leftovers",
    severity=Severity.WARNING,
    fix="Export in evaluation mode, with constant folding; `onnxsim` removes what is left.",
    bad=f"{HEADER} g (float[2] x) => (float[2] y) {{ y = Dropout(x) }}",
    good=ADD,
)
def training_leftovers(graph: GraphSubject) -> Iterator[Problem]:
    """The graph holds nodes and weights that inference does not need.

    1. Operators that train: with a mode that is switched on, every run gives another result.
    2. Dropout that does nothing, identities, casts of casts: each costs a call, and hides patterns
       from the runtime's optimizer.
    3. Initializers that nothing reads: bytes to download.
    """
    training: Counter[str] = Counter()
    for scope in graph.view.scopes:
        for node in scope.nodes:
            if trains := _trains(scope, node):
                training[node.op_type] += 1
                where = str(scope.at(node=node))
                yield Problem(f"`{where}` {trains}: not for inference", where, Severity.ERROR)
    if idle := graph.view.operators["Dropout"] - training["Dropout"]:
        yield Problem(f"{idle} Dropout nodes, which do nothing", "Dropout")
    yield from _litter(graph.view)
    yield from _unread(graph.view)


def _trains(scope: Scope, node: onnx.NodeProto) -> str:
    """How the node behaves as in training; empty if it does not."""
    if node.domain.endswith("training"):
        return f"is {node.op_type} of {node.domain}"
    if node.op_type == "BatchNormalization" and integer(node, "training_mode"):
        return "is a BatchNormalization in training mode"
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        stored = {tensor.name: tensor for tensor in scope.initializers}
        constants = (n for n in scope.nodes if n.op_type == "Constant" and n.output)
        stored |= {n.output[0]: a.t for n in constants for a in n.attribute if a.name == "value"}
        mode = stored.get(node.input[2])
        if mode is None or mode.data_type != onnx.TensorProto.BOOL or mode.external_data:
            return ""
        if onnx.numpy_helper.to_array(mode).any():
            return "is a Dropout in training mode"
    return ""


def _litter(view: ModelView) -> Iterator[Problem]:
    """Case 2, in numbers; an identity that gives an output of its graph has a use."""
    found: Counter[str] = Counter()
    for scope in view.scopes:
        cast = {node.output[0] for node in scope.nodes if node.op_type == "Cast"}
        outputs = set(scope.output_names)
        for node in scope.nodes:
            if node.op_type == "Identity" and not outputs.intersection(node.output):
                found["Identity nodes"] += 1
            elif node.op_type == "Cast" and cast.intersection(node.input):
                found["casts of casts"] += 1
    for what, count in found.items():
        yield Problem(f"{count} {what}", what.split()[0], Severity.INFO)


def _unread(view: ModelView) -> Iterator[Problem]:
    """Initializers that no node, subgraph or output reads."""
    for root in view.roots:
        for scope, read in _reads(root):
            names = [
                (tensor.name, count_elements(tensor.dims))
                for tensor in scope.initializers
                if tensor.name not in read
            ]
            if names:
                shown = ", ".join(f"`{name}`" for name, _ in names[:3])
                total = sum(count for _, count in names)
                message = f"nothing reads {shown}: {len(names)} initializers, {total:,} elements"
                yield Problem(message, f"{scope.path}:{names[0][0]}")


def _reads(scope: Scope) -> Iterator[tuple[Scope, set[str]]]:
    """Each graph, innermost first, and every name that it or a graph inside it reads."""
    read = {*scope.output_names, *(name for node in scope.nodes for name in node.input)}
    for inner in scope.inner:
        for found, names in _reads(inner):
            yield found, names
            read |= names
    yield scope, read


@graph_rule(
    "M009",
    "duplicate-weights",
    severity=Severity.INFO,
    needs=Needs.WEIGHTS,
    fix="Tie the weights before the export, or let the exporter keep one of each.",
    bad=f"""{HEADER} g (float[256] x) => (float[256] y)
        <float[256] a = {{{_MANY}}}, float[256] b = {{{_MANY}}}> {{
            c = Add(x, a)
            y = Mul(c, b)
        }}""",
    good=f"""{HEADER} g (float[256] x) => (float[256] y)
        <float[256] a = {{{_MANY}}}> {{ c = Add(x, a)  y = Mul(c, a) }}""",
)
def duplicate_weights(graph: GraphSubject) -> Iterator[Problem]:
    """Tensors with the same values are stored more than once.

    Tied weights that an exporter wrote out for each use, or tables that every layer has of its own:
    bytes to download, and to keep in memory.
    """
    for duplicate in find_duplicates(graph.view, graph.view.external_files):
        wasted = duplicate.size_bytes * (len(duplicate.names) - 1)
        names = ", ".join(f"`{name}`" for name in duplicate.names[:3])
        message = f"{names} are {len(duplicate.names)} copies of one tensor: {wasted:,} bytes more"
        yield Problem(message, duplicate.names[0])

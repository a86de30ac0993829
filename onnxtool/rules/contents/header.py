"""M: the model's header: what it says it is, and whether that can be loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx

from onnxtool.model.damage import find_damage
from onnxtool.model.stored_tensors import Storage
from onnxtool.model.view import STANDARD_DOMAINS, ModelView
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.graphs import ADD, HEADER
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.rules.target import Target, newest_onnxruntime

# Domains that any build of ONNX Runtime has operators for.
KNOWN_DOMAINS = STANDARD_DOMAINS | {
    "ai.onnx.ml",
    "ai.onnx.preview",
    "ai.onnx.preview.training",
    "ai.onnx.training",
    "com.microsoft",
}
# In graphs that a session saved after optimizing them for the machine that it ran on.
MACHINE_DOMAINS = frozenset({"com.microsoft.nchwc", "com.ms.internal.nhwc"})
# The checker of onnx copies the graph three times, at about 1 KB a node.
MOST_CHECKED_NODES = 100_000
# ONNX Runtime promises versions from this on.
OLDEST_OPSET = 7


@graph_rule(
    "M001",
    "invalid-model",
    severity=Severity.ERROR,
    fix="Export the model again; if it is the same, report it to the exporter.",
    bad=f"{HEADER} g (float[2] x) => (float[2] y) {{ y = Add(x, nothing) }}",
    good=ADD,
)
def invalid_model(graph: GraphSubject) -> Iterator[Problem]:
    """The graph breaks the ONNX specification.

    The checker of `onnx` is asked, of the structure without the weights, and then what it leaves
    out: cycles, names given twice, stored tensors with another size than their shape. An exporter
    that prints the checker's verdict and carries on ships such a model. A graph of more than
    100,000 nodes is too much for the checker, and the rule is skipped where nothing else is wrong.
    """
    view = graph.view
    external = {
        f"{tensor.scope}:{tensor.name or tensor.node}"
        for tensor in view.tensors
        if tensor.storage is Storage.EXTERNAL
    }
    # Sizes of files and references are for the rules on files.
    damage = [d for d in find_damage(view, ()) if d.where not in {view.path.name, *external}]
    for found in damage:
        yield Problem(found.what, found.where)
    if damage:
        return
    nodes = sum(len(scope.nodes) for scope in view.scopes)
    if nodes > MOST_CHECKED_NODES:
        limit = f"more than {MOST_CHECKED_NODES:,}"
        raise Skipped(f"{nodes:,} nodes, {limit}: onnx.checker would take too much memory")
    if refusal := _refusal(view):
        yield Problem(f"onnx.checker: {refusal}")


def _refusal(model: ModelView) -> str:
    """The first line of what the checker of onnx says of the structure; empty if it is content."""
    try:
        onnx.checker.check_model(without_references(model))
    except (onnx.checker.ValidationError, ValueError) as error:
        return str(error).strip().splitlines()[0]
    return ""


def without_references(model: ModelView) -> onnx.ModelProto:
    """A copy whose references to weights are empty tensors: the checker would read the files."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model.proto)
    # The checker copies all of it twice more, and does not look at these.
    for documented in (copy, copy.graph, *copy.graph.node, *copy.functions):
        documented.ClearField("doc_string")
    for tensor in ModelView(copy, model.path).tensors:
        if tensor.storage is not Storage.INLINE:
            tensor.proto.ClearField("external_data")
            tensor.proto.ClearField("data_location")
            tensor.proto.dims[:] = [0]
    return copy


@graph_rule(
    "M002",
    "unsupported-version-or-domain",
    severity=Severity.ERROR,
    fix="Export for an older operator set, or require a newer runtime of your users.",
    bad='<ir_version: 8, opset_import: ["" : 17, "my.ops" : 1]>'
    " g (float[2] x) => (float[2] y) { y = my.ops.Special(x) }",
    good=ADD,
)
def unsupported_version_or_domain(graph: GraphSubject) -> Iterator[Problem]:
    """The graph is of a version, or has operators of a domain, that its runtime does not load.

    Held against each target, and against the newest ONNX Runtime known where none is given. A
    domain of operators that nobody else has needs a library of its own on every machine; one that
    ONNX Runtime uses inside comes from saving an optimized graph, which fits the machine it was
    optimized on.
    """
    view = graph.view
    for target in _runtimes(graph):
        yield from _too_new(view, target)
    opset = view.opset_imports.get("", OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        message = f"operator set {opset}: ONNX Runtime promises {OLDEST_OPSET} and later"
        yield Problem(message, "opset_import")
    local = {(function.domain, function.name) for function in view.proto.functions}
    foreign = {
        (node.domain, node.op_type): str(scope.at(node=node))
        for scope in view.scopes
        for node in reversed(scope.nodes)
        if node.domain not in KNOWN_DOMAINS and (node.domain, node.op_type) not in local
    }
    for (domain, operator), where in sorted(foreign.items()):
        why = "an optimized graph, for one machine" if domain in MACHINE_DOMAINS else "not ONNX's"
        yield Problem(f"`{domain}::{operator}` is of a domain that is {why}", where)


def _runtimes(graph: GraphSubject) -> list[Target]:
    given = [target for target in graph.settings.targets if target.max_opset]
    return given or [newest_onnxruntime()]


def _too_new(view: ModelView, target: Target) -> Iterator[Problem]:
    found = (
        ("ir_version", "IR version", view.proto.ir_version, target.max_ir_version),
        ("opset", "operator set", view.opset_imports.get("", 0), target.max_opset),
    )
    for trouble, what, version, limit in found:
        if limit and version > limit:
            says = target.saying(trouble, version, limit)
            yield Problem(f"{what} {version}, where {target.name} has {limit}{says}", trouble)


@graph_rule(
    "M007",
    "mixed-weight-types",
    severity=Severity.WARNING,
    fix="Export all weights in one floating-point type, float32 or float16.",
    bad=f"""{HEADER} g (double[2] x) => (double[2] y)
        <double[2] w = {{1, 2}}> {{ y = Add(x, w) }}""",
    good=ADD,
)
def mixed_weight_types(graph: GraphSubject) -> Iterator[Problem]:
    """Weights are of an element type that costs time or memory for nothing.

    1. float64: twice the size; few operators have kernels for it, and most accelerators none.
    2. Large parts in float32 and in float16 or bfloat16: each border between them is a cast, and
       half of the model did not get what the conversion was for.
    """
    sizes: Counter[str] = Counter()
    for tensor in graph.view.tensors:
        if "float" in tensor.dtype.name and tensor.elements > 1:
            sizes[tensor.dtype.name] += tensor.size_bytes
    if sizes["float64"]:
        yield Problem(f"{sizes['float64']:,} bytes of weights are float64", "float64")
    total = sum(sizes.values())
    large = [name for name in ("float32", "float16", "bfloat16") if 20 * sizes[name] > total]
    if len(large) > 1:
        parts = ", ".join(f"{sizes[name]:,} bytes in {name}" for name in large)
        yield Problem(f"weights are of several types: {parts}", large[-1], Severity.INFO)

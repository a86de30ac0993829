"""Q: what quantization promised, as far as one model shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import onnx

from onnxtool.model.attributes import integer
from onnxtool.model.view import ModelView
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.graphs import HEADER, beside
from onnxtool.rules.rewritten import rewritten
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.rules.target import Target, Version, newest_onnxruntime
from onnxtool.runtime.run_errors import RunRefusedError

# Operators that compute with integers, or with weights that stay packed.
INTEGER_COMPUTE = re.compile(
    r"MatMulInteger(ToFloat)?|ConvInteger|QLinear\w+|DynamicQuantize(MatMul|LSTM)|MatMulNBits"
    r"|MatMulBnb4|QGemm|QAttention|QMoE|QEmbedLayerNormalization|GatherBlockQuantized"
)
PACKED = frozenset({"int8", "uint8", "int4", "uint4", "int2", "uint2"})
# Below this, a model has not become much smaller.
LEAST_SHARE = 0.5
# No quantizer, which turns audio into codes, nothing that is dequantized or unquantized, and no
# joint8 or checkpoint4000.
_QUANTIZED_NAME = re.compile(
    r"(?<![a-z])u?int[48](?!\d)|(?<![a-z])quant(i[sz]ed)?(?![a-z])|[._-]q[48]\b"
)
_MICROSOFT = HEADER.replace("17]", '17, "com.microsoft" : 1]')


def is_quantized(graph: GraphSubject) -> bool:
    """Whether its name, its metadata or an operator says so."""
    props = graph.view.metadata_props
    return bool(
        _is_named_so(graph)
        or "quant" in props.get("onnx.infer", "")
        or integer_operators(graph.view.operators)
        or graph.view.operators["DequantizeLinear"]
    )


def _is_named_so(graph: GraphSubject) -> bool:
    """Whether its name says so, and not only what it takes or gives: images in uint8, say."""
    ports = {spec.dtype for spec in (*graph.signature.inputs, *graph.signature.outputs)}
    words = {match[0] for match in _QUANTIZED_NAME.finditer(graph.name.lower())}
    return not words <= ports


def integer_operators(operators: Counter[str]) -> Counter[str]:
    """How many nodes compute with integers, by operator."""
    names = ((name.rpartition("::")[2], count) for name, count in operators.items())
    return Counter({name: count for name, count in names if INTEGER_COMPUTE.fullmatch(name)})


def packed_share(view: ModelView) -> float | None:
    """The share of the bytes of weights that are stored in eight bits or fewer; None for none."""
    packed = wide = 0
    for tensor in view.tensors:
        if tensor.dtype.name in PACKED:
            packed += tensor.size_bytes
        elif "float" in tensor.dtype.name:
            wide += tensor.size_bytes
    return packed / (packed + wide) if packed + wide else None


def _required(graph: GraphSubject) -> None:
    if not is_quantized(graph):
        raise Skipped("nothing says that it is quantized")


_INTEGER = beside(
    f"""{HEADER} g (uint8[2, 2] x) => (int32[2, 2] y) <int8[2, 2] w = {{1, 2, 3, 4}}> {{
        y = MatMulInteger(x, w)
    }}""",
    {},
)


@graph_rule(
    "Q003",
    "quantized-in-name-only",
    severity=Severity.ERROR,
    fix="Quantize MatMul with integer operators: `onnxtool quantize`.",
    bad=f"""{HEADER} g (float[2, 2] x) => (float[2, 2] y)
        <int8 w = {{1}}, float s = {{0.5}}, float[2, 2] big = {{1, 2, 3, 4}}> {{
            a = DequantizeLinear(w, s)
            b = Add(x, a)
            y = MatMul(b, big)
        }}""",
    good=_INTEGER,
)
def quantized_in_name_only(graph: GraphSubject) -> Iterator[Problem]:
    """A quantized model computes nothing with integers, or keeps most weights in floating point.

    1. No operator computes with integers: weights are expanded when the model is loaded, and it is
       as slow and as large in memory as before. Where graphs may be run, the one that counts is
       that which ONNX Runtime rewrites it to: a newer one fuses a DequantizeLinear into a MatMul.
       Elsewhere it is a warning where most weights are packed.
    2. Less than half of the bytes of weights are packed.
    """
    _required(graph)
    share = packed_share(graph.view)
    if share is None:
        raise Skipped("it has no weights that could be packed")
    problem = None
    if not integer_operators(graph.view.operators):  # 1
        problem = _expanded(graph, share)
    if problem is None and share < LEAST_SHARE:  # 2
        message = f"{share:.0%} of the bytes of weights are packed"
        problem = Problem(message, "weights", Severity.WARNING)
    if problem:
        yield problem


def _expanded(graph: GraphSubject, share: float) -> Problem | None:
    """What is said of a graph that has no operator that computes with integers."""
    # Quantized and dequantized again around an operator: a runtime computes between the two.
    is_framed = graph.view.operators["QuantizeLinear"] > 0
    told, packed = "no operator computes with integers", f"{share:.0%} of the weights are packed"
    try:
        run = rewritten(graph.view.path, graph.settings.limits) if graph.may_run else None
    except RunRefusedError:
        run = None
    if run is None:
        severity = Severity.WARNING if share >= LEAST_SHARE else Severity.ERROR
        return None if is_framed else Problem(f"{told}; {packed}", "operators", severity)
    found = integer_operators(run.operators)
    if not found:
        return Problem(f"{told}, and {run.by} puts none there; {packed}", "operators")
    if is_framed:
        return None
    made = ", ".join(f"{count} {name}" for name, count in found.items())
    return Problem(f"{told} until {run.by} puts {made} there; {packed}", "operators", Severity.INFO)


@graph_rule(
    "Q004",
    "risky-quantized-operator",
    severity=Severity.WARNING,
    fix="Quantize MatMul only, or leave these nodes out.",
    bad=f"""{HEADER} g (uint8[1, 1, 8] x) => (int32[1, 1, 6] y)
        <uint8[1, 1, 3] w = {{1, 2, 3}}> {{ y = ConvInteger(x, w) }}""",
    good=_INTEGER,
)
def risky_quantized_operator(graph: GraphSubject) -> Iterator[Problem]:
    """An operator is quantized that costs accuracy or time when it is.

    1. ConvInteger: slow without kernels for it, and refused by older ONNX Runtimes with int8
       weights. Depthwise convolutions lose the most, for a thousandth of the work.
    2. Sums of a residual path and normalization, whose range eight bits do not hold.
    """
    _required(graph)
    convolutions = [
        node
        for scope in graph.view.scopes
        for node in scope.nodes
        if node.op_type in {"ConvInteger", "QLinearConv"}
    ]
    depthwise = sum(integer(node, "group", 1) > 1 for node in convolutions)
    if convolutions:  # 1
        message = f"{len(convolutions)} convolutions are quantized, {depthwise} of them depthwise"
        yield Problem(message, convolutions[0].op_type)
    for name, count in graph.view.operators.items():  # 2
        if re.search("QLinear(Add|LayerNorm|Softmax)|QEmbedLayerNorm", name):
            yield Problem(f"{count} {name} nodes are quantized", name)


@graph_rule(
    "Q010",
    "operator-newer-than-target",
    severity=Severity.ERROR,
    fix="Require the newer runtime of your users, or leave the operator out.",
    bad=f"""{_MICROSOFT} g (float[2, 4] x) => (float[2, 4] y) {{
        y = com.microsoft.LinearAttention(x)
    }}""",
    good=f"""{_MICROSOFT} g (float[2, 4] x) => (float[2, 4] y) {{
        y = com.microsoft.FastGelu(x)
    }}""",
)
def operator_newer_than_target(graph: GraphSubject) -> Iterator[Problem]:
    """An operator, or what it is asked to do, came with a later ONNX Runtime than the target's.

    Operators of `com.microsoft` have one version for all time, which says nothing about who has
    them; and kernels for a type or a width come later than their operator. Held against each
    target, and where none is given against the newest ONNX Runtime known.
    """
    given = [target for target in graph.settings.targets if target.operators]
    for target in given or [newest_onnxruntime()]:
        yield from _lacking(target, graph.view)


def _lacking(target: Target, view: ModelView) -> Iterator[Problem]:
    """What the target lacks for a model, each told of at the first node that asks for it."""
    types = {tensor.name: tensor.dtype.name for tensor in view.tensors}
    reported: set[str] = set()
    nodes = ((scope, node) for scope in view.scopes for node in scope.nodes)
    for scope, node in nodes:
        for what, first, trouble in _newer(target, node, types):
            if what not in reported:
                reported.add(what)
                message = f"`{what}` {first}, and {target.name} is the target"
                yield Problem(message + target.saying(trouble, what), str(scope.at(node=node)))


def _newer(
    target: Target, node: onnx.NodeProto, types: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """What the target lacks for a node: the thing, since when it is there, the kind of trouble."""
    version = target.version or (0, 0)
    if node.domain == "com.microsoft":
        first = target.operators.get(node.op_type)
        if first is None:
            yield f"com.microsoft::{node.op_type}", "is in no ONNX Runtime known", "operator"
        elif first > version:
            yield f"com.microsoft::{node.op_type}", _since(first), "operator"
    for what in _asked(node, types):
        first = target.kernels.get(what)
        if first and first > version:
            yield what, _since(first), "kernel"


def _asked(node: onnx.NodeProto, types: dict[str, str]) -> Iterator[str]:
    """What a node asks of its operator, as the targets' tables call it."""
    if node.op_type == "ConvInteger" and len(node.input) > 1:
        yield f"ConvInteger with {types.get(node.input[1])} weights"
    elif node.op_type == "MatMulNBits":
        yield f"MatMulNBits of {integer(node, 'bits', 4)} bits"


def _since(version: Version) -> str:
    return f"is in ONNX Runtime since {version[0]}.{version[1]}"

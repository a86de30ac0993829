"""J001: what a joint gives must be raw logits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx

from onnxtool.model.attributes import integers
from onnxtool.model.dataflow import Dataflow, Maker, Value
from onnxtool.model.families import Role
from onnxtool.rules.joint.normalization import Normalization, normalizations
from onnxtool.rules.rule import Problem, Severity, graph_rule
from onnxtool.rules.subject import GraphSubject

# Output axis -> the axis of the node in question, or None where a reshape hides it.
Axes = tuple[int | None, ...]


@graph_rule(
    "J001",
    "normalized-joint-output",
    severity=Severity.ERROR,
    fix="Export the joint with `log_softmax=False`, or cut the softmax off the graph.",
    roles=(Role.JOINT, Role.DECODER_JOINT),
    bad="""
        <ir_version: 8, opset_import: ["" : 17]>
        joint (float[B, 8, T] encoder_output, float[B, 8, T] predictor_output)
            => (float[B, 8, T, 1] joint_output) <int64[1] last = {3}> {
            hidden = Add(encoder_output, predictor_output)
            logits = Unsqueeze(hidden, last)
            joint_output = LogSoftmax <axis = 1> (logits)
        }
    """,
    good="""
        <ir_version: 8, opset_import: ["" : 17]>
        joint (float[B, 8, T] encoder_output, float[B, 8, T] predictor_output)
            => (float[B, 8, T, 1] joint_output) <int64[1] last = {3}> {
            attention = Softmax <axis = -1> (encoder_output)
            hidden = MatMul(attention, predictor_output)
            joint_output = Unsqueeze(hidden, last)
        }
    """,
)
def normalized_joint_output(graph: GraphSubject) -> Iterator[Problem]:
    """A joint gives probabilities, or their logarithms, where its caller expects raw logits.

    A softmax over the whole output mixes the scores of tokens with those of durations, so that
    the greedy choice of a duration depends on the tokens; beam search and confidences go wrong in
    silence with either. NeMo adds one by itself when a joint is exported on a CPU.

    Found on the way from an output back to the first node that mixes values: a softmax in one
    node or in its parts, also in subgraphs and functions. One elsewhere in the graph is no problem.
    """
    flow = Dataflow(graph.view)
    for output in graph.signature.free_outputs:
        if not output.dtype.startswith(("float", "bfloat")):
            continue
        rank = None if output.shape is None else len(output.shape)
        for found in normalizations(flow, Value(flow.main, output.name)):
            where = f"{found.form} at `{found.maker.location}`"
            over = _axis(found, rank) + _head(graph.view.proto, found)
            yield Problem(f"`{output.name}` is normalized{over}: {where}", output.name)


def _axis(found: Normalization, rank: int | None) -> str:
    """` over axis 3`, of the output; empty if it cannot be told."""
    if rank is None or found.axis is None:
        return ""
    axes: Axes = tuple(range(rank))
    for maker, _ in found.path:
        axes = _through(maker, axes)
    wanted = found.axis + rank if found.axis < 0 else found.axis
    return f" over axis {axes.index(wanted)}" if wanted in axes else ""


def _through(maker: Maker, axes: Axes) -> Axes:
    """Where each axis of the output is in what the node reads."""
    match maker.node.op_type:
        case "Transpose":
            order = integers(maker.node, "perm") or tuple(reversed(range(len(axes))))
            return tuple(None if i is None or i >= len(order) else order[i] for i in axes)
        case "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Gather":
            return (None,) * len(axes)
        case _:
            return axes


def _head(proto: onnx.ModelProto, found: Normalization) -> str:
    """`, head [0, 36)`, where several heads are joined to the output; else empty."""
    for maker, place in reversed(found.path):
        if maker.node.op_type == "Concat":
            sizes = _last_sizes(proto)
            widths = [sizes.get(name) for name in maker.node.input[: place + 1]]
            known = [width for width in widths if width is not None]
            if len(known) < len(widths):
                return f", head {place} of `{maker.location}`"
            return f", head [{sum(known[:-1])}, {sum(known)})"
    return ""


def _last_sizes(proto: onnx.ModelProto) -> dict[str, int]:
    """The size of the last axis of each value, where shape inference finds it."""
    values: Sequence[onnx.ValueInfoProto] = onnx.shape_inference.infer_shapes(
        proto
    ).graph.value_info
    last = {value.name: value.type.tensor_type.shape.dim[-1:] for value in values}
    return {name: dims[0].dim_value for name, dims in last.items() if dims and dims[0].dim_value}

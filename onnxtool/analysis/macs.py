"""Multiply-accumulate operations of one node, from the shapes it would be executed with.

Counted are the products that the operator's definition asks for; biases, activations and
normalization are not. Each formula is in the docstring of its function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import onnx

from onnxtool.analysis.attributes import integer, integers, text
from onnxtool.analysis.values import Value
from onnxtool.model.view import operator

Inputs = Sequence[Value | None]
Formula = Callable[[onnx.NodeProto, Inputs, Inputs], int | None]


def node_macs(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """The node's MACs at these shapes: 0 for operators that do none, None if not resolved."""
    formula = FORMULAS.get(operator(node))
    if formula is None:
        return 0
    try:
        return formula(node, inputs, outputs)
    except (IndexError, ValueError):  # A damaged node, without the inputs that its operator needs.
        return None


def _shape(values: Inputs, index: int) -> tuple[int, ...] | None:
    value = values[index] if index < len(values) else None
    return value.full_shape if value else None


def _matmul(left: int = 0) -> Formula:
    """Elements of the output times the length of the sums, which is the left side's last axis."""

    def formula(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
        first, result = _shape(inputs, left), _shape(outputs, 0)
        if not first or result is None:
            return None
        return math.prod(result) * first[-2 if integer(node, "transA") else -1]

    return formula


def _conv(kernel: int = 1) -> Formula:
    """Elements of the output times one filter: C_in / group x the kernel's sizes."""

    def formula(_: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
        weights, result = _shape(inputs, kernel), _shape(outputs, 0)
        if weights is None or result is None:
            return None
        return math.prod(result) * math.prod(weights[1:])

    return formula


def _conv_transpose(_: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """Elements of the input times one filter: C_out / group x the kernel's sizes."""
    features, weights = _shape(inputs, 0), _shape(inputs, 1)
    if features is None or weights is None:
        return None
    return math.prod(features) * math.prod(weights[1:])


def _recurrent(gates: int) -> Formula:
    """T x B x directions x gates x H x (I + H): X is [T, B, I] or, layout 1, [B, T, I]."""

    def formula(node: onnx.NodeProto, inputs: Inputs, _: Inputs) -> int | None:
        features, recurrence = _shape(inputs, 0), _shape(inputs, 2)
        if features is None or recurrence is None:
            return None
        hidden = integer(node, "hidden_size") or recurrence[-1]
        steps = math.prod(features[:2]) * recurrence[0]
        return steps * gates * hidden * (features[2] + hidden)

    return formula


def _einsum(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """The product of the sizes of all labels, times the number of operands less one."""
    shapes = [_shape(inputs, index) for index in range(len(inputs))]
    result = _shape(outputs, 0)
    if None in shapes or result is None:
        return None
    terms, _, target = text(node, "equation").replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    for term, shape in zip(terms.split(","), shapes, strict=True):
        sizes |= _label_sizes(term, shape or ())
    ellipsis = result[: len(result) - len(target.replace("...", ""))] if "..." in target else ()
    return math.prod(sizes.values()) * math.prod(ellipsis) * max(len(shapes) - 1, 1)


def _label_sizes(term: str, shape: tuple[int, ...]) -> dict[str, int]:
    """The size of each label; those right of an ellipsis count from the end."""
    before, dots, after = term.partition("...")
    front = dict(zip(before, shape, strict=False))
    return front | (dict(zip(after[::-1], shape[::-1], strict=False)) if dots else {})


def _attention(node: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """ai.onnx Attention: B x heads x S x L x (d + d_v), L with the past.

    Q, K and V are [B, heads, S, d], or [B, S, heads x d] with q_num_heads and kv_num_heads.
    """
    query, key, value = (_shape(inputs, index) for index in range(3))
    if query is None or key is None or value is None:
        return None
    past = _shape(inputs, 4) if len(inputs) > 4 and inputs[4] else None
    if len(query) == 4:
        batch, heads, length, width = query
        value_width = value[-1]
    else:
        batch, length = query[:2]
        heads = integer(node, "q_num_heads")
        width = query[2] // heads
        value_width = value[2] // integer(node, "kv_num_heads")
    context = key[-2] + (past[-2] if past else 0)
    return batch * heads * length * context * (width + value_width)


def _packed_attention(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """com.microsoft Attention: the projection B x S x D x (Q + K + V), then S x L x (Q + V)."""
    features, weights, result = _shape(inputs, 0), _shape(inputs, 1), _shape(outputs, 0)
    if features is None or weights is None or result is None:
        return None
    batch, length, width = features
    sizes = integers(node, "qkv_hidden_sizes") or (weights[-1] // 3,) * 3
    projection = batch * length * width * weights[-1]
    past_index = 4 if node.op_type == "Attention" else 8
    past = _shape(inputs, past_index)
    context = length + (past[3] if past else 0)
    return projection + batch * length * context * (sizes[0] + sizes[2])


def _multi_head_attention(_: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """com.microsoft MultiHeadAttention: B x S x L x (D_q + D_v), heads included in D."""
    query, key, value = (_shape(inputs, index) for index in range(3))
    if query is None or key is None or value is None or not len(query) == len(value) == 3:
        return None
    past = _shape(inputs, 6)
    return query[0] * query[1] * (value[1] + (past[2] if past else 0)) * (query[2] + value[2])


def _group_query_attention(_: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """com.microsoft GroupQueryAttention: 2 x B x S x L x D of the output, L with the past."""
    result, past = _shape(outputs, 0), _shape(inputs, 3)
    if result is None or len(result) != 3:
        return None
    return 2 * math.prod(result) * (result[1] + (past[2] if past else 0))


def _matmul_n_bits(node: onnx.NodeProto, _inputs: Inputs, outputs: Inputs) -> int | None:
    """Elements of the output times K."""
    result = _shape(outputs, 0)
    return None if result is None else math.prod(result) * integer(node, "K")


# Operator -> formula. Whatever is not here does no matrix work.
FORMULAS: dict[str, Formula] = {
    "MatMul": _matmul(),
    "Gemm": _matmul(),
    "MatMulInteger": _matmul(),
    "QLinearMatMul": _matmul(),
    "Conv": _conv(),
    "ConvInteger": _conv(),
    "QLinearConv": _conv(kernel=3),
    # The interpolation of its samples is not counted.
    "DeformConv": _conv(),
    "ConvTranspose": _conv_transpose,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "Einsum": _einsum,
    "Attention": _attention,
    "com.microsoft::Attention": _packed_attention,
    "com.microsoft::QAttention": _packed_attention,
    "com.microsoft::MultiHeadAttention": _multi_head_attention,
    "com.microsoft::GroupQueryAttention": _group_query_attention,
    "com.microsoft::FusedMatMul": _matmul(),
    "com.microsoft::FusedGemm": _matmul(),
    "com.microsoft::QGemm": _matmul(),
    "com.microsoft::FusedConv": _conv(),
    "com.microsoft::MatMulIntegerToFloat": _matmul(),
    "com.microsoft::DynamicQuantizeMatMul": _matmul(),
    "com.microsoft::MatMulNBits": _matmul_n_bits,
    "com.microsoft::DynamicQuantizeLSTM": _recurrent(4),
}

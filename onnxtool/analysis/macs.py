"""Multiply-accumulate operations of one node, from the shapes it would be executed with.

Counted are the products that the operator's definition asks for; biases, activations and
normalization are not. Each formula is in the docstring of its function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import onnx

from onnxtool.analysis.einsum import einsum_macs
from onnxtool.analysis.shapes.contrib import fused_operand
from onnxtool.analysis.shapes.values import Value
from onnxtool.model.attributes import integer, integers, text
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
    except (ArithmeticError, IndexError, ValueError):
        # A damaged node, without the inputs or attributes that its operator needs.
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


def _fused_matmul(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """Elements of the output times the length of the sums."""
    first, result = fused_operand(node, _shape(inputs, 0), "A"), _shape(outputs, 0)
    if not first or result is None:
        return None
    return math.prod(result) * (first[-1] or 0)


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


def _einsum(node: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """As it is contracted: one pair of operands after the other."""
    shapes = [_shape(inputs, index) for index in range(len(inputs))]
    known = [shape for shape in shapes if shape is not None]
    return einsum_macs(text(node, "equation"), known) if len(known) == len(shapes) else None


def _attention(node: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """ai.onnx Attention: B x heads x S x L x (d + d_v), L with the past.

    Q, K and V are [B, heads, S, d], or [B, S, heads x d] with q_num_heads and kv_num_heads.
    """
    query, key, value = (_shape(inputs, index) for index in range(3))
    if query is None or key is None or value is None:
        return None
    past = _past(inputs, 4, axis=2)
    if len(query) == 4:
        batch, heads, length, width = query
        value_width = value[-1]
    else:
        batch, length = query[:2]
        heads = integer(node, "q_num_heads")
        width = query[2] // heads
        value_width = value[2] // integer(node, "kv_num_heads")
    return batch * heads * length * (key[-2] + past) * (width + value_width)


def _past(inputs: Inputs, index: int, *, axis: int) -> int:
    """The length of the keys of earlier calls, 0 without.

    Raises:
        ValueError: There are some, and their shape is not known.
    """
    if index >= len(inputs) or inputs[index] is None:
        return 0
    shape = _shape(inputs, index)
    if shape is None:
        raise ValueError("past keys of unknown length")
    return shape[axis]


def _packed_attention(node: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """com.microsoft Attention: the projection B x S x D x (Q + K + V), then S x L x (Q + V)."""
    features, weights, result = _shape(inputs, 0), _shape(inputs, 1), _shape(outputs, 0)
    if features is None or weights is None or result is None:
        return None
    batch, length, width = features
    sizes = integers(node, "qkv_hidden_sizes") or (weights[-1] // 3,) * 3
    projection = batch * length * width * weights[-1]
    context = length + _past(inputs, 4 if node.op_type == "Attention" else 8, axis=3)
    return projection + batch * length * context * (sizes[0] + sizes[2])


def _multi_head_attention(_: onnx.NodeProto, inputs: Inputs, _outputs: Inputs) -> int | None:
    """com.microsoft MultiHeadAttention: B x S x L x (D_q + D_v), heads included in D."""
    query, key, value = (_shape(inputs, index) for index in range(3))
    if query is None or key is None or value is None or not len(query) == len(value) == 3:
        return None
    context = value[1] + _past(inputs, 6, axis=2)
    return query[0] * query[1] * context * (query[2] + value[2])


def _group_query_attention(_: onnx.NodeProto, inputs: Inputs, outputs: Inputs) -> int | None:
    """com.microsoft GroupQueryAttention: 2 x B x S x L x D of the output, L with the past."""
    result = _shape(outputs, 0)
    if result is None or len(result) != 3:
        return None
    return 2 * math.prod(result) * (result[1] + _past(inputs, 3, axis=2))


def _matmul_n_bits(node: onnx.NodeProto, _inputs: Inputs, outputs: Inputs) -> int | None:
    """Elements of the output times K."""
    result = _shape(outputs, 0)
    return None if result is None else math.prod(result) * integer(node, "K")


# Operators that do matrix work and have no formula here: they are named and not counted.
WITHOUT_FORMULA = frozenset({"CausalConvWithState", "LinearAttention"})

# Operator -> formula. Whatever is in neither does no matrix work.
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
    "com.microsoft::FusedMatMul": _fused_matmul,
    "com.microsoft::FusedGemm": _matmul(),
    "com.microsoft::QGemm": _matmul(),
    "com.microsoft::FusedConv": _conv(),
    "com.microsoft::MatMulIntegerToFloat": _matmul(),
    "com.microsoft::DynamicQuantizeMatMul": _matmul(),
    "com.microsoft::MatMulNBits": _matmul_n_bits,
    "com.microsoft::DynamicQuantizeLSTM": _recurrent(4),
}

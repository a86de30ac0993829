"""Output types of the com.microsoft operators that optimized and quantized speech models use.

ONNX Runtime defines them, and onnx has no inference for them. An operator that is not in the table
leaves its outputs unknown, which the caller counts.
Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from onnxtool.analysis.shapes.values import UNKNOWN, KnownShape, Value, tensor_type
from onnxtool.model.attributes import integer, integers

FLOAT = onnx.TensorProto.FLOAT
Types = list[onnx.TypeProto]
Rule = Callable[[onnx.NodeProto, Sequence[Value]], Types]


def output_types(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Types:
    """Types of the node's outputs, or as many of them as are known."""
    rule = _RULES.get(node.op_type) if node.domain == "com.microsoft" else None
    if rule is None:
        return []
    given = [value or UNKNOWN for value in inputs]
    try:
        # A damaged node may lack the inputs that its rule reads, or the axes of one.
        return rule(node, [*given, *[UNKNOWN] * 8])
    except IndexError:
        return []


def is_known(node: onnx.NodeProto) -> bool:
    """Whether this table has the node's operator."""
    return node.domain == "com.microsoft" and node.op_type in _RULES


def matmul_shape(left: KnownShape | None, right: KnownShape | None) -> KnownShape | None:
    """The shape of a product of stacks of matrices, as numpy.matmul has it."""
    if left is None or right is None or len(left) < 2 or len(right) < 2:
        return None
    stack = _broadcast(left[:-2], right[:-2])
    return None if stack is None else (*stack, left[-2], right[-1])


def _broadcast(left: KnownShape, right: KnownShape) -> KnownShape | None:
    if None in left or None in right:
        return None
    try:
        return np.broadcast_shapes(tuple(n or 0 for n in left), tuple(n or 0 for n in right))
    except ValueError:
        return None


def _typed(elem_type: int, shape: KnownShape | None) -> Types:
    return [] if shape is None else [tensor_type(elem_type, shape)]


def _like_first(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    return [inputs[0].type]


def _broadcast_quantized(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    left, right = inputs[0].shape, inputs[3].shape
    if left is None or right is None:
        return []
    return _typed(inputs[0].elem_type, _broadcast(left, right))


def _matmul_to_float(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    return _typed(FLOAT, matmul_shape(inputs[0].shape, inputs[1].shape))


def _fused_matmul(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    left, right = (fused_operand(node, inputs[i].shape, side) for i, side in enumerate("AB"))
    batched = integer(node, "transBatchA") or integer(node, "transBatchB")
    if batched and (left is None or right is None or min(len(left), len(right)) < 3):
        return []  # ONNX Runtime refuses matrices that are in no stack.
    return _typed(inputs[0].elem_type, matmul_shape(left, right))


def fused_operand(node: onnx.NodeProto, shape: KnownShape | None, side: str) -> KnownShape | None:
    """An operand of FusedMatMul as it is multiplied; `side` is `A` or `B`.

    1. transBatch: the rows stand first, and the stack in between: [M, …, K] is […, M, K];
    2. trans: the last two axes, of what is then there, change places.
    """
    if shape and integer(node, f"transBatch{side}"):  # 1
        shape = (*shape[1:-1], shape[0], *shape[-1:]) if len(shape) > 2 else shape
    return _transposed(shape, integer(node, f"trans{side}"))  # 2


def _transposed(shape: KnownShape | None, transpose: int) -> KnownShape | None:
    if shape is None or not transpose or len(shape) < 2:
        return shape
    return (*shape[:-2], shape[-1], shape[-2])


def _matmul_n_bits(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    shape = inputs[0].shape
    return _typed(inputs[0].elem_type, shape and (*shape[:-1], integer(node, "N")))


def _gemm(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """QGemm: A, its scale and zero point, B, …; a float result unless an output scale is given."""
    left = _transposed(inputs[0].shape, integer(node, "transA"))
    right = _transposed(inputs[3].shape, integer(node, "transB"))
    elem_type = inputs[0].elem_type if len(node.input) > 7 and node.input[7] else FLOAT
    return _typed(elem_type, matmul_shape(left, right))


def _attention(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """Attention and QAttention: [B, S, D] and weights [D, Q + K + V] give [B, S, V]."""
    shape, weights = inputs[0].shape, inputs[1].shape
    if shape is None or weights is None or weights[-1] is None:
        return []
    hidden = (*integers(node, "qkv_hidden_sizes"), weights[-1] // 3)
    width = hidden[2] if len(hidden) > 2 else hidden[0]
    return _typed(
        FLOAT if node.op_type == "QAttention" else inputs[0].elem_type, (*shape[:-1], width)
    )


def _multi_head_attention(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """Query [B, S, D] and value [B, L, V] give [B, S, V]."""
    query, value = inputs[0].shape, inputs[2].shape
    if query is None or value is None or len(query) != 3 or len(value) != 3:
        return []
    return _typed(inputs[0].elem_type, (*query[:-1], value[-1]))


def _group_query_attention(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """Query [B, S, D] with its own key and value gives [B, S, D]; packed ones stay unknown."""
    return [inputs[0].type] if inputs[1].shape is not None else []


def _dynamic_quantize_lstm(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """X [T, B, I] and W [directions, I, 4 H] give Y [T, directions, B, H] and last states."""
    features, weights = inputs[0].shape, inputs[1].shape
    if features is None or weights is None or len(features) != 3:
        return []
    hidden = integer(node, "hidden_size")
    last = tensor_type(FLOAT, (weights[0], features[1], hidden))
    return [tensor_type(FLOAT, (features[0], weights[0], features[1], hidden)), last, last]


def _standard(op_type: str, attributes: frozenset[str]) -> Rule:
    """An operator that is a standard one with something fused to it, inferred as that one."""

    def rule(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
        plain = onnx.NodeProto(op_type=op_type, input=node.input[:2], output=node.output[:1])
        plain.attribute.extend(a for a in node.attribute if a.name in attributes)
        types = {name: value.type for name, value in zip(plain.input, inputs, strict=False)}
        try:
            schema = onnx.defs.get_schema(op_type, 21, "")
            return list(onnx.shape_inference.infer_node_outputs(schema, plain, types).values())
        except (onnx.shape_inference.InferenceError, RuntimeError, KeyError):
            return []

    return rule


def _dequantize(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    return _typed(inputs[1].elem_type or FLOAT, inputs[0].shape)


def _quantize(_: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    return _typed(inputs[2].elem_type or onnx.TensorProto.UINT8, inputs[0].shape)


def _skip_normalization(node: onnx.NodeProto, inputs: Sequence[Value]) -> Types:
    """The normalized sum, two statistics, and the sum itself."""
    return [inputs[0].type, onnx.TypeProto(), onnx.TypeProto(), inputs[0].type][: len(node.output)]


_CONV = frozenset({"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"})
_RULES: dict[str, Rule] = {
    "Attention": _attention,
    "BiasGelu": _like_first,
    "DequantizeLinear": _dequantize,
    "DynamicQuantizeLSTM": _dynamic_quantize_lstm,
    "DynamicQuantizeMatMul": _matmul_to_float,
    "FastGelu": _like_first,
    "FusedConv": _standard("Conv", _CONV),
    "FusedGemm": _standard("Gemm", frozenset({"alpha", "beta", "transA", "transB"})),
    "FusedMatMul": _fused_matmul,
    "Gelu": _like_first,
    "GroupQueryAttention": _group_query_attention,
    "LayerNormalization": _like_first,
    "MatMulIntegerToFloat": _matmul_to_float,
    "MatMulNBits": _matmul_n_bits,
    "MultiHeadAttention": _multi_head_attention,
    "QAttention": _attention,
    "QGemm": _gemm,
    "QLinearAdd": _broadcast_quantized,
    "QLinearLeakyRelu": _like_first,
    "QLinearMul": _broadcast_quantized,
    "QLinearSigmoid": _like_first,
    "QLinearSoftmax": _like_first,
    "QuantizeLinear": _quantize,
    "QuickGelu": _like_first,
    "SimplifiedLayerNormalization": _like_first,
    "SkipLayerNormalization": _skip_normalization,
    "SkipSimplifiedLayerNormalization": _skip_normalization,
    "Trilu": _like_first,
}

"""Multiply-accumulates by operator, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from onnxtool.analysis.macs import FORMULAS, WITHOUT_FORMULA
from onnxtool.model.view import operator
from tests.support.models import model

from .priced import price, reasons

PAST_OF_3 = ", float[2,8,3,16] pk, float[2,8,3,24] pv"
# id -> (inputs, node, MACs). Batch 2, 3 rows, sums of 4, 5 columns where nothing else is said.
CASES: dict[str, tuple[str, str, int]] = {
    "MatMul": ("float[3,4] a, float[4,5] b", "MatMul(a, b)", 3 * 4 * 5),
    "MatMul batched": ("float[2,3,4] a, float[2,4,5] b", "MatMul(a, b)", 2 * 3 * 4 * 5),
    "MatMul with one right side": ("float[2,3,4] a, float[4,5] b", "MatMul(a, b)", 2 * 3 * 4 * 5),
    "MatMul broadcast both ways": (
        "float[2,1,3,4] a, float[7,4,5] b",
        "MatMul(a, b)",
        2 * 7 * 3 * 4 * 5,
    ),
    "MatMul of two vectors": ("float[4] a, float[4] b", "MatMul(a, b)", 4),
    "MatMul of matrix and vector": ("float[3,4] a, float[4] b", "MatMul(a, b)", 3 * 4),
    "MatMul of vector and matrix": ("float[4] a, float[4,5] b", "MatMul(a, b)", 4 * 5),
    "MatMul of stack and vector": ("float[2,3,4] a, float[4] b", "MatMul(a, b)", 2 * 3 * 4),
    "MatMul of vector and stack": ("float[4] a, float[2,4,5] b", "MatMul(a, b)", 2 * 4 * 5),
    "MatMul of nothing": ("float[0,4] a, float[4,5] b", "MatMul(a, b)", 0),
    "Gemm": ("float[3,4] a, float[4,5] b, float[5] c", "Gemm(a, b, c)", 3 * 4 * 5),
    "Gemm transA": ("float[4,3] a, float[4,5] b", "Gemm<transA=1>(a, b)", 3 * 4 * 5),
    "Gemm transB": ("float[3,4] a, float[5,4] b", "Gemm<transB=1>(a, b)", 3 * 4 * 5),
    "MatMulInteger": (
        "uint8[2,3,4] a, int8[4,5] b",
        "MatMulInteger(a, b)",
        2 * 3 * 4 * 5,
    ),
    "QLinearMatMul": (
        "uint8[2,3,4] a, float s, uint8 z, uint8[4,5] b",
        "QLinearMatMul(a, s, z, b, s, z, s, z)",
        2 * 3 * 4 * 5,
    ),
    # 10 samples, filters of 3: 8 places.
    "Conv 1-D": ("float[2,6,10] x, float[8,6,3] w", "Conv(x, w)", 2 * 8 * 8 * 6 * 3),
    # Padded to 12, filters of 3, every second: 5 places.
    "Conv strided and padded": (
        "float[2,6,10] x, float[8,6,3] w",
        "Conv<pads=[1,1], strides=[2]>(x, w)",
        2 * 8 * 5 * 6 * 3,
    ),
    # Filters of 3 that span 5: 6 places.
    "Conv dilated": (
        "float[2,6,10] x, float[8,6,3] w",
        "Conv<dilations=[2]>(x, w)",
        2 * 8 * 6 * 6 * 3,
    ),
    "Conv in groups": (
        "float[2,6,10] x, float[8,3,3] w",
        "Conv<group=2>(x, w)",
        2 * 8 * 8 * 3 * 3,
    ),
    "Conv depthwise": ("float[2,6,10] x, float[6,1,3] w", "Conv<group=6>(x, w)", 2 * 6 * 8 * 3),
    "Conv pointwise": ("float[2,6,10] x, float[8,6,1] w", "Conv(x, w)", 2 * 8 * 10 * 6),
    "Conv 2-D": (
        "float[1,3,8,8] x, float[4,3,3,3] w",
        "Conv<pads=[1,1,1,1], strides=[2,2]>(x, w)",
        4 * (4 * 4) * 3 * (3 * 3),
    ),
    "ConvInteger": (
        "uint8[2,6,10] x, uint8[8,6,3] w, uint8 z",
        "ConvInteger(x, w, z)",
        2 * 8 * 8 * 6 * 3,
    ),
    "QLinearConv": (
        "uint8[2,6,10] x, float s, uint8 z, uint8[8,3,3] w",
        "QLinearConv<group=2>(x, s, z, w, s, z, s, z)",
        2 * 8 * 8 * 3 * 3,
    ),
    "DeformConv": (
        "float[1,1,3,3] x, float[1,1,2,2] w, float[1,8,2,2] offset",
        "DeformConv(x, w, offset)",
        (2 * 2) * (2 * 2),
    ),
    # Every sample of the input is spread by a filter, whatever the stride.
    "ConvTranspose": (
        "float[2,6,10] x, float[6,4,3] w",
        "ConvTranspose<strides=[2]>(x, w)",
        2 * 6 * 10 * 4 * 3,
    ),
    "ConvTranspose in groups": (
        "float[2,6,10] x, float[6,2,3] w",
        "ConvTranspose<group=2>(x, w)",
        2 * 6 * 10 * 2 * 3,
    ),
    # 7 steps of batch 2, 3 features, 4 hidden: each gate takes 3 + 4 products for each of 4.
    "LSTM": (
        "float[7,2,3] x, float[1,16,3] w, float[1,16,4] r",
        "LSTM<hidden_size=4>(x, w, r)",
        7 * 2 * 4 * 4 * (3 + 4),
    ),
    "LSTM bidirectional": (
        "float[7,2,3] x, float[2,16,3] w, float[2,16,4] r",
        'LSTM<hidden_size=4, direction="bidirectional">(x, w, r)',
        2 * 7 * 2 * 4 * 4 * (3 + 4),
    ),
    "LSTM batch first": (
        "float[2,7,3] x, float[1,16,3] w, float[1,16,4] r",
        "LSTM<hidden_size=4, layout=1>(x, w, r)",
        7 * 2 * 4 * 4 * (3 + 4),
    ),
    "GRU": (
        "float[7,2,3] x, float[1,12,3] w, float[1,12,4] r",
        "GRU<hidden_size=4>(x, w, r)",
        7 * 2 * 3 * 4 * (3 + 4),
    ),
    "GRU bidirectional": (
        "float[7,2,3] x, float[2,12,3] w, float[2,12,4] r",
        'GRU<hidden_size=4, direction="bidirectional">(x, w, r)',
        2 * 7 * 2 * 3 * 4 * (3 + 4),
    ),
    "RNN": (
        "float[7,2,3] x, float[1,4,3] w, float[1,4,4] r",
        "RNN<hidden_size=4>(x, w, r)",
        7 * 2 * 4 * (3 + 4),
    ),
    "RNN bidirectional": (
        "float[7,2,3] x, float[2,4,3] w, float[2,4,4] r",
        'RNN<hidden_size=4, direction="bidirectional">(x, w, r)',
        2 * 7 * 2 * 4 * (3 + 4),
    ),
    "Einsum": (
        "float[3,4] a, float[4,5] b",
        'Einsum<equation="ij,jk->ik">(a, b)',
        3 * 4 * 5,
    ),
    "Einsum with spaces": (
        "float[3,4] a, float[4,5] b",
        'Einsum<equation=" i j , j k -> i k ">(a, b)',
        3 * 4 * 5,
    ),
    "Einsum with batch labels": (
        "float[2,6,3,4] a, float[2,6,5,4] b",
        'Einsum<equation="bhid,bhjd->bhij">(a, b)',
        2 * 6 * 3 * 5 * 4,
    ),
    "Einsum of a broadcast label": (
        "float[2,3,4] a, float[1,4,5] b",
        'Einsum<equation="bij,bjk->bik">(a, b)',
        2 * 3 * 4 * 5,
    ),
    "Einsum with an ellipsis": (
        "float[2,6,3,4] a, float[2,6,4,5] b",
        'Einsum<equation="...ij,...jk->...ik">(a, b)',
        2 * 6 * 3 * 4 * 5,
    ),
    "Einsum with an ellipsis that is broadcast": (
        "float[2,1,3,4] a, float[6,4,5] b",
        'Einsum<equation="...ij,...jk->...ik">(a, b)',
        2 * 6 * 3 * 4 * 5,
    ),
    "Einsum with an ellipsis in the middle": (
        "float[3,2,4] a, float[4,2,5] b",
        'Einsum<equation="i...j,j...k->i...k">(a, b)',
        3 * 2 * 4 * 5,
    ),
    "Einsum of implicit output": (
        "float[3,4] a, float[4,5] b",
        'Einsum<equation="ij,jk">(a, b)',
        3 * 4 * 5,
    ),
    "Einsum of implicit output with an ellipsis": (
        "float[2,3,4] a, float[2,4,5] b",
        'Einsum<equation="...ij,...jk">(a, b)',
        2 * 3 * 4 * 5,
    ),
    "Einsum of a diagonal": (
        "float[4,4] a, float[4] b",
        'Einsum<equation="ii,i->i">(a, b)',
        4,
    ),
    "Einsum of three operands": (
        "float[3,4] a, float[4,5] b, float[5,6] c",
        'Einsum<equation="ij,jk,kl->il">(a, b, c)',
        3 * 4 * 5 + 3 * 5 * 6,
    ),
    "Einsum that only transposes": ("float[3,4] a", 'Einsum<equation="ij->ji">(a)', 0),
    # 8 heads of 16 for queries and keys, of 24 for values; 5 queries, 7 keys.
    "Attention 4-D": (
        "float[2,8,5,16] q, float[2,8,7,16] k, float[2,8,7,24] v",
        "Attention(q, k, v)",
        2 * 8 * 5 * 7 * (16 + 24),
    ),
    "Attention 3-D": (
        "float[2,5,128] q, float[2,7,128] k, float[2,7,192] v",
        "Attention<q_num_heads=8, kv_num_heads=8>(q, k, v)",
        2 * 8 * 5 * 7 * (16 + 24),
    ),
    "Attention of grouped queries": (
        "float[2,5,128] q, float[2,7,64] k, float[2,7,96] v",
        "Attention<q_num_heads=8, kv_num_heads=4>(q, k, v)",
        2 * 8 * 5 * 7 * (16 + 24),
    ),
    "Attention 4-D with a past of 3": (
        "float[2,8,5,16] q, float[2,8,7,16] k, float[2,8,7,24] v" + PAST_OF_3,
        'Attention(q, k, v, "", pk, pv)',
        2 * 8 * 5 * (7 + 3) * (16 + 24),
    ),
    "Attention 3-D with a past of 3": (
        "float[2,5,128] q, float[2,7,128] k, float[2,7,192] v" + PAST_OF_3,
        'Attention<q_num_heads=8, kv_num_heads=8>(q, k, v, "", pk, pv)',
        2 * 8 * 5 * (7 + 3) * (16 + 24),
    ),
    # The projection of 12 to 3 x 12, then 5 x 5 products for scores and for values.
    "com.microsoft::Attention": (
        "float[2,5,12] x, float[12,36] w",
        "com.microsoft.Attention<num_heads=3>(x, w)",
        2 * 5 * 12 * 36 + 2 * 5 * 5 * (12 + 12),
    ),
    "com.microsoft::Attention of unlike sizes": (
        "float[2,5,12] x, float[12,48] w",
        "com.microsoft.Attention<num_heads=3, qkv_hidden_sizes=[12,12,24]>(x, w)",
        2 * 5 * 12 * 48 + 2 * 5 * 5 * (12 + 24),
    ),
    "com.microsoft::Attention with a past of 4": (
        "float[2,5,12] x, float[12,36] w, float[2,2,3,4,4] past",
        'com.microsoft.Attention<num_heads=3>(x, w, "", "", past)',
        2 * 5 * 12 * 36 + 2 * 5 * (5 + 4) * (12 + 12),
    ),
    "com.microsoft::QAttention": (
        "uint8[2,5,12] x, int8[12,36] w, float[36] b, float s",
        "com.microsoft.QAttention<num_heads=3>(x, w, b, s, s)",
        2 * 5 * 12 * 36 + 2 * 5 * 5 * (12 + 12),
    ),
    "com.microsoft::QAttention with a past of 4": (
        "uint8[2,5,12] x, int8[12,36] w, float[36] b, float s, float[2,2,3,4,4] past",
        'com.microsoft.QAttention<num_heads=3>(x, w, b, s, s, "", "", "", past)',
        2 * 5 * 12 * 36 + 2 * 5 * (5 + 4) * (12 + 12),
    ),
    "com.microsoft::MultiHeadAttention": (
        "float[2,5,12] q, float[2,7,12] k, float[2,7,18] v",
        "com.microsoft.MultiHeadAttention<num_heads=3>(q, k, v)",
        2 * 5 * 7 * (12 + 18),
    ),
    "com.microsoft::MultiHeadAttention with a past of 4": (
        "float[2,5,12] q, float[2,7,12] k, float[2,7,18] v, float[2,3,4,4] pk, float[2,3,4,6] pv",
        'com.microsoft.MultiHeadAttention<num_heads=3>(q, k, v, "", "", "", pk, pv)',
        2 * 5 * (7 + 4) * (12 + 18),
    ),
    "com.microsoft::GroupQueryAttention": (
        "float[2,5,12] q, float[2,5,6] k, float[2,5,6] v",
        "com.microsoft.GroupQueryAttention<num_heads=6, kv_num_heads=3>(q, k, v)",
        2 * 2 * 5 * 5 * 12,
    ),
    "com.microsoft::GroupQueryAttention with a past of 4": (
        "float[2,5,12] q, float[2,5,6] k, float[2,5,6] v, float[2,3,4,2] pk, float[2,3,4,2] pv",
        "com.microsoft.GroupQueryAttention<num_heads=6, kv_num_heads=3>(q, k, v, pk, pv)",
        2 * 2 * 5 * (5 + 4) * 12,
    ),
    "com.microsoft::FusedMatMul": (
        "float[2,4,3] a, float[2,5,4] b",
        "com.microsoft.FusedMatMul<transA=1, transB=1>(a, b)",
        2 * 3 * 4 * 5,
    ),
    "com.microsoft::FusedMatMul of columns before the stack": (
        "float[4,2,3] a, float[2,4,5] b",
        "com.microsoft.FusedMatMul<transA=1, transBatchA=1>(a, b)",
        2 * 3 * 4 * 5,
    ),
    "com.microsoft::FusedGemm": (
        "float[4,3] a, float[4,5] b",
        'com.microsoft.FusedGemm<transA=1, activation="Relu">(a, b)',
        3 * 4 * 5,
    ),
    "com.microsoft::QGemm": (
        "uint8[4,3] a, float s, uint8 z, uint8[5,4] b",
        "com.microsoft.QGemm<transA=1, transB=1>(a, s, z, b, s, z)",
        3 * 4 * 5,
    ),
    "com.microsoft::FusedConv": (
        "float[2,6,10] x, float[8,3,3] w, float[8] b",
        'com.microsoft.FusedConv<group=2, pads=[1,1], strides=[2], activation="Relu">(x, w, b)',
        2 * 8 * 5 * 3 * 3,
    ),
    "com.microsoft::MatMulIntegerToFloat": (
        "uint8[2,3,4] a, uint8[4,5] b, float s",
        "com.microsoft.MatMulIntegerToFloat(a, b, s, s)",
        2 * 3 * 4 * 5,
    ),
    "com.microsoft::DynamicQuantizeMatMul": (
        "float[2,3,4] a, uint8[4,5] b, float s",
        "com.microsoft.DynamicQuantizeMatMul(a, b, s)",
        2 * 3 * 4 * 5,
    ),
    "com.microsoft::MatMulNBits": (
        "float[2,3,64] a, uint8[5,2,16] b, float[10] s",
        "com.microsoft.MatMulNBits<K=64, N=5, bits=4, block_size=32>(a, b, s)",
        2 * 3 * 64 * 5,
    ),
    "com.microsoft::DynamicQuantizeLSTM": (
        "float[7,2,3] x, int8[2,3,16] w, int8[2,4,16] r",
        'com.microsoft.DynamicQuantizeLSTM<hidden_size=4, direction="bidirectional">(x, w, r)',
        2 * 7 * 2 * 4 * 4 * (3 + 4),
    ),
}


def text(inputs: str, node: str) -> str:
    return f"g ({inputs}) => (float[] y) {{ y = {node} }}"


@pytest.mark.parametrize(("inputs", "node", "macs"), CASES.values(), ids=CASES)
def test_counts_what_the_definition_multiplies(inputs: str, node: str, macs: int) -> None:
    found = price(text(inputs, node), opset=23)
    assert found.total_macs == macs
    assert found.unresolved == ()


def test_every_formula_has_a_case() -> None:
    tried = {operator(model(text(*case[:2])).graph.node[0]) for case in CASES.values()}
    assert tried == set(FORMULAS)


@pytest.mark.parametrize("node", ["Add(a, b)", "Softmax(a)", "Relu(a)", "LayerNormalization(a, b)"])
def test_other_operators_multiply_no_matrices(node: str) -> None:
    found = price(text("float[3,4] a, float[3,4] b", node))
    assert (found.macs, found.unresolved) == ({}, ())


@pytest.mark.parametrize("name", sorted(WITHOUT_FORMULA))
def test_matrix_work_without_a_formula_is_named(name: str) -> None:
    found = price(text("float[3,4] a", f"{name}(a)"), opset=23)
    assert reasons(found) == [(name, "no formula")]


@pytest.mark.parametrize(
    ("inputs", "node"),
    [
        ("float[3] a", "MatMul(a)"),
        ("float a, float b", "MatMul(a, b)"),
        ("float[3,4] a", "Conv(a)"),
        ("float[2,6,10] a", "ConvTranspose(a)"),
        ("float[7] a, float[1,16,3] w, float[1,16,4] r", "LSTM(a, w, r)"),
        ("float[3,4] a, float[4,5] b", 'Einsum<equation="ijk,jk->ik">(a, b)'),
        ("float[3,4] a, float[4,5] b", 'Einsum<equation="ij,jk,kl->il">(a, b)'),
        ("float[2,5,8] q", "Attention(q, q, q)"),
        ("float[2,5] q", "Attention(q, q, q)"),
        ("float[2,5] x, float[5,15] w", "com.microsoft.Attention(x, w)"),
        ("float[2,5,12] x, float w", "com.microsoft.QAttention(x, w)"),
        ("float[2,5,12] x, float w", "com.microsoft.DynamicQuantizeLSTM(x, w)"),
    ],
    ids=lambda text: text.replace(" ", ""),
)
def test_a_node_that_no_runtime_accepts_is_named(inputs: str, node: str) -> None:
    (gap,) = price(text(inputs, node), opset=23).unresolved
    assert gap.node == "y"


@pytest.mark.parametrize(
    "node",
    [
        'Attention<q_num_heads=3, kv_num_heads=3>(x, x, x, "", past, past)',
        'com.microsoft.Attention<num_heads=3>(x, w, "", "", past)',
        'com.microsoft.QAttention<num_heads=3>(x, w, b, s, s, "", "", "", past)',
        'com.microsoft.MultiHeadAttention<num_heads=3>(x, x, x, "", "", "", past, past)',
        "com.microsoft.GroupQueryAttention<num_heads=3, kv_num_heads=3>(x, x, x, past, past)",
    ],
    ids=lambda node: node.partition("<")[0],
)
def test_a_past_of_unknown_length_is_not_taken_for_none(node: str) -> None:
    inputs = "float[2,5,12] x, float[12,36] w, float[36] b, float s, float[] past"
    (gap,) = price(text(inputs, node), opset=23).unresolved
    assert gap.reason == "shape not known"

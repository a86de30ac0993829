"""Output types of com.microsoft operators, as far as the next node needs them."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from onnxtool.analysis.shapes.contrib import is_known, matmul_shape
from onnxtool.analysis.shapes.values import KnownShape
from tests.unit.analysis.priced import run

# id -> (inputs, node, dtype and shape of its first output)
CASES: dict[str, tuple[str, str, int, tuple[int, ...]]] = {
    "Attention": (
        "float16[2,5,12] x, float16[12,36] w",
        "Attention<num_heads=3>(x, w)",
        TensorProto.FLOAT16,
        (2, 5, 12),
    ),
    "Attention of unlike sizes": (
        "float[2,5,12] x, float[12,48] w",
        "Attention<num_heads=3, qkv_hidden_sizes=[12,12,24]>(x, w)",
        TensorProto.FLOAT,
        (2, 5, 24),
    ),
    "BiasGelu": ("float16[2,5] x, float16[5] b", "BiasGelu(x, b)", TensorProto.FLOAT16, (2, 5)),
    "DequantizeLinear": (
        "uint16[2,5] x, float16 s, uint16 z",
        "DequantizeLinear(x, s, z)",
        TensorProto.FLOAT16,
        (2, 5),
    ),
    "DynamicQuantizeLSTM": (
        "float[7,2,3] x, int8[2,3,16] w, int8[2,4,16] r",
        "DynamicQuantizeLSTM<hidden_size=4>(x, w, r)",
        TensorProto.FLOAT,
        (7, 2, 2, 4),
    ),
    "DynamicQuantizeMatMul": (
        "float[2,3,4] x, uint8[4,5] b, float s",
        "DynamicQuantizeMatMul(x, b, s)",
        TensorProto.FLOAT,
        (2, 3, 5),
    ),
    "FusedConv": (
        "float[2,6,10] x, float[8,6,3] w",
        'FusedConv<pads=[1,1], activation="Relu">(x, w)',
        TensorProto.FLOAT,
        (2, 8, 10),
    ),
    "FusedGemm": (
        "float[4,3] x, float[4,5] b",
        'FusedGemm<transA=1, activation="Relu">(x, b)',
        TensorProto.FLOAT,
        (3, 5),
    ),
    "FusedMatMul": (
        "float[2,4,3] x, float[5,4] b",
        "FusedMatMul<transA=1, transB=1>(x, b)",
        TensorProto.FLOAT,
        (2, 3, 5),
    ),
    "FusedMatMul of rows before the stack": (
        "float[4,2,6,3] x, float[3,2,6,5] b",
        "FusedMatMul<transBatchA=1, transBatchB=1>(x, b)",
        TensorProto.FLOAT,
        (2, 6, 4, 5),
    ),
    "FusedMatMul of columns before the stack": (
        "float[3,2,4] x, float[2,3,5] b",
        "FusedMatMul<transA=1, transBatchA=1>(x, b)",
        TensorProto.FLOAT,
        (2, 4, 5),
    ),
    "GroupQueryAttention": (
        "float16[2,5,12] x, float16[2,5,6] k",
        "GroupQueryAttention<num_heads=6, kv_num_heads=3>(x, k, k)",
        TensorProto.FLOAT16,
        (2, 5, 12),
    ),
    "MatMulIntegerToFloat": (
        "uint8[2,3,4] x, uint8[4,5] b, float s",
        "MatMulIntegerToFloat(x, b, s, s)",
        TensorProto.FLOAT,
        (2, 3, 5),
    ),
    "MatMulNBits": (
        "float16[2,3,64] x, uint8[5,2,16] b, float16[10] s",
        "MatMulNBits<K=64, N=5, bits=4, block_size=32>(x, b, s)",
        TensorProto.FLOAT16,
        (2, 3, 5),
    ),
    "MultiHeadAttention": (
        "float[2,5,12] x, float[2,7,12] k, float[2,7,18] v",
        "MultiHeadAttention<num_heads=3>(x, k, v)",
        TensorProto.FLOAT,
        (2, 5, 18),
    ),
    "QAttention": (
        "uint8[2,5,12] x, int8[12,36] w, float[36] b, float s",
        "QAttention<num_heads=3>(x, w, b, s, s)",
        TensorProto.FLOAT,
        (2, 5, 12),
    ),
    "QGemm": (
        "uint8[4,3] x, float s, uint8 z, uint8[5,4] b",
        "QGemm<transA=1, transB=1>(x, s, z, b, s, z)",
        TensorProto.FLOAT,
        (3, 5),
    ),
    "QGemm with quantized output": (
        "uint8[3,4] x, float s, uint8 z, uint8[4,5] b",
        'QGemm(x, s, z, b, s, z, "", s, z)',
        TensorProto.UINT8,
        (3, 5),
    ),
    "QLinearAdd": (
        "uint8[2,1] x, float s, uint8 z, uint8[5] b",
        "QLinearAdd(x, s, z, b, s, z, s, z)",
        TensorProto.UINT8,
        (2, 5),
    ),
    "QuantizeLinear": (
        "float[2,5] x, float s, int16 z",
        "QuantizeLinear(x, s, z)",
        TensorProto.INT16,
        (2, 5),
    ),
    "QuantizeLinear without a zero point": (
        "float[2,5] x, float s",
        "QuantizeLinear(x, s)",
        TensorProto.UINT8,
        (2, 5),
    ),
    "SkipLayerNormalization": (
        "float[2,5] x, float[5] g",
        "SkipLayerNormalization(x, x, g)",
        TensorProto.FLOAT,
        (2, 5),
    ),
}


@pytest.mark.parametrize(("inputs", "node", "dtype", "shape"), CASES.values(), ids=CASES)
def test_infers_the_first_output(
    inputs: str, node: str, dtype: int, shape: tuple[int, ...]
) -> None:
    found = run(f"g ({inputs}) => (float[] y) {{ y = com.microsoft.{node} }}").values["y"]
    assert (found.elem_type, found.shape) == (dtype, shape)


def test_the_sum_that_a_normalization_gives_is_its_fourth_output() -> None:
    node = 'y, "", "", sum = com.microsoft.SkipLayerNormalization(x, x, g)'
    values = run(f"g (float[2,5] x, float[5] g) => (float[] y) {{ {node} }}").values
    assert (values["y"].shape, values["sum"].shape) == ((2, 5), (2, 5))


def test_the_last_states_of_an_lstm_are_its_other_outputs() -> None:
    inputs = "float[7,2,3] x, int8[2,3,16] w, int8[2,4,16] r"
    node = "y, h, c = com.microsoft.DynamicQuantizeLSTM<hidden_size=4>(x, w, r)"
    values = run(f"g ({inputs}) => (float[] y) {{ {node} }}").values
    assert (values["h"].shape, values["c"].shape) == ((2, 2, 4), (2, 2, 4))


@pytest.mark.parametrize(
    ("inputs", "node"),
    [
        ("float[3,4] x", "FusedMatMul<transBatchA=1>(x, x)"),
        ("float[3,4] x", "NoSuchOperator(x)"),
        ("float[3] x", "DynamicQuantizeMatMul(x, x)"),
        ("float[2,5,3,3,4] x", "MultiHeadAttention<num_heads=3>(x)"),
        ("float[2,5,12] x", "GroupQueryAttention<num_heads=3, kv_num_heads=3>(x)"),
        ("float[] x, float[4,5] b", "FusedMatMul(x, b)"),
    ],
    ids=lambda text: text.replace(" ", ""),
)
def test_what_it_does_not_know_stays_unknown(inputs: str, node: str) -> None:
    found = run(f"g ({inputs}) => (float[] y) {{ y = com.microsoft.{node} }}").values["y"]
    assert found.full_shape is None


def test_knows_operators_of_its_domain_only() -> None:
    assert is_known(helper.make_node("MatMulNBits", [], [], domain="com.microsoft"))
    assert not is_known(helper.make_node("MatMulNBits", [], [], domain="com.example"))
    assert not is_known(helper.make_node("NoSuchOperator", [], [], domain="com.microsoft"))


@pytest.mark.parametrize(
    ("left", "right", "product"),
    [
        ((3, 4), (4, 5), (3, 5)),
        ((2, 1, 3, 4), (7, 4, 5), (2, 7, 3, 5)),
        ((None, 4), (4, 5), (None, 5)),
        ((None, 3, 4), (4, 5), None),
        ((4,), (4, 5), None),
        ((2, 3, 4), (7, 4, 5), None),
        (None, (4, 5), None),
    ],
)
def test_multiplies_stacks_of_matrices(
    left: KnownShape | None, right: KnownShape | None, product: KnownShape | None
) -> None:
    assert matmul_shape(left, right) == product

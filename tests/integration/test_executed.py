"""What is estimated without running anything is what ONNX Runtime executes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from benchmarks.executed import einsum_macs, executed_macs, feeds
from onnxtool.analysis.cost import Cost
from onnxtool.analysis.inspection import Inspection, inspect
from tests.support.models import WORDS_TDT, model
from tests.unit.analysis.priced import price

Sizes = Mapping[str, int]
ENCODER = WORDS_TDT / "encoder.onnx"
# On ten seconds of audio, whatever the form.
ENCODER_MACS = 171_047_136

CASES: list[tuple[str, Sizes]] = [
    ("encoder", {"batch": 1, "time": 1000}),
    ("encoder", {"batch": 1, "time": 9}),
    ("encoder", {"batch": 2, "time": 431}),
    ("encoder_streaming", {"batch": 1, "time": 57}),
    ("encoder_streaming", {"batch": 2, "time": 105}),
    ("predictor", {"batch": 1, "token_len": 1}),
    ("predictor", {"batch": 2, "token_len": 7}),
    ("joint", {"batch": 1, "time": 1, "token_len": 1}),
    ("joint", {"batch": 2, "time": 13, "token_len": 7}),
]


def cost(path: Path, sizes: Sizes) -> Cost:
    found = inspect(path, at=sizes, hash=False)
    assert isinstance(found, Inspection)
    assert found.cost is not None
    return found.cost


@pytest.mark.parametrize(
    ("graph", "sizes"), CASES, ids=[f"{g} {' '.join(map(str, s.values()))}" for g, s in CASES]
)
def test_every_operator_costs_what_is_executed(graph: str, sizes: Sizes) -> None:
    path = WORDS_TDT / f"{graph}.onnx"
    found = cost(path, sizes)
    assert found.macs == executed_macs(path, sizes)
    assert found.unresolved == ()
    assert (found.sizes, found.unsized) == (sizes, 0)


# --- The same model in other forms ---------------------------------------------------------------


def eight_bits(out: Path) -> None:
    logging.disable(logging.WARNING)
    # Older versions of ONNX Runtime have no ConvInteger of signed weights.
    quantize_dynamic(ENCODER, out, weight_type=QuantType.QUInt8)
    logging.disable(logging.NOTSET)


def four_bits(out: Path) -> None:
    logging.disable(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(onnx.load(ENCODER), block_size=32, is_symmetric=True)
    quantizer.process()
    quantizer.model.save_model_to_file(str(out))
    logging.disable(logging.NOTSET)


def optimized(out: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(ENCODER, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("rewrite", "operator"),
    [
        (eight_bits, "MatMulInteger"),
        (four_bits, "com.microsoft::MatMulNBits"),
        (optimized, "com.microsoft::FusedMatMul"),
    ],
    ids=["8 bits", "4 bits", "optimized"],
)
def test_another_form_of_a_model_costs_the_same(
    rewrite: Callable[[Path], None], operator: str, tmp_path: Path
) -> None:
    path = tmp_path / "encoder.onnx"
    rewrite(path)
    found = cost(path, {"batch": 1, "time": 1000})
    assert operator in found.macs
    assert found.total_macs == ENCODER_MACS
    assert found.unresolved == ()


@pytest.mark.parametrize("rewrite", [eight_bits, four_bits], ids=["8 bits", "4 bits"])
def test_quantized_operators_cost_what_is_executed(
    rewrite: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "encoder.onnx"
    rewrite(path)
    sizes = {"batch": 2, "time": 97}
    assert cost(path, sizes).total_macs == sum(executed_macs(path, sizes).values())


# --- Products of vectors, and sums over labels ---------------------------------------------------


def executed_output(proto: onnx.ModelProto, sizes: Sizes) -> tuple[int, ...]:
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.shape(session.run(None, feeds(session.get_inputs(), sizes))[0])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("4", "4"),
        ("3,4", "4"),
        ("4", "4,5"),
        ("2,3,4", "4"),
        ("4", "2,4,5"),
        ("2,1,3,4", "7,4,5"),
    ],
)
def test_a_product_of_vectors_has_the_elements_that_are_executed(left: str, right: str) -> None:
    """As many multiplications as elements come out, times the length of the sums: 4."""
    proto = model(f"g (float[{left}] a, float[{right}] b) => (float[] y) {{ y = MatMul(a, b) }}")
    del proto.opset_import[1:]
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    elements = int(np.prod(executed_output(proto, {})))
    assert price(proto).macs == {"MatMul": elements * 4}


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [
        ("ij,jk->ik", (3, 4), (4, 5)),
        ("bhid,bhjd->bhij", (2, 6, 3, 4), (2, 6, 5, 4)),
        ("...ij,...jk->...ik", (2, 1, 3, 4), (6, 4, 5)),
        ("...ij,...jk", (2, 3, 4), (2, 4, 5)),
        ("ii,i->i", (4, 4), (4,)),
    ],
)
def test_an_einsum_of_two_counts_as_the_measurement_does(
    equation: str, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    a, b = (",".join(map(str, shape)) for shape in (left, right))
    node = f'Einsum<equation="{equation}">(a, b)'
    text = f"g (float[{a}] a, float[{b}] b) => (float[] y) {{ y = {node} }}"
    assert price(text).macs == {"Einsum": einsum_macs(equation, (left, right))}


# --- Shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", ["", "<onesided = 1>", "<onesided = 0>"])
@pytest.mark.parametrize("inputs", ["window", '"", n', "window, n"])
@pytest.mark.parametrize("parts", [1, 2], ids=["real", "complex"])
def test_a_spectrum_has_the_shape_that_comes_out(inputs: str, attributes: str, parts: int) -> None:
    weights = "<int64 step = {4}, float[6] window = {1, 1, 1, 1, 1, 1}, int64 n = {6}>"
    node = f"STFT{attributes}(x, step, {inputs})"
    proto = model(f"g (float[2,50,{parts}] x) => (float[] y) {weights} {{ y = {node} }}", opset=17)
    del proto.opset_import[1:]
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert price(proto).outputs == (("y", executed_output(proto, {})),)


@functools.cache
def session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(ENCODER, options, providers=["CPUExecutionProvider"])


@settings(max_examples=25)
@given(time=st.integers(1, 2000), batch=st.integers(1, 3))
def test_outputs_have_the_shape_that_comes_out(time: int, batch: int) -> None:
    sizes = {"batch": batch, "time": time}
    names = [output.name for output in session().get_outputs()]
    arrays = session().run(names, feeds(session().get_inputs(), sizes))
    executed = {name: np.shape(array) for name, array in zip(names, arrays, strict=True)}
    assert dict(cost(ENCODER, sizes).outputs) == executed

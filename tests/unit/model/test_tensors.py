"""Tensors are described as the graph declares them."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from onnxtool.model.tensors import Shape, TensorSpec, is_auto_named, shape_text, spec_of
from tests.support.models import parse


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param("float[2, 3] x", TensorSpec("x", "float32", (2, 3)), id="sizes"),
        pytest.param("float16[B, 0] x", TensorSpec("x", "float16", ("B", 0)), id="symbol"),
        pytest.param("int64[] x", TensorSpec("x", "int64", None), id="unknown rank"),
        pytest.param("bool x", TensorSpec("x", "bool", ()), id="scalar"),
        pytest.param("bfloat16[?] x", TensorSpec("x", "bfloat16", (None,)), id="unknown size"),
        pytest.param(
            "float[x_dim_0, 3] x",
            TensorSpec("x", "float32", (None, 3), ((0, "x_dim_0"),)),
            id="made up symbol",
        ),
        pytest.param(
            "seq(int64[N, 2, ?]) x",
            TensorSpec("x", "sequence(int64)", None, element_shape=("N", 2, None)),
            id="sequence",
        ),
        pytest.param(
            "seq(float[]) x", TensorSpec("x", "sequence(float32)", None), id="sequence of any rank"
        ),
        pytest.param(
            "optional(seq(float[4])) x",
            TensorSpec("x", "optional(sequence(float32))", None, element_shape=(4,)),
            id="optional",
        ),
        pytest.param(
            "map(string, float[4]) x",
            TensorSpec("x", "map(string, float32)", None, element_shape=(4,)),
            id="map",
        ),
        pytest.param(
            "sparse_tensor(float[4]) x", TensorSpec("x", "sparse(float32)", (4,)), id="sparse"
        ),
    ],
)
def test_declared_type(declared: str, expected: TensorSpec) -> None:
    (value,) = parse(f"g ({declared}) => () {{ }}").graph.input
    assert spec_of(value) == expected


def test_value_without_a_type_is_undefined() -> None:
    assert spec_of(onnx.ValueInfoProto(name="x")) == TensorSpec("x", "undefined", None)


def test_size_below_zero_is_kept() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [-1, 4])
    assert spec_of(value).shape == (-1, 4)


@pytest.mark.parametrize(
    ("symbol", "value", "axis"),
    [
        ("outputs_dim_1", "outputs", 1),
        ("Addoutputs_dim_1", "outputs", 1),
        ("Transposecache_last_time_out_dim_3", "cache_last_time_out", 3),
        ("audio_signal_dynamic_axes_1", "audio_signal", 0),
        ("unk__12", "x", 0),
        ("?", "x", 0),
        ("None", "x", 0),
    ],
)
def test_symbol_that_an_exporter_made_up(symbol: str, value: str, axis: int) -> None:
    assert is_auto_named(symbol, value, axis)


@pytest.mark.parametrize(
    ("symbol", "value", "axis"),
    [
        ("B", "x", 0),
        ("batch", "x", 0),
        ("x_dim_1", "x", 0),
        ("x_dim_0", "y", 0),
        ("hidden_dim_0", "x", 0),
        ("B_dim_0", "x", 0),
        ("Addoutputs", "outputs", 0),
        ("myoutputs_dim_1", "outputs", 1),
        ("Add_outputs_dim_1", "outputs", 1),
        ("past_sequence_length + 1", "x", 2),
        ("unk", "x", 0),
    ],
)
def test_symbol_that_means_something(symbol: str, value: str, axis: int) -> None:
    assert not is_auto_named(symbol, value, axis)


def test_dynamic_axes_are_those_without_a_size() -> None:
    spec = TensorSpec("x", "float32", ("B", 80, None))
    assert spec.dynamic_axes == {0: "B", 2: None}
    assert [spec.axis_name(axis) for axis in spec.dynamic_axes] == ["B", "x:2"]


def test_unknown_rank_has_no_dynamic_axes() -> None:
    assert TensorSpec("x", "float32", None).dynamic_axes == {}


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [(("batch", 80, None), "[batch, 80, ?]"), ((), "[]"), (None, "[…]"), ((0,), "[0]")],
)
def test_shapes_show_what_is_not_known(dimensions: Shape | None, text: str) -> None:
    assert shape_text(dimensions) == text

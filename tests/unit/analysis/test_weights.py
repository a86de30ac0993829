"""Stored tensors: how many, how large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.analysis.weights import Weights, weigh
from onnxtool.model.artifact import load_graph
from onnxtool.model.duplicates import Duplicate
from tests.support.models import model, write

KIB = 1024


def graph(*tensors: TensorProto) -> onnx.ModelProto:
    proto = model("g (float[2] x) => (float[2] y) { y = Relu(x) }")
    proto.graph.initializer.extend(tensors)
    return proto


def weighed(proto: onnx.ModelProto, folder: Path) -> Weights:
    view = load_graph(write(folder / "model.onnx", proto))
    return weigh(view, view.external_files)


def floats(name: str, seed: int, count: int = 512) -> TensorProto:
    rng = np.random.default_rng(seed)
    return numpy_helper.from_array(rng.standard_normal(count, np.float32), name)


# --- Parameters and bytes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "size_bytes"),
    [
        ("FLOAT", 20),
        ("DOUBLE", 40),
        ("FLOAT16", 10),
        ("BFLOAT16", 10),
        ("FLOAT8E4M3FN", 5),
        ("INT8", 5),
        ("BOOL", 5),
        # Two to a byte, the last one alone.
        ("INT4", 3),
        ("UINT4", 3),
        ("FLOAT4E2M1", 3),
    ],
)
def test_five_elements_take_their_bytes(dtype: str, size_bytes: int, tmp_path: Path) -> None:
    data_type = TensorProto.DataType.Value(dtype)
    tensor = TensorProto(name="w", data_type=data_type, dims=[5], raw_data=bytes(size_bytes))
    found = weighed(graph(tensor), tmp_path)
    assert list(found.bytes_by_dtype.values()) == [size_bytes]
    assert (found.initializers, found.parameters) == (1, 5)


def test_strings_take_what_is_stored(tmp_path: Path) -> None:
    texts = [b"a", b"bcd", b""]
    tensor = TensorProto(name="w", data_type=TensorProto.STRING, dims=[3], string_data=texts)
    assert weighed(graph(tensor), tmp_path).bytes_by_dtype == {"string": 4}


def test_the_largest_type_stands_first(tmp_path: Path) -> None:
    tensors = [
        helper.make_tensor("a", TensorProto.INT64, [1], [1]),
        helper.make_tensor("b", TensorProto.FLOAT, [3], [1, 2, 3]),
        helper.make_tensor("c", TensorProto.FLOAT, [1], [1]),
    ]
    found = weighed(graph(*tensors), tmp_path)
    assert list(found.bytes_by_dtype.items()) == [("float32", 16), ("int64", 8)]


def test_indices_of_sparse_tensors_are_bytes_and_no_parameters(tmp_path: Path) -> None:
    proto = graph()
    values = helper.make_tensor("w", TensorProto.FLOAT, [2], [7.0, 8.0])
    indices = helper.make_tensor("", TensorProto.INT64, [2], [5, 6])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [300, 400]))
    found = weighed(proto, tmp_path)
    assert (found.initializers, found.parameters) == (1, 2)
    assert found.bytes_by_dtype == {"int64": 16, "float32": 8}


def test_tensors_of_attributes_are_counted_apart(tmp_path: Path) -> None:
    text = """g (bool c, float[1] x) => (float[1] y) <float[1] w = {1}> {
        k = Constant<value = int64[2] {1, 2}>()
        y = If (c) <then_branch = t () => (float[1] o) { o = Constant<value = float[1] {1}>() },
                    else_branch = e () => (float[1] p) <float[3] v = {1, 2, 3}> { p = Abs(v) }>
    }"""
    found = weighed(model(text), tmp_path)
    assert (found.initializers, found.parameters) == (2, 4)
    assert found.bytes_by_dtype == {"float32": 16}
    assert found.attribute_tensors == 2
    assert found.attribute_bytes_by_dtype == {"int64": 16, "float32": 4}


def test_a_model_without_weights_has_none(tmp_path: Path) -> None:
    assert weighed(graph(), tmp_path) == Weights(0, 0, {}, 0, {}, ())


def test_what_is_stored_again_is_waste(tmp_path: Path) -> None:
    found = weighed(graph(*(floats(name, 1) for name in "abc"), floats("d", 2)), tmp_path)
    assert found.duplicates == (Duplicate(("a", "b", "c"), 2 * KIB),)
    assert found.wasted_bytes == 2 * 2 * KIB

"""The first node that differs, found in few rounds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnxtool.comparison.bisection import TAPS, bisect
from onnxtool.model.artifact import load_graph
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView
from onnxtool.runtime.inputs import feeds
from tests.support.models import WORDS_TDT, model, write

ENCODER = WORDS_TDT / "encoder.onnx"


def corrupted(folder: Path, weight: str) -> ModelView:
    """The sample's encoder with one weight that is a little too large."""
    proto = onnx.load(ENCODER)
    (tensor,) = (t for t in proto.graph.initializer if t.name == weight)
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1.1, weight))
    return load_graph(write(folder / "encoder.onnx", proto))


def maker(name: str) -> str:
    """The node that reads a weight of the encoder."""
    (node,) = (n for n in load_graph(ENCODER).proto.graph.node if name in n.input)
    return str(node.name)


WEIGHTS = [
    tensor.name
    for tensor in load_graph(ENCODER).tensors
    if len(tensor.shape) > 1 and not tensor.node and tensor.elements > 100
]


@pytest.mark.parametrize("weight", WEIGHTS[:: len(WEIGHTS) // 6])
def test_the_corrupted_layer_of_an_encoder_is_named(tmp_path: Path, weight: str) -> None:
    reference = load_graph(ENCODER)
    candidate = corrupted(tmp_path, weight)
    inputs = feeds(reference, signature(reference), {"time": 90, "batch": 1})
    found = bisect(reference, candidate, inputs, ["encoder_output"], tolerance=1e-4)
    assert found.node == maker(weight)
    assert found.error > 1e-4
    assert found.rounds <= math.ceil(math.log2(found.candidates)) + 1
    # What a round holds is bounded by its taps, each of at most the largest value.
    assert 0 < found.largest_bytes < TAPS * 4 * 1_000_000


def test_nothing_is_found_where_nothing_differs() -> None:
    reference = load_graph(ENCODER)
    inputs = feeds(reference, signature(reference), {"time": 64, "batch": 1})
    found = bisect(reference, reference, inputs, ["encoder_output"], tolerance=1e-4)
    assert (found.value, found.node) == ("", "")


@pytest.mark.parametrize("bad", range(6))
def test_any_node_is_found(tmp_path: Path, bad: int) -> None:
    def chain(wrong: int | None) -> ModelView:
        body = " ".join(f"v{i + 1} = {'Identity' if i == wrong else 'Neg'}(v{i})" for i in range(6))
        text = f"g (float[N] v0) => (float[N] y) {{ {body} y = Identity(v6) }}"
        return load_graph(write(tmp_path / f"{wrong}.onnx", model(text)))

    inputs = {"v0": np.linspace(-1, 1, 5, dtype=np.float32)}
    found = bisect(chain(None), chain(bad), inputs, ["y"], tolerance=1e-4)
    assert found.value == f"v{bad + 1}"
    assert found.last_good == (f"v{bad}" if bad else "")


def test_a_good_value_beside_the_bad_ones_does_not_hide_them(tmp_path: Path) -> None:
    """Shapes are right where values are wrong, and so is what is looked up by them."""
    text = """g (float[N] x) => (float[N] y) <float[9] table = {1, 2, 3, 4, 5, 6, 7, 8, 9}> {
        a = OP(x) s = Shape(a) z = Constant <value_ints = [0]> () p = Slice(table, z, s)
        q = Neg(p) y = Add(a, q) }"""
    left, right = (
        load_graph(write(tmp_path / f"{op}.onnx", model(text.replace("OP", op))))
        for op in ("Abs", "Relu")
    )
    inputs = {"x": np.linspace(-1, 1, 5, dtype=np.float32)}
    assert bisect(left, right, inputs, ["y"], tolerance=1e-4).value == "a"


def test_values_correspond_by_name(tmp_path: Path) -> None:
    one = "g (float[N] x) => (float[N] y) { a = Abs(x) b = Neg(a) y = Tanh(b) }"
    other = "g (float[N] x) => (float[N] y) { a = Abs(x) c = Relu(a) y = Tanh(c) }"
    left, right = (
        load_graph(write(tmp_path / f"{index}.onnx", model(text)))
        for index, text in enumerate((one, other))
    )
    inputs = {"x": np.linspace(-1, 1, 5, dtype=np.float32)}
    found = bisect(left, right, inputs, ["y"], tolerance=1e-4)
    assert (found.candidates, found.values) == (2, 3)
    assert (found.value, found.last_good) == ("y", "a")

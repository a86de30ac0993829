"""The first node that differs, found in few rounds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnxtool.comparison.bisection import TAPS, bisect, corresponding
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


@pytest.mark.parametrize("layer", [0, 2, 3])
def test_the_corrupted_layer_of_an_encoder_is_named(tmp_path: Path, layer: int) -> None:
    reference = load_graph(ENCODER)
    weight = f"layers.{layer}.conv.depthwise_conv.weight"
    user = next(
        n
        for n in reference.proto.graph.node
        if n.op_type == "Conv" and f"layers.{layer}/conv/depthwise" in n.name
    )
    candidate = corrupted(
        tmp_path,
        weight if weight in {t.name for t in reference.proto.graph.initializer} else user.input[1],
    )
    inputs = feeds(reference, signature(reference), {"time": 90, "batch": 1})
    found = bisect(reference, candidate, inputs, tolerance=1e-4)
    assert found.node == user.name
    assert found.operator == "Conv"
    assert found.error > 1e-4
    assert found.last_good
    assert found.rounds <= math.ceil(math.log2(found.candidates)) + 1
    # What a round holds is bounded by its taps, each of at most the largest value.
    assert 0 < found.largest_bytes < TAPS * 4 * 1_000_000


def test_nothing_is_found_where_nothing_differs() -> None:
    reference = load_graph(ENCODER)
    inputs = feeds(reference, signature(reference), {"time": 64, "batch": 1})
    found = bisect(reference, reference, inputs, tolerance=1e-4)
    assert (found.value, found.node) == ("", "")
    assert found.last_good


@pytest.mark.parametrize("bad", range(6))
def test_any_node_is_found(tmp_path: Path, bad: int) -> None:
    def chain(wrong: int | None) -> ModelView:
        body = " ".join(f"v{i + 1} = {'Neg' if i == wrong else 'Abs'}(v{i})" for i in range(6))
        text = f"g (float[N] v0) => (float[N] y) {{ {body} y = Identity(v6) }}"
        return load_graph(write(tmp_path / f"{wrong}.onnx", model(text)))

    inputs = {"v0": np.linspace(-1, 1, 5, dtype=np.float32)}
    found = bisect(chain(None), chain(bad), inputs, tolerance=1e-4)
    assert found.value == f"v{bad + 1}"
    assert found.last_good == (f"v{bad}" if bad else "")


def test_values_correspond_by_name() -> None:
    left = model("g (float[N] x) => (float[N] y) { a = Abs(x) b = Neg(a) y = Relu(b) }")
    right = model("g (float[N] x) => (float[N] y) { a = Abs(x) c = Neg(a) y = Relu(c) }")
    views = [ModelView(proto, Path("m.onnx")) for proto in (left, right)]
    assert corresponding(*views) == ["a", "y"]

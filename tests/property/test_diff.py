"""What is true of every comparison."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from onnxtool.comparison.diff import diff
from onnxtool.comparison.difference import Impact, Kind
from tests.support.models import write

OPERATORS = {"Relu": 1, "Exp": 1, "Add": 2, "Mul": 2, "Concat": 2, "Identity": 1, "MatMul": 2}


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Graphs of a few nodes, each of which reads inputs, weights and what came before."""
    weights = [
        numpy_helper.from_array(np.full((2, 2), draw(st.floats(width=32)), np.float32), f"w{i}")
        for i in range(draw(st.integers(0, 3)))
    ]
    values = ["x", *(tensor.name for tensor in weights)]
    nodes = []
    for place in range(draw(st.integers(1, 12))):
        operator = draw(st.sampled_from(sorted(OPERATORS)))
        inputs = [draw(st.sampled_from(values)) for _ in range(OPERATORS[operator])]
        named = draw(st.booleans())
        node = helper.make_node(operator, inputs, [f"v{place}"], f"n{place}" if named else "")
        if operator == "Concat":
            node.attribute.append(helper.make_attribute("axis", draw(st.integers(0, 1))))
        nodes.append(node)
        values.append(f"v{place}")
    ends = [helper.make_tensor_value_info(name, 1, None) for name in ("x", values[-1])]
    return helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], weights))


@given(graphs())
def test_a_model_does_not_differ_from_itself(proto: onnx.ModelProto) -> None:
    """For every a, diff(a, a) is empty."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.onnx", proto)
        assert diff(path, path).differences == ()


@given(graphs(), st.randoms())
def test_names_inside_are_cosmetic(proto: onnx.ModelProto, chance: random.Random) -> None:
    """Whatever nodes, values and weights are called, the computation is the same."""
    renamed = onnx.ModelProto()
    renamed.CopyFrom(proto)
    kept = {"x", proto.graph.output[0].name}
    inside = {name for node in proto.graph.node for name in (*node.input, *node.output)} - kept
    inside |= {tensor.name for tensor in proto.graph.initializer}
    numbers = chance.sample(range(1000), len(inside))
    names = {old: f"t{n}" for old, n in zip(sorted(inside), numbers, strict=True)}
    for node in renamed.graph.node:
        node.name = f"k{chance.randrange(1000)}"
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    for tensor in renamed.graph.initializer:
        tensor.name = names[tensor.name]
    with tempfile.TemporaryDirectory() as folder:
        one, other = write(Path(folder) / "a.onnx", proto), write(Path(folder) / "b.onnx", renamed)
        found = diff(one, other)
    kinds = {difference.kind for difference in found.differences}
    assert kinds <= {Kind.NODES_RENAMED, Kind.WEIGHTS_RENAMED}
    assert found.worst in {None, Impact.COSMETIC}

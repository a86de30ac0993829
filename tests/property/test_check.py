"""Whatever is done to a bundle, every rule answers, or says why it does not."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from onnxtool.rules import subject
from onnxtool.rules.engine import check
from onnxtool.rules.subject import Settings
from tests.support.planted import small
from tests.support.sessions import LocalSession

# Values that no field of the metadata has, and some that one has.
ODD: tuple[object, ...] = (
    None,
    0,
    -1,
    1,
    2.5,
    "",
    "x",
    True,
    [],
    [0],
    [1, 2],
    ["a"],
    [None],
    {},
    {"a": 1},
    10**12,
)
NAMES = ("x", "length", "cache_x", "states", "logprobs")
Mutation = Callable[[onnx.GraphProto, random.Random], object]


def interface(graph: onnx.GraphProto, chance: random.Random) -> onnx.ValueInfoProto:
    values: list[onnx.ValueInfoProto] = [*graph.input, *graph.output]
    return chance.choice(values)


def another_size(graph: onnx.GraphProto, chance: random.Random) -> None:
    dims = interface(graph, chance).type.tensor_type.shape.dim
    if dims:
        chance.choice(list(dims)).dim_value = chance.choice([0, 1, 2, 3, 7, 64])


def another_symbol(graph: onnx.GraphProto, chance: random.Random) -> None:
    dims = interface(graph, chance).type.tensor_type.shape.dim
    if dims:
        chance.choice(list(dims)).dim_param = chance.choice("BTUZ")


def another_rank(graph: onnx.GraphProto, chance: random.Random) -> None:
    dims = interface(graph, chance).type.tensor_type.shape.dim
    if dims and chance.random() < 0.5:
        dims.pop()
    else:
        dims.add()


def no_shape(graph: onnx.GraphProto, chance: random.Random) -> None:
    interface(graph, chance).type.tensor_type.ClearField("shape")


def another_type(graph: onnx.GraphProto, chance: random.Random) -> None:
    interface(graph, chance).type.tensor_type.elem_type = chance.choice([1, 6, 7, 9, 10, 11])


def no_output(graph: onnx.GraphProto, chance: random.Random) -> None:
    if graph.output:
        graph.output.remove(chance.choice(list(graph.output)))


def another_name(graph: onnx.GraphProto, chance: random.Random) -> None:
    value, name = interface(graph, chance), chance.choice(NAMES)
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [name if end == value.name else end for end in ends]
    value.name = name


def no_node(graph: onnx.GraphProto, chance: random.Random) -> None:
    graph.node.remove(chance.choice(list(graph.node)))


def another_source(graph: onnx.GraphProto, chance: random.Random) -> None:
    node = chance.choice([node for node in graph.node if node.input])
    values = [value.name for value in graph.input]
    values += [name for each in graph.node for name in each.output]
    node.input[chance.randrange(len(node.input))] = chance.choice(values)


def other_weights(graph: onnx.GraphProto, chance: random.Random) -> None:
    if graph.initializer:
        tensor = chance.choice(list(graph.initializer))
        array = numpy_helper.to_array(tensor)
        changed = chance.choice([array * 0, array.reshape(-1), np.resize(array, 3)])
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed), tensor.name))


MUTATIONS: tuple[Mutation, ...] = (
    another_size,
    another_symbol,
    another_rank,
    no_shape,
    another_type,
    no_output,
    another_name,
    no_node,
    another_source,
    other_weights,
)


def change_graph(path: Path, chance: random.Random) -> None:
    model = onnx.load(path)
    chance.choice(MUTATIONS)(model.graph, chance)
    path.write_bytes(model.SerializeToString())


def change_fields(path: Path, chance: random.Random) -> None:
    fields = json.loads(path.read_text())
    inner = chance.choice(
        [fields, *(value for value in fields.values() if isinstance(value, dict))]
    )
    inner[chance.choice(sorted(inner) or ["x"])] = chance.choice(ODD)
    path.write_text(json.dumps(fields))


@pytest.fixture
def _local_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "Session", LocalSession)


@pytest.mark.usefixtures("_local_sessions")
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_no_rule_fails(seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small.build(folder)
        for _ in range(chance.randint(1, 3)):
            if chance.random() < 0.3:
                change_fields(folder / chance.choice(["model_meta.json", "streaming.json"]), chance)
            else:
                change_graph(chance.choice(sorted(folder.glob("*.onnx"))), chance)
        report = check(folder, settings=Settings(run=True))
    assert not report.failed, report.failed[0].traceback

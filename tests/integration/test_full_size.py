"""The structure of the full-size export, without its weights: all is known but their bytes."""

from __future__ import annotations

import functools
import json
import lzma
from pathlib import Path

import pytest

from onnxtool.analysis.inspection import Inspection, inspect
from onnxtool.render.json import inspection
from tests.support.models import SAMPLES
from tests.unit.render.schema import validate

FOLDER = SAMPLES / "parakeet-tdt-0.6b"
GRAPHS = ("encoder", "encoder_streaming", "predictor", "joint")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four graphs, without their weights."""
    path = tmp_path_factory.mktemp("parakeet-tdt-0.6b")
    for name in GRAPHS:
        compressed = (FOLDER / f"{name}.graph.onnx.xz").read_bytes()
        (path / f"{name}.onnx").write_bytes(lzma.decompress(compressed))
    return path


@functools.cache
def inspected(path: Path) -> Inspection:
    at = {"encoder": {"time": 1000}, "encoder_streaming": {"time": 57}}
    found = inspect(path, at=at.get(path.stem, {}))
    assert isinstance(found, Inspection)
    return found


def test_the_encoder_costs_what_onnx_runtime_executes(folder: Path) -> None:
    """Measured with weights and ONNX Runtime's profile: benchmarks/README.md."""
    cost = inspected(folder / "encoder.onnx").cost
    assert cost is not None
    assert cost.macs == {"MatMul": 71_238_066_176, "Conv": 10_216_960_000}
    assert cost.unresolved == ()
    assert dict(cost.outputs)["encoder_output"] == (1, 1024, 125)


def test_every_node_that_multiplies_is_resolved(folder: Path) -> None:
    found = inspected(folder / "encoder.onnx")
    assert found.cost is not None
    resolved = [node.operator for node in found.cost.node_macs if node.macs > 0]
    assert (resolved.count("MatMul"), resolved.count("Conv")) == (289, 77)
    assert (found.operators["MatMul"], found.operators["Conv"]) == (289, 77)


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_is_left_open(graph: str, folder: Path) -> None:
    cost = inspected(folder / f"{graph}.onnx").cost
    assert cost is not None
    assert cost.total_macs > 0
    assert (cost.unresolved, cost.unsized) == ((), 0)


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_module_tree_adds_up(graph: str, folder: Path) -> None:
    found = inspected(folder / f"{graph}.onnx")
    assert found.cost is not None
    root = found.modules
    assert root.parameters == found.weights.parameters
    assert root.weight_bytes == found.cost.weight_bytes
    assert root.macs == found.cost.total_macs


def test_layers_of_the_encoder_are_alike(folder: Path) -> None:
    """24 layers of the same parameters; only the first makes the positions for all."""
    children = inspected(folder / "encoder.onnx").modules.children
    layers = [module for module in children if module.name.startswith("layers.")]
    assert len(layers) == 24
    assert len({layer.parameters for layer in layers}) == 1
    assert len({layer.macs for layer in layers}) == 1


@pytest.mark.parametrize("graph", ["encoder", "encoder_streaming"])
def test_missing_weights_are_damage(graph: str, folder: Path) -> None:
    found = inspected(folder / f"{graph}.onnx")
    external = found.external
    assert (external.files, len(external.missing), external.bytes) == (295, 295, 0)
    assert {item.where for item in found.damage} == set(external.missing)
    assert {item.what for item in found.damage} == {"external file is missing"}
    assert found.digest is not None
    assert (found.digest.complete, len(found.digest.unreadable)) == (None, 295)


def test_the_constant_in_a_node_attribute_is_named(folder: Path) -> None:
    """A script that moves initializers only leaves this file behind."""
    found = inspected(folder / "encoder.onnx")
    (location,) = found.external.in_attributes
    assert location in found.external.missing
    assert found.weights.attribute_bytes_by_dtype["float32"] > 1 << 20


def test_parameters_are_those_of_the_architecture(folder: Path) -> None:
    total = sum(inspected(folder / f"{graph}.onnx").weights.parameters for graph in GRAPHS)
    streaming = inspected(folder / "encoder_streaming.onnx").weights.parameters
    assert 0.6e9 < total - streaming < 0.65e9


@pytest.mark.parametrize("graph", GRAPHS)
def test_it_is_valid_json(graph: str, folder: Path) -> None:
    document = inspection(inspected(folder / f"{graph}.onnx"), depth=None)
    validate(json.loads(json.dumps(document, allow_nan=False)))


def test_roles_and_states_are_recognised(folder: Path) -> None:
    roles = {graph: inspected(folder / f"{graph}.onnx").signature.role for graph in GRAPHS}
    assert roles == {
        "encoder": "encoder",
        "encoder_streaming": "streaming-encoder",
        "predictor": "predictor",
        "joint": "joint",
    }
    states = inspected(folder / "encoder_streaming.onnx").signature.states
    assert [state.kind for state in states] == ["fixed"] * 3

"""Whether a quantized graph computes with integers is asked of ONNX Runtime, where it may run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.report import Finding
from onnxtool.rules.subject import Settings
from tests.support.models import write

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 64])
SCALE = numpy_helper.from_array(np.array(0.02, np.float32), "scale")
ZERO = numpy_helper.from_array(np.array(0, np.int8), "zero")


def weights(kind: int) -> onnx.TensorProto:
    return helper.make_tensor("packed", kind, [64, 64], [number % 15 - 7 for number in range(4096)])


def found(path: Path, nodes: list[onnx.NodeProto], *tensors: onnx.TensorProto) -> list[Finding]:
    """What Q003 finds in a graph of these nodes, where it may be run."""
    graph = helper.make_graph(nodes, "g", [X], [Y], tensors)
    opset = helper.make_opsetid("", 21)
    model = helper.make_model(graph, ir_version=10, opset_imports=[opset])
    report = check(write(path / "m.onnx", model), select=["Q003"], settings=Settings(run=True))
    assert not report.failed
    return list(report.findings)


def test_weights_that_the_runtime_keeps_packed_are_a_note(tmp_path: Path) -> None:
    scales = numpy_helper.from_array(np.full((2, 64), 0.02, np.float32), "scales")
    wide = helper.make_node("DequantizeLinear", ["packed", "scales"], ["w"], axis=0, block_size=32)
    nodes = [wide, helper.make_node("MatMul", ["x", "w"], ["y"])]
    (finding,) = found(tmp_path, nodes, weights(TensorProto.INT4), scales)
    assert finding.severity is Severity.INFO
    assert "until ONNX Runtime" in finding.message
    assert "puts 1 MatMulNBits there" in finding.message


def test_weights_that_the_runtime_expands_are_an_error(tmp_path: Path) -> None:
    row = helper.make_tensor(
        "packed", TensorProto.INT8, [64], [number % 15 for number in range(64)]
    )
    nodes = [
        helper.make_node("DequantizeLinear", ["packed", "scale"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    (finding,) = found(tmp_path, nodes, row, SCALE)
    assert finding.severity is Severity.ERROR
    assert "puts none there; " in finding.message


@pytest.mark.parametrize(("operator", "is_computed"), [("MatMul", True), ("Pow", False)])
def test_an_operator_between_integers_is_one_that_the_runtime_has_for_them(
    tmp_path: Path, operator: str, is_computed: bool
) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xd"]),
        helper.make_node("DequantizeLinear", ["packed", "scale", "zero"], ["w"]),
        helper.make_node(operator, ["xd", "w"], ["out"]),
        helper.make_node("QuantizeLinear", ["out", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    packed = helper.make_tensor("packed", TensorProto.INT8, [64, 64], [1] * 4096)
    assert bool(found(tmp_path, nodes, packed, SCALE, ZERO)) != is_computed


def test_a_graph_that_the_runtime_refuses_is_judged_by_itself(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["packed", "scale"], ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["wide"]),
        helper.make_node("Unknown", ["wide"], ["y"], domain="nobodys"),
    ]
    (finding,) = found(tmp_path, nodes, weights(TensorProto.INT8), SCALE)
    assert finding.severity is Severity.WARNING
    assert "ONNX Runtime" not in finding.message

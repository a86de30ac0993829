"""I011, where the nodes do not stand in the order in which they run."""

from __future__ import annotations

from pathlib import Path

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from tests.support.models import model, write


def test_nodes_may_stand_in_any_order(tmp_path: Path) -> None:
    text = """g (float[2] x) => (float[2] y) {
        y = Relu(between)
        between = Tanh(x)
    }"""
    assert not check(write(tmp_path / "model.onnx", model(text)), select=["I011"]).findings


def test_a_constant_beside_what_nobody_knows_is_a_warning(tmp_path: Path) -> None:
    text = """g (float[2] x) => (float[2] y, float[2] anchors) <float[2] anchors = {1, 2}> {
        y = Relu(x)
    }"""
    (finding,) = check(write(tmp_path / "model.onnx", model(text)), select=["I011"]).findings
    assert (finding.location, finding.severity) == ("anchors", Severity.WARNING)

"""I011, where the nodes do not stand in the order in which they run."""

from __future__ import annotations

from pathlib import Path

from onnxtool.rules.engine import check
from tests.support.models import model, write


def test_nodes_may_stand_in_any_order(tmp_path: Path) -> None:
    text = """g (float[2] x) => (float[2] y) {
        y = Relu(between)
        between = Tanh(x)
    }"""
    assert not check(write(tmp_path / "model.onnx", model(text)), select=["I011"]).findings

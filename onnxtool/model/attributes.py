"""Read attributes of nodes, with the operator's default where one is not set."""

from __future__ import annotations

import onnx


def integer(node: onnx.NodeProto, name: str, default: int = 0) -> int:
    """The integer attribute `name`."""
    return next((a.i for a in node.attribute if a.name == name), default)


def integers(node: onnx.NodeProto, name: str) -> tuple[int, ...]:
    """The attribute `name` that is a list of integers; empty if it is not set."""
    return next((tuple(a.ints) for a in node.attribute if a.name == name), ())


def text(node: onnx.NodeProto, name: str, default: str = "") -> str:
    """The attribute `name` that is a string."""
    found = (a.s.decode(errors="replace") for a in node.attribute if a.name == name)
    return next(found, default)


def number(node: onnx.NodeProto, name: str, default: float = 0.0) -> float:
    """The attribute `name` that is a floating-point number."""
    return next((a.f for a in node.attribute if a.name == name), default)

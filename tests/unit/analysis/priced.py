"""Models as ONNX text, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from onnxtool.analysis.cost import Cost, cost
from onnxtool.analysis.shapes.control_flow import Run
from onnxtool.analysis.shapes.propagation import run_shapes
from onnxtool.analysis.shapes.values import KnownShape
from onnxtool.analysis.sizes import resolve
from onnxtool.model.artifact import load_graph
from onnxtool.model.signature import signature
from tests.support.models import WORDS_TDT, model, view


def price(
    source: str | onnx.ModelProto, at: Mapping[str, int] | None = None, *, opset: int = 21
) -> Cost:
    """The cost of one run; axes that are not named are 1."""
    opened = view(model(source, opset) if isinstance(source, str) else source)
    return cost(opened, signature(opened), at or {})


def sample(name: str, **at: int) -> Cost:
    """The cost of one run of a graph of the samples."""
    opened = load_graph(WORDS_TDT / name)
    return cost(opened, signature(opened), at)


def run(
    source: str | onnx.ModelProto, at: Mapping[str, int] | None = None, *, opset: int = 21
) -> Run:
    """Every value of a model, as it would be executed."""
    opened = view(model(source, opset) if isinstance(source, str) else source)
    sizes = resolve(signature(opened), at or {})
    return run_shapes(opened.proto, sizes.shapes, sizes.contents)


def shape(
    source: str | onnx.ModelProto, at: Mapping[str, int] | None = None, *, opset: int = 21
) -> KnownShape | None:
    """The shape of the output `y`."""
    return run(source, at, opset=opset).values["y"].shape


def reasons(found: Cost) -> list[tuple[str, str]]:
    """Operator and reason of each node whose MACs are not known."""
    return [(gap.operator, gap.reason) for gap in found.unresolved]

"""The stored tensors: how many, how large, and in which files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnxtool.analysis.storage import ExternalData
from onnxtool.analysis.weights import Weights
from onnxtool.render.inspection.limits import Limits
from onnxtool.render.units import count, size


def weights(weights: Weights, limits: Limits) -> Iterator[tuple[str, str]]:
    """Parameters and bytes, in initializers and in attributes."""
    yield "parameters", f"{weights.parameters:,} in {count(weights.initializers, 'initializer')}"
    yield "bytes", _by_dtype(weights.bytes_by_dtype)
    if weights.attribute_tensors:
        inside = _by_dtype(weights.attribute_bytes_by_dtype)
        yield "in node attributes", f"{count(weights.attribute_tensors, 'tensor')}: {inside}"
    if weights.duplicates:
        names = limits.listed(" = ".join(d.names[: limits.names]) for d in weights.duplicates)
        yield (
            "stored twice",
            f"{size(weights.wasted_bytes)} in {count(len(weights.duplicates), 'group')}: {names}",
        )


def _by_dtype(sizes: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {size(n)}" for name, n in sizes.items()) or "none"


def external(data: ExternalData, limits: Limits) -> Iterator[tuple[str, str]]:
    """Files of weights, and what is wrong with them."""
    yield (
        "files",
        f"{count(data.files, 'file')}, {size(data.bytes)}, {count(data.tensors, 'tensor')}",
    )
    for label, names in (
        ("of node attributes", data.in_attributes),
        ("missing", tuple(location or "(no file named)" for location in data.missing)),
        ("short", data.short),
        ("misplaced", data.misplaced),
        ("outside the folder", data.outside),
        ("refused", data.refused),
        ("orphaned", data.orphaned),
        ("shared", tuple(f"{location} (with {graph})" for location, graph in data.shared)),
    ):
        if names:
            yield label, f"{len(names):,}: {limits.listed(names)}"

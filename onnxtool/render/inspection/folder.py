"""A folder of graphs: its members, how they feed one another, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnxtool.analysis.inspection import BundleInspection
from onnxtool.model.tensors import shape_text
from onnxtool.model.wiring import Wire
from onnxtool.render.document import Align, Block, Facts, Heading, Table
from onnxtool.render.inspection.header import value
from onnxtool.render.inspection.limits import Limits
from onnxtool.render.units import count, size

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def folder(bundle: BundleInspection, limits: Limits) -> Iterator[Block]:
    """What is to be said before its graphs are described one by one."""
    yield Heading(str(bundle.path), level=1, note=count(len(bundle.models), "graph"))
    yield _members(bundle, limits)
    if bundle.wiring:
        yield Heading("Wiring")
        yield _wiring(bundle.wiring)
    if bundle.metadata:
        yield Heading(bundle.metadata.path.name)
        yield Facts(tuple(_fields(bundle.metadata.fields, limits)))
    yield Heading("Files beside the graphs")
    yield Facts(tuple(_files(bundle, limits)))


def _wiring(wires: Sequence[Wire]) -> Table:
    columns = ("output", "feeds", "dtype", "shape out", "shape in")
    rows = [
        (w.source, w.target, w.dtype, shape_text(w.source_shape), shape_text(w.target_shape))
        for w in wires
    ]
    if any(wire.problem for wire in wires):
        problems = (wire.problem or "none" for wire in wires)
        return Table(
            (*columns, "misfit"),
            tuple((*row, problem) for row, problem in zip(rows, problems, strict=True)),
            lesser=("dtype",),
        )
    return Table(columns, tuple(rows), lesser=("dtype", "shape in"))


def _members(bundle: BundleInspection, limits: Limits) -> Table:
    rows = tuple(
        (
            model.path.name,
            model.signature.role.value,
            model.signature.family or "unknown",
            f"{model.weights.parameters:,}",
            size(model.size_bytes + model.external.bytes),
            limits.listed(
                f"{spec.name} {shape_text(spec.shape)}" for spec in model.signature.free_inputs
            ),
        )
        for model in bundle.models
    )
    columns = ("graph", "role", "family", "parameters", "on disk", "takes, besides states")
    return Table(
        columns,
        rows,
        (LEFT, LEFT, LEFT, RIGHT, RIGHT, LEFT),
        lesser=("takes, besides states", "family", "on disk"),
    )


def _fields(
    fields: Mapping[str, object], limits: Limits, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """JSON fields, those of nested objects under dotted names."""
    for name, field in fields.items():
        if isinstance(field, dict) and field:
            yield from _fields(field, limits, f"{prefix}{name}.")
        else:
            yield prefix + name, value(field, limits)


def _files(bundle: BundleInspection, limits: Limits) -> Iterator[tuple[str, str]]:
    if bundle.vocabulary:
        blank = bundle.vocabulary.blank_id
        note = "no blank token" if blank is None else f"blank is {blank}"
        tokens = count(len(bundle.vocabulary.tokens), "token")
        yield "vocabulary", f"{bundle.vocabulary.path.name}: {tokens}, {note}"
    else:
        yield "vocabulary", "none"
    for kind in dict.fromkeys(kind for kind, _ in bundle.companions):
        if kind != "vocabulary":
            yield kind, limits.listed(name for known, name in bundle.companions if known == kind)
    yield "orphans", limits.listed(bundle.orphans) or "none"

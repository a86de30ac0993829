"""The sections of a report, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxtool.analysis.inspection import BundleInspection, Inspection
from onnxtool.model.damage import Damage
from onnxtool.render.document import Block, Document, Facts, Heading, Paragraph, Table, Tone
from onnxtool.render.inspection.cost import cost, modules
from onnxtool.render.inspection.folder import folder
from onnxtool.render.inspection.header import header
from onnxtool.render.inspection.interface import interface, states, symbols
from onnxtool.render.inspection.limits import BRIEF, WHOLE, Limits
from onnxtool.render.inspection.weights import external, weights
from onnxtool.render.units import count


def document(
    result: Inspection | BundleInspection, *, depth: int, show_all: bool = False
) -> Document:
    """Everything found, for people.

    Args:
        result: What was found.
        depth: Levels of the module tree, 0 for none.
        show_all: Whether to leave nothing out of long lists and long values.
    """
    limits = WHOLE if show_all else BRIEF
    if isinstance(result, Inspection):
        return tuple(_graph(result, depth, limits))
    return tuple(_folder(result, depth, limits))


def _folder(bundle: BundleInspection, depth: int, limits: Limits) -> Iterator[Block]:
    yield from folder(bundle, limits)
    yield from _damage(bundle.unreadable)
    for model in bundle.models:
        yield from _graph(model, depth, limits)


def _graph(result: Inspection, depth: int, limits: Limits) -> Iterator[Block]:
    known = result.signature
    what = " · ".join(part for part in (known.role.value, known.title) if part)
    yield Heading(str(result.path), level=1, note=what)
    yield Facts(tuple(header(result, limits)))
    yield from interface(known, limits)
    yield from symbols(known)
    yield from states(known)
    yield from _operators(result, limits)
    yield Heading("Weights")
    yield Facts(tuple(weights(result.weights, limits)))
    if result.external.files:
        yield Heading("External data")
        yield Facts(tuple(external(result.external, limits)))
    yield from cost(result, limits)
    yield from modules(result, depth)
    yield from _damage(result.damage)


def _operators(result: Inspection, limits: Limits) -> Iterator[Block]:
    yield Heading("Operators", note=_node_counts(result))
    yield Paragraph(" · ".join(f"{name} {n:,}" for name, n in result.operators.items()) or "none")
    if result.functions:
        yield Facts((("functions", limits.listed(result.functions)),))
    if result.custom_domains:
        yield Facts((("custom domains", limits.listed(result.custom_domains)),))


def _node_counts(result: Inspection) -> str:
    counts = [count(result.nodes, "node")]
    if result.subgraphs:
        counts.append(count(result.subgraphs, "subgraph"))
    if result.functions:
        counts.append(count(len(result.functions), "function"))
    return ", ".join(counts)


def _damage(damage: Sequence[Damage]) -> Iterator[Block]:
    if damage:
        yield Heading("Damage", note=f"{len(damage):,} found")
        rows = tuple((item.where, item.what, item.hint) for item in damage)
        yield Table(("where", "what", "what to do"), rows, tone=Tone.BAD)

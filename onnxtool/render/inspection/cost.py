"""What a run costs, and which modules cost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from onnxtool.analysis.inspection import Inspection
from onnxtool.analysis.modules import Module
from onnxtool.model.tensors import shape_text
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Share, Table, Tone
from onnxtool.render.inspection.limits import Limits
from onnxtool.render.units import amount, count, size

if TYPE_CHECKING:
    from onnxtool.analysis.cost import Cost

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def cost(result: Inspection, limits: Limits) -> Iterator[Block]:
    """MACs and memory, if they were computed."""
    cost = result.cost
    if cost is None:
        return
    yield Heading("Cost", note="of one run at " + (_pairs(cost.sizes) or "the sizes of the graph"))
    facts = [
        ("MACs", _total_macs(cost)),
        ("weights", size(cost.weight_bytes)),
        (
            "peak activations",
            f"about {size(cost.peak_activation_bytes)}, at {cost.peak_at or 'no node'}",
        ),
        ("outputs", " · ".join(f"{name} {shape_text(sizes)}" for name, sizes in cost.outputs)),
    ]
    if cost.assumed:
        facts.insert(0, ("assumed", _pairs(cost.assumed)))
    if cost.unsized:
        facts.append(("not in the peak", count(cost.unsized, "value") + " of unknown size"))
    yield Facts(tuple(facts))
    rows = tuple((n, f"{m:,}", Share(m / max(cost.total_macs, 1))) for n, m in cost.macs.items())
    if rows:
        yield Table(("operator", "MACs", "share"), rows, (LEFT, RIGHT, LEFT))
    for conflict in cost.conflicts:
        sizes = ", ".join(f"{number} at {axis}" for axis, number in conflict.sizes)
        yield Paragraph(f"One symbol, several sizes: {conflict.symbol} is {sizes}.", Tone.BAD)
    for taken, given, before, after in cost.misfits:
        yield Paragraph(
            f"State that does not fit: {given} comes out as {shape_text(after)}, and {taken} takes "
            f"{shape_text(before)}.",
            Tone.BAD,
        )
    for wrong in cost.misdeclared:
        yield Paragraph(
            f"Output that is not as declared: {wrong.output} comes out as "
            f"{shape_text(wrong.computed)}, and the graph says {shape_text(wrong.declared)}.",
            Tone.BAD,
        )
    if cost.refusals:
        yield Heading("Not executable", note="inputs do not fit at these sizes")
        yield Table(
            ("node", "operator", "takes"),
            tuple(
                (r.node, r.operator, limits.listed(map(shape_text, r.shapes)))
                for r in cost.refusals
            ),
            tone=Tone.BAD,
        )
    if cost.unresolved:
        yield Heading(
            "Not resolved", note=count(len(cost.unresolved), "node") + ", not in the total"
        )
        yield Table(
            ("node", "operator", "why"),
            tuple((gap.node, gap.operator, gap.reason) for gap in cost.unresolved),
        )


def _total_macs(cost: Cost) -> str:
    """The total; the least that it can be, where nodes are not in it."""
    if cost.unresolved and not cost.total_macs:
        return "unknown"
    at_least = "≥ " if cost.unresolved else ""
    return f"{at_least}{amount(cost.total_macs)} ({cost.total_macs:,})"


def _pairs(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={number}" for name, number in sizes.items())


def modules(result: Inspection, depth: int) -> Iterator[Block]:
    """The module tree, to `depth` levels, the largest of each level first: what is cut is small."""
    root = result.modules
    if not depth or not root.children:
        return
    by_macs = bool(root.macs)
    whole = "MACs" if by_macs else "weight bytes"
    yield Heading("Modules", note=f"share of the {whole}, largest first")
    columns = ("module", "nodes", "parameters", "bytes", *(("MACs",) if by_macs else ()), "share")
    align = (LEFT, *(RIGHT,) * (len(columns) - 2), LEFT)
    rows = [*_module_rows(root, root.children, depth)]
    if not root.elsewhere.is_empty:
        rows.append(_module_row(root, root.elsewhere, "(elsewhere)"))
    yield Table(columns, tuple(rows), align, lesser=("nodes", "bytes", "parameters"))


def _module_rows(
    root: Module, children: Sequence[Module], depth: int, indent: str = ""
) -> Iterator[tuple[str | Share, ...]]:
    for module in sorted(children, key=lambda child: child.share_of(root), reverse=True):
        yield _module_row(root, module, indent + module.name)
        if depth > 1:
            yield from _module_rows(root, module.children, depth - 1, indent + "  ")


def _module_row(root: Module, module: Module, name: str) -> tuple[str | Share, ...]:
    macs = (amount(module.macs or 0),) if root.macs else ()
    numbers = f"{module.nodes:,}", f"{module.parameters:,}", size(module.weight_bytes), *macs
    return (name, *numbers, Share(module.share_of(root)))

"""What a run costs, and which modules cost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnxtool.analysis.inspection import Inspection
from onnxtool.analysis.modules import Module
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Share, Table, Tone
from onnxtool.render.units import amount, count, shape, size

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def cost(result: Inspection) -> Iterator[Block]:
    """MACs and memory, if they were computed."""
    cost = result.cost
    if cost is None:
        return
    yield Heading("Cost", note="of one run at " + (_pairs(cost.sizes) or "the sizes of the graph"))
    facts = [
        ("MACs", f"{amount(cost.total_macs)} ({cost.total_macs:,})"),
        ("weights", size(cost.weight_bytes)),
        (
            "peak activations",
            f"about {size(cost.peak_activation_bytes)}, at {cost.peak_at or 'no node'}",
        ),
        ("outputs", " · ".join(f"{name} {shape(sizes)}" for name, sizes in cost.outputs)),
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
            f"State that does not fit: {given} comes out as {shape(after)}, and {taken} takes "
            f"{shape(before)}.",
            Tone.BAD,
        )
    if cost.unresolved:
        yield Heading(
            "Not resolved", note=count(len(cost.unresolved), "node") + ", not in the total"
        )
        yield Table(
            ("node", "operator", "why"),
            tuple((gap.node, gap.operator, gap.reason) for gap in cost.unresolved),
        )


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
    rows = tuple(_module_rows(root, root.children, depth))
    yield Table(columns, rows, align, lesser=("nodes", "bytes", "parameters"))


def _module_rows(
    root: Module, children: Sequence[Module], depth: int, indent: str = ""
) -> Iterator[tuple[str | Share, ...]]:
    for module in sorted(children, key=lambda child: child.share_of(root), reverse=True):
        macs = (amount(module.macs or 0),) if root.macs else ()
        numbers = f"{module.nodes:,}", f"{module.parameters:,}", size(module.weight_bytes), *macs
        yield (indent + module.name, *numbers, Share(module.share_of(root)))
        if depth > 1:
            yield from _module_rows(root, module.children, depth - 1, indent + "  ")

"""How two sides differ, as a document: the worst first, what is alike counted and not listed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from onnxtool.comparison.diff import Diff
from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.fields import Status
from onnxtool.comparison.graphs import GraphDiff
from onnxtool.comparison.metadata import Reconciliation
from onnxtool.comparison.structure import OperatorCount
from onnxtool.comparison.weights import Distance, WeightComparison
from onnxtool.render.document import (
    Align,
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Table,
    Tone,
)
from onnxtool.render.units import count, listed, shortened

LEFT, RIGHT = Align.LEFT, Align.RIGHT
# A vocabulary or a doc string may stand in a cell.
MAX_CELL, MAX_FIELD = 60, 120
# Told in a table of their own.
_WEIGHTS = frozenset({Kind.WEIGHT_CHANGED})
# Come after what is rarer and tells more.
_NODES = frozenset(
    {Kind.NODE_ADDED, Kind.NODE_CHANGED, Kind.NODE_REMOVED, Kind.NODE_REPLACED, Kind.OUTPUT_SOURCE}
)


def document(found: Diff) -> Document:
    """Everything that differs, for people."""
    return tuple(_document(found))


def _document(found: Diff) -> Iterator[Block]:
    yield Heading(f"{found.before} → {found.after}", level=1, note=_verdict(found))
    several = len(found.graphs) > 1
    if several or found.others:
        yield from _classes(found.others)
    for graph in found.graphs:
        yield from _graph(graph, named=several)
    if found.metadata:
        yield from _metadata(found.metadata)


def _verdict(found: Diff) -> str:
    differences = found.differences
    if not differences:
        return "no difference"
    return " · ".join(_counts(differences))


def _counts(differences: Sequence[Difference]) -> Iterator[str]:
    for impact in Impact:
        number = sum(difference.impact is impact for difference in differences)
        if number:
            yield f"{number:,} {impact.value}"


def _graph(graph: GraphDiff, *, named: bool) -> Iterator[Block]:
    if named:
        name = graph.after if graph.before == graph.after else f"{graph.before} → {graph.after}"
        note = " · ".join(_counts(graph.differences)) or "no difference"
        yield Heading(name, level=1, note=note)
    yield from _classes([d for d in graph.differences if d.kind not in _WEIGHTS])
    if graph.operators:
        yield Heading("Operators by module")
        yield _operators(graph.operators)
    if graph.weights:
        yield from _weights(graph.weights)
    for reason in graph.not_compared:
        yield Paragraph(f"Not compared: {reason}.")


def _classes(differences: Sequence[Difference]) -> Iterator[Block]:
    """A table for each class, the worst first; nodes in one of their own."""
    for impact in Impact:
        tone = Tone.BAD if impact is Impact.BREAKING else Tone.PLAIN
        found = [d for d in differences if d.impact is impact]
        for nodes in (False, True):
            rows = tuple(_row(d) for d in found if (d.kind in _NODES) is nodes)
            if rows:
                title = impact.value.capitalize() + (": nodes" if nodes else "")
                yield Heading(title, note=count(len(rows), "difference"))
                yield Table(("where", "before", "after", "what"), rows, tone=tone)


def _row(difference: Difference) -> tuple[str, str, str, str]:
    before, after = _cell(difference.before), _cell(difference.after)
    return difference.where, before, after, difference.message


def _cell(value: str | None) -> str:
    return "none" if value is None else shortened(value, MAX_CELL)


def _operators(changes: Sequence[OperatorCount]) -> Table:
    """Modules of which the same is true share a row."""
    alike: defaultdict[tuple[str, int, int], list[str]] = defaultdict(list)
    for change in changes:
        key = change.operator, change.before, change.after
        alike[key].append(change.module or "(none)")
    rows = tuple(
        (operator, f"{before:,}", f"{after:,}", listed(modules, 3))
        for (operator, before, after), modules in alike.items()
    )
    columns = ("operator", "before", "after", "in each of")
    return Table(columns, rows, (LEFT, RIGHT, RIGHT, LEFT))


def _weights(weights: WeightComparison) -> Iterator[Block]:
    if not weights.pairs:
        return
    same = "not read" if weights.identical is None else f"{weights.identical:,} identical"
    yield Heading("Weights", note=f"{count(weights.pairs, 'pair')}, {same}")
    if weights.changes:
        rows = tuple(
            (change.after, _types(change.types), *_distance(change.distance))
            for change in weights.changes
        )
        columns = ("weight", "type", "max abs", "relative Frobenius", "cosine")
        yield Table(columns, rows, (LEFT, LEFT, RIGHT, RIGHT, RIGHT))


def _types(types: tuple[str, str]) -> str:
    return types[0] if types[0] == types[1] else f"{types[0]} → {types[1]}"


def _distance(distance: Distance | None) -> tuple[str, str, str]:
    if distance is None:
        return "not measured", "", ""
    note = f" ({distance.non_finite:,} not finite)" if distance.non_finite else ""
    relative, cosine = distance.relative_frobenius, distance.cosine
    return (
        f"{distance.max_abs:.3g}{note}",
        "undefined" if relative is None else f"{relative:.3g}",
        "undefined" if cosine is None else f"{cosine:.6f}",
    )


def _metadata(found: Reconciliation) -> Iterator[Block]:
    wrong = [check for check in found.checks if check.disagrees]
    right = sum(check.status is Status.AGREES for check in found.checks)
    unknown = [check.field for check in found.checks if check.status is Status.UNKNOWN]
    if wrong:
        columns = ("field", "in the graphs", "in the file", "would be right", "read from")
        yield Heading("Metadata that disagrees with the graphs", note=count(len(wrong), "field"))
        yield Table(
            columns,
            tuple(
                (c.field, _json(c.in_graphs), _json(c.in_file), _json(c.right), c.source)
                for c in wrong
            ),
            tone=Tone.BAD,
        )
    yield Facts(
        (
            ("agree", count(right, "field")),
            ("graphs do not say", listed(unknown, 8) or "none"),
        )
    )


def _json(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return shortened(text, MAX_FIELD)

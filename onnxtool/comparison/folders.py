"""How two folders of graphs differ: which graph is which, and what lies beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.graphs import GraphDiff
from onnxtool.comparison.metadata import flat_fields
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.metadata import Metadata, Vocabulary

Graph = TypeVar("Graph")
# Fields that say who made the model and how.
_REMARKS = frozenset({"model_name", "torch_version"})


@dataclass(frozen=True, slots=True)
class Entry(Generic[Graph]):
    """A graph of a folder."""

    name: str
    role: str
    graph: Graph


def diff_members(
    before: Sequence[Entry[Graph]],
    after: Sequence[Entry[Graph]],
    compare: Callable[[Graph, Graph], GraphDiff],
) -> tuple[tuple[GraphDiff, ...], tuple[Difference, ...]]:
    """Compare the graphs of two folders: of the same name and role, the same role, the same name.

    Raises:
        UnsupportedModelError: No graph of one corresponds to a graph of the other.
    """
    found: list[GraphDiff] = []
    folder: list[Difference] = []
    left, rest = list(before), list(after)
    for one, other in _pairs(before, after):
        try:
            found.append(compare(one.graph, other.graph))
        except UnsupportedModelError:
            continue  # Nothing in common: one is gone, and the other is new.
        left.remove(one)
        rest.remove(other)
        if one.name != other.name:
            message = "the graph has another file name"
            names = one.name, one.name, other.name
            folder.append(Difference(Kind.GRAPH_RENAMED, Impact.BREAKING, *names, message))
    if not found:
        raise UnsupportedModelError(
            "the two have nothing in common: no graph of one corresponds to one of the other",
            hint="pass two exports of one model",
        )
    folder.extend(
        Difference(Kind.GRAPH_REMOVED, Impact.BREAKING, e.name, e.role, None, "graph removed")
        for e in left
    )
    folder.extend(
        Difference(Kind.GRAPH_ADDED, Impact.COSMETIC, e.name, None, e.role, "graph added")
        for e in rest
    )
    return tuple(found), tuple(folder)


def _pairs(
    before: Sequence[Entry[Graph]], after: Sequence[Entry[Graph]]
) -> Iterator[tuple[Entry[Graph], Entry[Graph]]]:
    left, rest = list(before), list(after)
    keys: tuple[Callable[[Entry[Graph]], object], ...] = (
        lambda entry: (entry.name, entry.role),
        # Graphs whose role nobody knows have nothing to do with one another.
        lambda entry: entry.name if entry.role == Role.OTHER else ("role", entry.role),
        lambda entry: entry.name,
    )
    for key in keys:
        for one in list(left):
            other = next((entry for entry in rest if key(entry) == key(one)), None)
            if other is not None:
                left.remove(one)
                rest.remove(other)
                yield one, other


def beside_differences(before: Bundle, after: Bundle) -> Iterator[Difference]:
    """How metadata and vocabularies beside the graphs differ."""
    old, new = before.metadata, after.metadata
    if old and new:
        yield from metadata_differences(old, new)
    elif old or new:
        impact = Impact.BREAKING if old else Impact.COSMETIC
        names = old.path.name if old else None, new.path.name if new else None
        message = "the metadata file was removed" if old else "a metadata file was added"
        yield Difference(Kind.METADATA_FIELD, impact, "model_meta.json", *names, message)
    yield from _vocabularies(before.vocabulary, after.vocabulary)


def metadata_differences(before: Metadata, after: Metadata) -> Iterator[Difference]:
    """How two metadata files differ: whoever reads a field misses it, or does otherwise."""
    old, new = dict(flat_fields(before.fields)), dict(flat_fields(after.fields))
    for field in dict.fromkeys((*old, *new)):
        if field in old and field in new and _same(old[field], new[field]):
            continue
        if field not in new:
            impact, message = Impact.BREAKING, "field removed"
        elif field not in old:
            impact, message = Impact.COSMETIC, "field added"
        else:
            impact, message = Impact.BEHAVIORAL, "field changed"
        if field in _REMARKS:
            impact = Impact.COSMETIC
        values = _json(old, field), _json(new, field)
        yield Difference(Kind.METADATA_FIELD, impact, field, *values, message)


def _same(one: object, other: object) -> bool:
    """As JSON: `true` is not 1 there."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _json(fields: Mapping[str, object], field: str) -> str | None:
    return json.dumps(fields[field]) if field in fields else None


def _vocabularies(before: Vocabulary | None, after: Vocabulary | None) -> Iterator[Difference]:
    """Ids that mean other words: a consumer with the old list writes nonsense."""
    if before and after:
        old, new = before.tokens, after.tokens
        moved = sum(a != b for a, b in zip(old, new, strict=False)) + abs(len(old) - len(new))
        if moved:
            message = f"{moved:,} ids mean another token, or none"
            yield _vocabulary(Impact.BREAKING, before, after, message)
    elif before:
        yield _vocabulary(Impact.BREAKING, before, None, "vocabulary removed")
    elif after:
        yield _vocabulary(Impact.COSMETIC, None, after, "vocabulary added")


def _vocabulary(
    impact: Impact, before: Vocabulary | None, after: Vocabulary | None, message: str
) -> Difference:
    old, new = (f"{v.path.name}, {len(v.tokens):,} tokens" if v else None for v in (before, after))
    return Difference(Kind.VOCABULARY, impact, "vocabulary", old, new, message)

"""How two graphs differ: interface, header, structure, weights, storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onnxtool.comparison.alignment import Alignment, align
from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.header import header_differences
from onnxtool.comparison.interface import interface_differences, pair_values
from onnxtool.comparison.profile import Profile, profile
from onnxtool.comparison.structure import (
    OperatorCount,
    operator_counts,
    renames,
    structure_differences,
)
from onnxtool.comparison.weights import WeightComparison, compare_weights, weight_differences
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """How two graphs differ.

    Attributes:
        before: File name of the first one.
        after: File name of the second one.
        differences: All of them.
        operators: Operators whose number differs, by module.
        renamed: (before, after) of nodes that are the same under another name.
        weights: What became of the weights; None if only an inspection of a side is there.
        not_compared: What was left out, and why.
    """

    before: str
    after: str
    differences: tuple[Difference, ...]
    operators: tuple[OperatorCount, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    weights: WeightComparison | None = None
    not_compared: tuple[str, ...] = ()


def diff_graphs(
    before: ModelView, after: ModelView, *, weights: bool = True, progress: Progress = SILENT
) -> GraphDiff:
    """Compare two graphs on disk.

    Args:
        before: The first one.
        after: The second one.
        weights: Whether to read the weights; else, only their types and shapes are compared.
        progress: Told about the bytes read.

    Raises:
        ModelLoadError: A weight cannot be read.
        UnsupportedModelError: They have nothing in common.
    """
    one, other = profile(before), profile(after)
    found, *stored = align(before, after)
    stored_before, stored_after = zip((before, after), stored, strict=True)
    same = sum(pair.same for pair in found.pairs)
    # Any two graphs share a node or two, such as one that makes a constant.
    if not have_common_values(one, other) and same <= len(found.removed) + len(found.added):
        raise nothing_in_common(before.path, after.path)
    compared = compare_weights(
        stored_before, stored_after, found.weights, values=weights, progress=progress
    )
    return GraphDiff(
        before=one.name,
        after=other.name,
        differences=(
            *interface_differences(one, other),
            *header_differences(one, other),
            *_remarks(before, after, found),
            *structure_differences(found),
            *weight_differences(compared),
            *_storage(before, after),
        ),
        operators=operator_counts(before, after),
        renamed=renames(found),
        weights=compared,
        not_compared=() if weights else ("values of weights: --no-weights",),
    )


def diff_profiles(before: Profile, after: Profile) -> GraphDiff:
    """Compare two graphs of at least one of which only an inspection is there.

    Raises:
        UnsupportedModelError: They have nothing in common.
    """
    if not have_common_values(before, after):
        raise nothing_in_common(before.name, after.name)
    return GraphDiff(
        before=before.name,
        after=after.name,
        differences=(
            *interface_differences(before, after),
            *header_differences(before, after),
            *_totals(before, after),
        ),
        not_compared=("nodes and values of weights: an inspection only counts them",),
    )


def have_common_values(before: Profile, after: Profile) -> bool:
    """Whether an input or an output of one is also one of the other, if under another name."""
    inputs = pair_values(before.inputs, after.inputs)
    outputs = pair_values(before.outputs, after.outputs)
    return bool(inputs.pairs or outputs.pairs)


def nothing_in_common(before: object, after: object) -> UnsupportedModelError:
    """The error for two graphs of which no input, output or node corresponds."""
    return UnsupportedModelError(
        f"{before} and {after} have nothing in common: no input, no output, no node",
        hint="pass two exports of one graph",
    )


def _totals(before: Profile, after: Profile) -> Iterator[Difference]:
    """How nodes and weights differ where they are only counted."""
    for name in dict.fromkeys((*before.operators, *after.operators)):
        old, new = before.operators.get(name, 0), after.operators.get(name, 0)
        if old != new:
            message = "another number of nodes"
            numbers = str(old), str(new)
            yield Difference(Kind.OPERATORS, Impact.BEHAVIORAL, name, *numbers, message)
    if before.parameters != after.parameters:
        numbers = f"{before.parameters:,}", f"{after.parameters:,}"
        message = "another number of parameters"
        yield Difference(Kind.WEIGHT_TOTALS, Impact.BEHAVIORAL, "parameters", *numbers, message)
    for dtype in dict.fromkeys((*before.weight_bytes, *after.weight_bytes)):
        old, new = before.weight_bytes.get(dtype, 0), after.weight_bytes.get(dtype, 0)
        if old != new:
            message = "another number of bytes of this type"
            numbers = f"{old:,}", f"{new:,}"
            where = f"weights of {dtype}"
            yield Difference(Kind.WEIGHT_TOTALS, Impact.BEHAVIORAL, where, *numbers, message)


def _remarks(before: ModelView, after: ModelView, found: Alignment) -> Iterator[Difference]:
    """What graphs and nodes are called or said to be, which no runtime acts on."""
    old, new = before.proto.graph, after.proto.graph
    for where, one, other in (
        ("graph name", old.name, new.name),
        ("graph doc_string", old.doc_string, new.doc_string),
    ):
        if one != other:
            message = "another name or description"
            yield Difference(Kind.ORIGIN, Impact.COSMETIC, where, one, other, message)
    docs = [(p.before.proto.doc_string, p.after.proto.doc_string) for p in found.pairs]
    if changed := [(one, other) for one, other in docs if one != other]:
        (one, other), number = changed[0], len(changed)
        others = f", and {number - 1:,} more" if number > 1 else ""
        message = f"another description{others}"
        yield Difference(Kind.ORIGIN, Impact.COSMETIC, "doc_string of nodes", one, other, message)


def _storage(before: ModelView, after: ModelView) -> Iterator[Difference]:
    """Weights that moved between files; their content is compared apart from that."""
    old, new = sorted(before.external_locations), sorted(after.external_locations)
    if old != new:
        yield Difference(
            Kind.STORAGE,
            Impact.COSMETIC,
            "external data",
            _files(old),
            _files(new),
            "weights are stored in other files",
        )


def _files(locations: list[str]) -> str | None:
    match locations:
        case []:
            return None
        case [location]:
            return location
        case _:
            return f"{len(locations):,} files"

"""Is this still the same model? Graphs, folders, metadata, contracts, saved inspections."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from onnxtool.comparison.contracts import contract_differences
from onnxtool.comparison.difference import Difference, Impact, worst
from onnxtool.comparison.folders import (
    Entry,
    beside_differences,
    diff_members,
    metadata_differences,
)
from onnxtool.comparison.graphs import GraphDiff, diff_graphs, diff_profiles
from onnxtool.comparison.metadata import Reconciliation, reconcile
from onnxtool.comparison.operands import (
    Operand,
    OperandKind,
    SavedInspection,
    kind_of,
    read_operand,
)
from onnxtool.comparison.profile import Profile, profile
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.arguments import check_path
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.contract import Contract
from onnxtool.model.metadata import Metadata, Vocabulary
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress

CompareGraphs = Callable[[ModelView, ModelView], GraphDiff]
WithGraphs = ModelView | Bundle | SavedInspection


@dataclass(frozen=True, slots=True)
class Diff:
    """How two sides differ.

    Attributes:
        before: The first side.
        after: The second side.
        kinds: What each of them is.
        graphs: Graph by graph.
        others: Differences of no single graph: files, metadata, promises.
        metadata: Metadata against graphs, if that was asked.
    """

    before: Path
    after: Path
    kinds: tuple[OperandKind, OperandKind]
    graphs: tuple[GraphDiff, ...] = ()
    others: tuple[Difference, ...] = ()
    metadata: Reconciliation | None = None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All of them: those of the graphs, then the others."""
        inside = (difference for graph in self.graphs for difference in graph.differences)
        disagreements = self.metadata.differences if self.metadata else ()
        return (*inside, *self.others, *disagreements)

    @property
    def worst(self) -> Impact | None:
        """The worst impact of any difference; None if there is none."""
        return worst(self.differences)

    def fails(self, threshold: Impact = Impact.BREAKING) -> bool:
        """Whether a difference is as bad as `threshold`, or graphs and metadata disagree."""
        if self.metadata and not self.metadata.agrees:
            return True
        return self.worst is not None and self.worst.reaches(threshold)


def diff(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    *,
    weights: bool = True,
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> Diff:
    """Compare two sides, each a graph, a folder, metadata, a contract or a saved inspection.

    Args:
        before: The first side.
        after: The second side; a bare name is also looked for in the folder `before`.
        weights: Whether to read the weights; else, only their types and shapes are compared.
        allow_links: Let external data be read through links.
        progress: Told about the bytes read.

    Raises:
        ModelLoadError: A side, or one of its weights, cannot be read.
        MetadataError: A JSON file is damaged, or is nothing that can be compared.
        UnsupportedModelError: The two are of kinds that cannot be compared, or have nothing in
            common.
    """
    for side in (before, after):
        check_path(side, "diff", takes="paths")
    one = read_operand(Path(before), allow_links=allow_links)
    beside = one.path if isinstance(one, Bundle) else None
    other = read_operand(Path(after), beside=beside, allow_links=allow_links)
    empty = Diff(one.path, other.path, (kind_of(one), kind_of(other)))
    return _compare(one, other, empty, partial(diff_graphs, weights=weights, progress=progress))


def _compare(one: Operand, other: Operand, empty: Diff, compare: CompareGraphs) -> Diff:
    """What can be compared with what; all else is refused."""
    match one, other:
        case ModelView(), ModelView():
            return replace(empty, graphs=(compare(one, other),))
        case Bundle(), Bundle():
            graphs, others = diff_members(_views(one), _views(other), compare)
            beside = beside_differences(one, other)
            return replace(empty, graphs=graphs, others=(*others, *beside))
        case SavedInspection(), ModelView() | Bundle() | SavedInspection():
            return _profiles(one, other, empty)
        case ModelView() | Bundle(), SavedInspection():
            return _profiles(one, other, empty)
        case Metadata(), Metadata():
            return replace(empty, others=tuple(metadata_differences(one, other)))
        case (ModelView() | Bundle() as graphs_of, Metadata() as file):
            return replace(empty, metadata=_reconciled(graphs_of, file))
        case (Metadata() as file, ModelView() | Bundle() as graphs_of):
            return replace(empty, metadata=_reconciled(graphs_of, file))
        case (ModelView() | Bundle() as graphs_of, Contract() as contract):
            return replace(empty, others=_kept(graphs_of, contract))
        case (Contract() as contract, ModelView() | Bundle() as graphs_of):
            return replace(empty, others=_kept(graphs_of, contract))
        case _:
            sides = zip((one, other), empty.kinds, strict=True)
            kinds = " and ".join(f"{side.path} ({kind.value})" for side, kind in sides)
            raise UnsupportedModelError(
                f"{kinds} cannot be compared",
                hint="pass two graphs, two folders, or either with metadata or an inspection",
            )


def _views(folder: Bundle) -> list[Entry[ModelView]]:
    return [Entry(m.name, m.signature.role.value, m.view) for m in folder.models]


def _profiles(one: WithGraphs, other: WithGraphs, empty: Diff) -> Diff:
    """Two sides of which one at least is a saved inspection."""
    before, after = _profiles_of(one), _profiles_of(other)
    if len(before) == len(after) == 1:
        return replace(empty, graphs=(diff_profiles(before[0], after[0]),))
    old, new = ([Entry(p.name, p.role, p) for p in side] for side in (before, after))
    graphs, others = diff_members(old, new, diff_profiles)
    return replace(empty, graphs=graphs, others=others)


def _profiles_of(side: WithGraphs) -> tuple[Profile, ...]:
    if isinstance(side, SavedInspection):
        return side.graphs
    return tuple(profile(member.view) for member in _members(side))


def _reconciled(graphs: ModelView | Bundle, metadata: Metadata) -> Reconciliation:
    name = graphs.path.resolve().name.removesuffix(".onnx")
    return reconcile(_members(graphs), _vocabulary(graphs), metadata, name)


def _kept(graphs: ModelView | Bundle, contract: Contract) -> tuple[Difference, ...]:
    return tuple(contract_differences(contract, _members(graphs), _vocabulary(graphs)))


def _members(graphs: ModelView | Bundle) -> tuple[Member, ...]:
    if isinstance(graphs, ModelView):
        return (Member(graphs.path.name, graphs, signature(graphs)),)
    return graphs.models


def _vocabulary(graphs: ModelView | Bundle) -> Vocabulary | None:
    return graphs.vocabulary if isinstance(graphs, Bundle) else None

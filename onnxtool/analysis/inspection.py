"""Everything that can be said about a graph, or a folder of graphs, without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.analysis.modules import Module, module_tree
from onnxtool.analysis.storage import ExternalData, external_data, siblings_of
from onnxtool.analysis.weights import Weights, weigh
from onnxtool.model.arguments import checked_sizes
from onnxtool.model.artifact import Digest, digest
from onnxtool.model.bundle import Bundle, Source, loaded
from onnxtool.model.damage import Damage, find_damage
from onnxtool.model.frozen import FrozenDict
from onnxtool.model.metadata import Metadata, Vocabulary
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import Wire
from onnxtool.progress import SILENT, Progress

if TYPE_CHECKING:
    from onnxtool.analysis.cost import Cost


# Ten times the nodes of a large model; the cost of more takes a long time and much memory.
MAX_UNASKED_NODES = 100_000


@dataclass(frozen=True, slots=True)
class Header:
    """What a model's file says of itself; empty where it says nothing."""

    ir_version: int
    opset_imports: Mapping[str, int]
    producer: str
    producer_version: str
    domain: str
    model_version: int
    doc_string: str
    metadata_props: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of inspecting one graph.

    Attributes:
        path: The file.
        size_bytes: Its size, external data not included.
        digest: SHA-256 of it and of its external data, unless not asked for.
        header: Versions, producer, metadata.
        signature: Interface, symbols, states, role and family.
        nodes: Number of nodes, in all scopes.
        operators: Number of nodes by operator, most first; `domain::Name` outside the standard.
        subgraphs: Number of graphs inside nodes.
        functions: Names of the model's own functions.
        custom_domains: Domains of operators that are neither standard nor model-local.
        weights: Stored tensors.
        external: Where they are on disk.
        modules: The module tree.
        cost: MACs and memory, if sizes were given or all of the graph's own are fixed.
        damage: What is broken.
    """

    path: Path
    size_bytes: int
    digest: Digest | None
    header: Header
    signature: Signature
    nodes: int
    operators: Mapping[str, int]
    subgraphs: int
    functions: tuple[str, ...]
    custom_domains: tuple[str, ...]
    weights: Weights
    external: ExternalData
    modules: Module
    cost: Cost | None
    damage: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class BundleInspection:
    """The result of inspecting a folder of graphs that are one model.

    Attributes:
        path: The folder.
        models: Its graphs, in order of file name.
        wiring: How they feed one another.
        metadata: Its `model_meta.json`, if there is one.
        vocabulary: Its token list, if there is one.
        companions: (kind, name) of other files that are expected beside a model.
        orphans: Files that belong to nothing.
        unreadable: What should be part of the model and could not be read.
    """

    path: Path
    models: tuple[Inspection, ...]
    wiring: tuple[Wire, ...]
    metadata: Metadata | None
    vocabulary: Vocabulary | None
    companions: tuple[tuple[str, str], ...]
    orphans: tuple[str, ...]
    unreadable: tuple[Damage, ...]

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Everything that is broken, in the folder and in its graphs."""
        return (*self.unreadable, *(damage for model in self.models for damage in model.damage))


def inspect(
    model: Source,
    *,
    at: Mapping[str, int] | None = None,
    hash: bool = True,
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> Inspection | BundleInspection:
    """Describe a graph, or a folder of graphs, without loading its weights.

    Args:
        model: A path, or what `load` returned for it.
        at: Sizes of dynamic axes, by symbol or as `input:axis`, to compute the cost at. Axes that
            are not named are taken to be 1. Graphs of fixed sizes need none.
        hash: Whether to read every byte for its SHA-256.
        allow_links: Let external data be read through links; for a path only.
        progress: Told about the bytes hashed.

    Returns:
        An `Inspection` for a graph, a `BundleInspection` for a folder.

    Raises:
        ModelLoadError: There is no model at the path, or none that can be read.
        UsageError: `model` is neither, or `at` names an axis that no graph has.
    """
    model = loaded(model, "inspect", allow_links=allow_links)
    views = [member.view for member in model.models] if isinstance(model, Bundle) else [model]
    signatures = [signature(view) for view in views]
    costs = _costs(views, signatures, checked_sizes(at))
    listener = progress if hash else None
    if isinstance(model, ModelView):
        siblings = siblings_of(model) if model.external_files else {}
        return _inspect(model, signatures[0], costs[0], siblings, listener)
    return BundleInspection(
        path=model.path,
        models=tuple(
            _inspect(view, known, cost, _others(view, views), listener)
            for view, known, cost in zip(views, signatures, costs, strict=True)
        ),
        wiring=model.wiring,
        metadata=model.metadata,
        vocabulary=model.vocabulary,
        companions=model.companions,
        orphans=model.orphans,
        unreadable=tuple(
            Damage(str(error).removeprefix(f"{model.path / name}: "), name, error.hint)
            for name, error in model.unreadable
        ),
    )


def _others(view: ModelView, views: Sequence[ModelView]) -> dict[str, frozenset[str]]:
    """What the other graphs of a bundle refer to."""
    return {other.path.name: other.external_locations for other in views if other is not view}


def _costs(
    views: Sequence[ModelView], signatures: Sequence[Signature], at: Mapping[str, int] | None
) -> Sequence[Cost | None]:
    """The cost of each graph, if sizes were given or all of its own are fixed."""
    graphs = tuple(zip(views, signatures, strict=True))
    wanted = [at is not None or _is_cheap(view, known) for view, known in graphs]
    if not any(wanted):
        return [None] * len(views)
    # Imported here: the reference operators behind it take as long as all of the rest.
    from onnxtool.analysis.cost import cost
    from onnxtool.analysis.sizes import check_names

    at = at or {}
    check_names(at, signatures)
    return [
        cost(view, known, at) if costed else None
        for (view, known), costed in zip(graphs, wanted, strict=True)
    ]


def _is_cheap(view: ModelView, known: Signature) -> bool:
    """Whether to work out the cost of a graph unasked: one of fixed sizes takes no `at`."""
    return known.is_fixed and sum(view.operators.values()) <= MAX_UNASKED_NODES


def _inspect(
    view: ModelView,
    known: Signature,
    cost: Cost | None,
    siblings: Mapping[str, frozenset[str]],
    progress: Progress | None,
) -> Inspection:
    """Inspect one graph that stands in a folder with `siblings`; hash it if anybody listens."""
    return Inspection(
        path=view.path,
        size_bytes=view.size_bytes,
        digest=digest(view, progress=progress) if progress else None,
        header=_header(view),
        signature=known,
        nodes=sum(view.operators.values()),
        operators=FrozenDict(view.operators.most_common()),
        subgraphs=len(view.scopes) - len(view.roots),
        functions=tuple(f"{f.domain}::{f.name}" for f in view.proto.functions),
        custom_domains=view.custom_domains,
        weights=weigh(view, view.external_files),
        external=external_data(view, view.external_files, siblings),
        modules=module_tree(view, cost.node_macs if cost else None),
        cost=cost,
        damage=find_damage(view, view.external_files),
    )


def _header(view: ModelView) -> Header:
    proto = view.proto
    return Header(
        ir_version=proto.ir_version,
        opset_imports=FrozenDict(view.opset_imports),
        producer=proto.producer_name,
        producer_version=proto.producer_version,
        domain=proto.domain,
        model_version=proto.model_version,
        doc_string=proto.doc_string,
        metadata_props=FrozenDict(view.metadata_props),
    )

"""The module tree of the source model, from the names that exporters give to nodes."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxtool.model.modules import ModulePath, node_module
from onnxtool.model.stored_tensors import Holder, StoredTensor
from onnxtool.model.view import ModelView, Scope

if TYPE_CHECKING:
    from onnxtool.analysis.cost import NodeMacs


@dataclass(frozen=True, slots=True)
class Module:
    """One module, its children included.

    Attributes:
        path: From the root, e.g. `layers.0/self_attn`; empty for the root.
        nodes: Number of nodes.
        parameters: Elements of the initializers that only this module reads.
        weight_bytes: Bytes of those and of tensors in its nodes' attributes.
        macs: MACs of its nodes at the given sizes; None if no sizes were given.
        children: In order of first appearance.
    """

    path: str
    nodes: int
    parameters: int
    weight_bytes: int
    macs: int | None
    children: tuple[Module, ...]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def elsewhere(self) -> Module:
        """What none of its children has: nodes without a module, and weights that several read."""
        below = self.children
        return Module(
            path="",
            nodes=self.nodes - sum(child.nodes for child in below),
            parameters=self.parameters - sum(child.parameters for child in below),
            weight_bytes=self.weight_bytes - sum(child.weight_bytes for child in below),
            macs=None if self.macs is None else self.macs - sum(child.macs or 0 for child in below),
            children=(),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.nodes or self.parameters or self.weight_bytes or self.macs)

    def share_of(self, root: Module) -> float:
        """Its part, 0 to 1, of the MACs of `root`, or of its weight bytes without MACs."""
        if root.macs:
            return (self.macs or 0) / root.macs
        return self.weight_bytes / max(root.weight_bytes, 1)


def module_tree(model: ModelView, node_macs: Iterable[NodeMacs] | None) -> Module:
    """Add up nodes, weights and MACs by module.

    A tensor belongs to the module that reads it, or to the innermost that contains all its readers.
    """
    sums: defaultdict[ModulePath, _Sums] = defaultdict(_Sums)
    # Asked for once, since a look at a protobuf message costs more than all else here. By identity
    # of the scope: two nodes without names may hold subgraphs of the same path.
    modules = {id(scope): [node_module(node) for node in scope.nodes] for scope in model.scopes}
    for module in itertools.chain.from_iterable(modules.values()):
        sums[module].nodes += 1
    readers: dict[str, _Readers] = {}
    for root in model.roots:
        readers |= dict.fromkeys(_paths(root), _readers(root, modules, {}))
    for tensor in model.tensors:
        own = sums[_owner(tensor, readers[tensor.scope])]
        own.weight_bytes += tensor.size_bytes
        if tensor.holder in {Holder.INITIALIZER, Holder.SPARSE_VALUES}:
            own.parameters += tensor.elements
    for counted in node_macs or ():
        sums[counted.module].macs += counted.macs
    return _tree((), sums, with_macs=node_macs is not None)


@dataclass(slots=True)
class _Sums:
    """What is a module's own, while it is being added up."""

    nodes: int = 0
    parameters: int = 0
    weight_bytes: int = 0
    macs: int = 0


def _tree(path: ModulePath, sums: Mapping[ModulePath, _Sums], *, with_macs: bool) -> Module:
    """The module at `path`, of the sums of it and of what is below it."""
    depth = len(path)
    below: defaultdict[ModulePath, dict[ModulePath, _Sums]] = defaultdict(dict)
    for inner, own in sums.items():
        if len(inner) > depth:
            below[inner[: depth + 1]][inner] = own
    children = tuple(_tree(inner, part, with_macs=with_macs) for inner, part in below.items())
    own = sums.get(path, _Sums())
    return Module(
        path="/".join(path),
        nodes=own.nodes + sum(child.nodes for child in children),
        parameters=own.parameters + sum(child.parameters for child in children),
        weight_bytes=own.weight_bytes + sum(child.weight_bytes for child in children),
        macs=own.macs + sum(child.macs or 0 for child in children) if with_macs else None,
        children=children,
    )


def _paths(scope: Scope) -> Iterator[str]:
    """The paths of a scope and of those inside it."""
    yield scope.path
    for inner in scope.inner:
        yield from _paths(inner)


# Value -> the innermost module that contains all nodes that read it.
_Readers = dict[str, ModulePath]


def _readers(
    scope: Scope, modules: Mapping[int, Sequence[ModulePath]], readers: _Readers
) -> _Readers:
    """Enter who reads which value, in a graph or function and the graphs inside it.

    `modules` are those of the nodes of each scope, in order, by the scope's identity.
    """
    for nested in scope.inner:
        _readers(nested, modules, readers)
    # Backwards, so that a node that belongs to no module knows already what reads its outputs.
    backwards = map(reversed, (modules[id(scope)], scope.reads, scope.makes))
    for own, taken, made in zip(*backwards, strict=True):
        module = own or _common(readers, made)
        if module is None:
            continue
        for name in filter(None, taken):
            known = readers.get(name)
            readers[name] = module if known is None else _innermost(known, module)
    return readers


def _owner(tensor: StoredTensor, readers: _Readers) -> ModulePath:
    """The module of a tensor: that of the node that holds it, else the innermost of its readers."""
    if tensor.node_proto is None:
        return readers.get(tensor.name, ())
    return node_module(tensor.node_proto) or _common(readers, tensor.node_proto.output) or ()


def _common(owners: Mapping[str, ModulePath], names: Iterable[str]) -> ModulePath | None:
    """The innermost module that contains all readers of these values; None if there are none."""
    found = [owners[name] for name in names if name in owners]
    return functools.reduce(_innermost, found) if found else None


def _innermost(first: ModulePath, second: ModulePath) -> ModulePath:
    """The innermost module that contains both."""
    if first == second:
        return first
    return tuple(part for part, _ in itertools.takewhile(_equal, zip(first, second, strict=False)))


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]

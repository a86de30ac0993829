"""The module tree of the source model, from the names that exporters give to nodes."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import onnx

from onnxtool.model.tensors import Holder, StoredTensor
from onnxtool.model.view import ModelView, Scope

# `("layers.0", "self_attn", "linear_q")`; the root is empty.
ModulePath = tuple[str, ...]
# Where torch's dynamo exporter keeps the modules that a node came from.
TORCH_SCOPES = "pkg.torch.onnx.name_scopes"


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


@dataclass(slots=True)
class _Branch:
    """A module while it is being added up."""

    nodes: int = 0
    parameters: int = 0
    weight_bytes: int = 0
    macs: int = 0
    children: dict[str, _Branch] = field(default_factory=dict)

    def trail(self, path: ModulePath) -> Iterator[_Branch]:
        """This branch and those that lead to `path`, made where they are missing."""
        yield self
        if path:
            yield from self.children.setdefault(path[0], _Branch()).trail(path[1:])


def module_tree(model: ModelView, node_macs: Iterable[tuple[onnx.NodeProto, int]] | None) -> Module:
    """Add up nodes, weights and MACs by module.

    A tensor belongs to the module that reads it, or to the innermost that contains all its readers.
    """
    root = _Branch()
    for scope in model.scopes:
        for node in scope.nodes:
            for branch in root.trail(node_module(node)):
                branch.nodes += 1
    owners = _Owners(model.scopes)
    for tensor in model.tensors:
        for branch in root.trail(owners.of(tensor)):
            branch.weight_bytes += tensor.size_bytes
            if tensor.holder is Holder.INITIALIZER:
                branch.parameters += tensor.elements
    for node, macs in node_macs or ():
        for branch in root.trail(node_module(node)):
            branch.macs += macs
    return _frozen(root, (), with_macs=node_macs is not None)


def node_module(node: onnx.NodeProto) -> ModulePath:
    """The module that a node came from; empty where its exporter does not say.

    1. torch's dynamo exporter lists the enclosing modules in the node's metadata;
    2. its older exporter, and others, name nodes `/layers.0/self_attn/linear_q/MatMul`.
    """
    for entry in node.metadata_props:  # 1
        if entry.key == TORCH_SCOPES:
            return _from_scopes(entry.value)
    if "/" not in node.name:  # 2
        return ()
    return tuple(part for part in node.name.split("/")[:-1] if part)


def _from_scopes(listed: str) -> ModulePath:
    """`["", "layers", "layers.0", "layers.0.linear", "linear_1"]`: modules, then the node."""
    try:
        scopes = ast.literal_eval(listed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not isinstance(scopes, list) or len(scopes) < 2 or not isinstance(scopes[-2], str):
        return ()
    parts: list[str] = []
    for part in scopes[-2].split("."):
        # An index belongs to the list that it counts: `layers.0`.
        if part.isdecimal() and parts:
            parts[-1] += f".{part}"
        elif part:
            parts.append(part)
    return tuple(parts)


class _Owners:
    """Finds the module that a stored tensor belongs to."""

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._readers: defaultdict[str, list[onnx.NodeProto]] = defaultdict(list)
        self._holders = {
            (scope.path, node.name or node.op_type): node
            for scope in scopes
            for node in scope.nodes
        }
        for scope in scopes:
            for node in scope.nodes:
                for name in node.input:
                    self._readers[name].append(node)

    def of(self, tensor: StoredTensor) -> ModulePath:
        if tensor.holder is not Holder.ATTRIBUTE:
            return _innermost(list(self._modules(tensor.name, set())))
        node = self._holders[tensor.scope, tensor.node]
        own = node_module(node)
        return own or _innermost([p for name in node.output for p in self._modules(name, set())])

    def _modules(self, name: str, seen: set[str]) -> Iterator[ModulePath]:
        """Modules that read a value, also through nodes that belong to none."""
        if name in seen:
            return
        seen.add(name)
        for node in self._readers.get(name, ()):
            module = node_module(node)
            if module:
                yield module
            else:
                for output in node.output:
                    yield from self._modules(output, seen)


def _innermost(paths: Sequence[ModulePath]) -> ModulePath:
    """The innermost module that contains all of these."""
    if not paths:
        return ()
    first, last = min(paths), max(paths)
    depth = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    return first[:depth]


def _frozen(branch: _Branch, path: ModulePath, *, with_macs: bool) -> Module:
    return Module(
        path="/".join(path),
        nodes=branch.nodes,
        parameters=branch.parameters,
        weight_bytes=branch.weight_bytes,
        macs=branch.macs if with_macs else None,
        children=tuple(
            _frozen(child, (*path, name), with_macs=with_macs)
            for name, child in branch.children.items()
        ),
    )

"""How the nodes of two models differ: what was added, removed, replaced, changed, renamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import onnx
import onnx.helper

from onnxtool.comparison.alignment import Alignment, NodePair
from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.identity import TRANSPARENT, Node
from onnxtool.model.modules import node_module
from onnxtool.model.view import ModelView, Scope, operator

# Longer attributes are told by their first characters.
MAX_ATTRIBUTE = 80


@dataclass(frozen=True, slots=True)
class OperatorCount:
    """How many nodes of an operator a module has on each side.

    Attributes:
        module: The outermost module, as `layers.0`; the path of a function; empty outside of all.
    """

    module: str
    operator: str
    before: int
    after: int


def operator_counts(before: ModelView, after: ModelView) -> tuple[OperatorCount, ...]:
    """The operators whose number differs, by module, in order of first appearance."""
    old, new = _counted(before), _counted(after)
    return tuple(
        OperatorCount(*key, old[key], new[key])
        for key in dict.fromkeys((*old, *new))
        if old[key] != new[key]
    )


def _counted(model: ModelView) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for root in model.roots:
        outside = "" if root is model.roots[0] else root.path
        for node in _nodes(root):
            counts[next(iter(node_module(node)), outside), operator(node)] += 1
    return counts


def _nodes(scope: Scope) -> Iterator[onnx.NodeProto]:
    yield from scope.nodes
    for inner in scope.inner:
        yield from _nodes(inner)


def renames(found: Alignment) -> tuple[tuple[str, str], ...]:
    """(before, after) of nodes that are the same computation under another name."""
    return tuple(
        (pair.before.name, pair.after.name)
        for pair in found.pairs
        if pair.same and pair.before.name != pair.after.name
    )


def structure_differences(found: Alignment) -> Iterator[Difference]:
    """How the nodes differ, in the order of the second model."""
    for pair in found.pairs:
        if not pair.same:
            yield _changed(pair)
    for scope, node in found.removed:
        yield _lone(Kind.NODE_REMOVED, scope, node)
    for scope, node in found.added:
        yield _lone(Kind.NODE_ADDED, scope, node)
    for scope, name in found.outputs:
        message = f"another value is given as this output of {scope}"
        yield Difference(Kind.OUTPUT_SOURCE, Impact.BEHAVIORAL, name, None, None, message)
    for name, added in found.functions:
        old, new = (None, name) if added else (name, None)
        message = "function added" if added else "function removed"
        yield Difference(Kind.FUNCTION, Impact.COSMETIC, name, old, new, message)
    if renamed := renames(found):
        (old, new), number = renamed[0], len(renamed)
        others = f", and {number - 1:,} more" if number > 1 else ""
        yield Difference(
            Kind.NODES_RENAMED,
            Impact.COSMETIC,
            "names of nodes",
            old,
            new,
            f"the same computation under another name{others}",
        )


def _lone(kind: Kind, scope: str, node: Node) -> Difference:
    added = kind is Kind.NODE_ADDED
    impact = Impact.COSMETIC if node.operator in TRANSPARENT else Impact.BEHAVIORAL
    old, new = (None, node.operator) if added else (node.operator, None)
    message = f"node {'added' if added else 'removed'}"
    return Difference(kind, impact, place(scope, node), old, new, message)


def _changed(pair: NodePair) -> Difference:
    one, other = pair.before, pair.after
    where = place(pair.scope, other)
    if one.operator != other.operator:
        message = "another operator makes this value"
        kind = Kind.NODE_REPLACED
        return Difference(kind, Impact.BEHAVIORAL, where, one.operator, other.operator, message)
    old, new = dict(one.attributes), dict(other.attributes)
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    parts = [f"attribute {name}" for name in names]
    parts += [f"input {rewiring.slot}" for rewiring in pair.rewired]
    if len(one.outputs) != len(other.outputs):
        parts.append("number of outputs")
    impact = Impact.COSMETIC if one.operator in TRANSPARENT else Impact.BEHAVIORAL
    return Difference(
        Kind.NODE_CHANGED,
        impact,
        where,
        _shown(one, names, [rewiring.before for rewiring in pair.rewired]),
        _shown(other, names, [rewiring.after for rewiring in pair.rewired]),
        f"{other.operator}: another {', '.join(parts)}",
    )


def _shown(node: Node, names: Sequence[str], inputs: Sequence[str | None]) -> str | None:
    """The attributes and inputs of a node that differ, as they are on one side."""
    protos = {attribute.name: attribute for attribute in node.proto.attribute}
    parts = [_attribute(protos[name]) for name in names if name in protos]
    parts += [value for value in inputs if value]
    return ", ".join(parts) or None


def place(scope: str, node: Node) -> str:
    """Where a node is; the main graph is not named."""
    return node.label if scope == "main" else f"{scope}:{node.label}"


def _attribute(attribute: onnx.AttributeProto) -> str:
    text = str(onnx.helper.printable_attribute(attribute))
    return text if len(text) <= MAX_ATTRIBUTE else f"{text[:MAX_ATTRIBUTE]}…"

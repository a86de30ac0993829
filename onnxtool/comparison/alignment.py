"""How the nodes of two models correspond, in all their graphs and functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from onnxtool.comparison.identity import Content, Node, WeightKey, content, nodes_of
from onnxtool.comparison.interface import pair_values
from onnxtool.comparison.matching import match_nodes
from onnxtool.comparison.side import Side
from onnxtool.model.view import ModelView, Scope

# (first, second) names of values that correspond.
Values = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rewiring:
    """An input of two corresponding nodes that does not correspond.

    Attributes:
        slot: Its place.
        before: The constant, or the value's name, of the first node; None for no input.
        after: That of the second node.
    """

    slot: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class NodePair:
    """Two nodes that correspond.

    Attributes:
        scope: Path of the second one's graph.
        rewired: Inputs that come from elsewhere, or are other constants.
    """

    before: Node
    after: Node
    scope: str
    rewired: tuple[Rewiring, ...]

    @property
    def same(self) -> bool:
        """Whether they are the same computation on corresponding inputs."""
        one, other = self.before, self.after
        known = one.operator, one.attributes, len(one.outputs)
        return not self.rewired and known == (other.operator, other.attributes, len(other.outputs))


@dataclass(slots=True)
class Alignment:
    """What corresponds to what; is entered graph by graph.

    Attributes:
        pairs: Nodes, in the second model's order.
        removed: (scope, node) of the first model without a partner.
        added: (scope, node) of the second model without a partner.
        weights: Weights that corresponding nodes read at the same place.
        outputs: (scope, output) that another value is given as.
        functions: (name, whether it was added) of functions that one side only has.
    """

    pairs: list[NodePair] = field(default_factory=list)
    removed: list[tuple[str, Node]] = field(default_factory=list)
    added: list[tuple[str, Node]] = field(default_factory=list)
    weights: dict[WeightKey, WeightKey] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    functions: list[tuple[str, bool]] = field(default_factory=list)


def align(before: ModelView, after: ModelView) -> tuple[Alignment, Content, Content]:
    """Align two models, main graphs and functions of the same name; and what they store.

    Raises:
        ModelLoadError: A constant is damaged.
    """
    aligner = _Aligner(content(before), content(after))
    inputs, outputs = (
        [(one.name, other.name) for one, other in pair_values(*specs).pairs]
        for specs in ((before.inputs, after.inputs), (before.outputs, after.outputs))
    )
    (main, *old_functions), (new_main, *new_functions) = before.roots, after.roots
    aligner.scopes(main, new_main, inputs, outputs)
    left = {scope.path: scope for scope in old_functions}
    for scope in new_functions:
        if partner := left.pop(scope.path, None):
            aligner.scopes(partner, scope, *_ends(partner, scope))
        else:
            aligner.found.functions.append((scope.path, True))
    aligner.found.functions.extend((path, False) for path in left)
    return aligner.found, aligner.before, aligner.after


class _Aligner:
    """Aligns graph by graph, from what both models store."""

    def __init__(self, before: Content, after: Content) -> None:
        self.before, self.after = before, after
        self.found = Alignment()

    def scopes(self, before: Scope, after: Scope, inputs: Values, outputs: Values) -> None:
        """Align two main graphs, or two functions."""
        self._sides(Side(before, self.before), Side(after, self.after), inputs, outputs, {})

    def _sides(
        self,
        before: Side,
        after: Side,
        inputs: Values,
        outputs: Values,
        around: Mapping[str, str],
    ) -> None:
        same = {**around, **{new: old for old, new in inputs}}
        partners = match_nodes(before, after, same, outputs)
        for place, new in enumerate(after.nodes):
            old = before.nodes[partners[place]] if place in partners else None
            if old is None:
                self.found.added.append((after.scope.path, new))
            else:
                rewired = tuple(_rewired(before, after, old, new, same))
                self.found.pairs.append(NodePair(old, new, after.scope.path, rewired))
                self._pair_weights(before, after, old, new)
            self._subgraphs(before, after, old.graphs if old else {}, new.graphs, same)
        for place in sorted(set(range(len(before.nodes))) - set(partners.values())):
            self.found.removed.append((before.scope.path, before.nodes[place]))
            self._subgraphs(before, after, before.nodes[place].graphs, {}, same)
        self.found.outputs.extend(
            (after.scope.path, new)
            for old_name, new in outputs
            if before.token(old_name) != after.token(new, same)
        )

    def _subgraphs(
        self,
        before: Side,
        after: Side,
        theirs: Mapping[str, Scope],
        ours: Mapping[str, Scope],
        same: Mapping[str, str],
    ) -> None:
        """Align the graphs of two nodes by the attributes that hold them."""
        for name in dict.fromkeys((*theirs, *ours)):
            old, new = theirs.get(name), ours.get(name)
            if old and new:
                sides = Side(old, self.before, before), Side(new, self.after, after)
                self._sides(*sides, *_ends(old, new), same)
            elif old:
                _leave(old, self.found.removed)
            elif new:
                _leave(new, self.found.added)

    def _pair_weights(self, before: Side, after: Side, old: Node, new: Node) -> None:
        for one, other in zip(old.inputs, new.inputs, strict=False):
            theirs, ours = before.weight(one), after.weight(other)
            if theirs and ours:
                self.found.weights.setdefault(theirs, ours)


def _ends(one: Scope, other: Scope) -> tuple[Values, Values]:
    """Inputs and outputs that correspond by their place."""
    return (
        list(zip(one.input_names, other.input_names, strict=False)),
        list(zip(one.output_names, other.output_names, strict=False)),
    )


def _leave(scope: Scope, target: list[tuple[str, Node]]) -> None:
    """Enter the nodes of a graph that has no partner, and of those inside it."""
    target.extend((scope.path, node) for node in nodes_of(scope))
    for inner in scope.inner:
        _leave(inner, target)


def _rewired(
    before: Side, after: Side, old: Node, new: Node, same: Mapping[str, str]
) -> Iterator[Rewiring]:
    for slot, (one, other) in enumerate(zip_longest(old.inputs, new.inputs)):
        theirs = None if one is None else before.token(one)
        ours = None if other is None else after.token(other, same)
        if theirs != ours:
            yield Rewiring(slot, *_told(before, after, one, other))


def _told(
    before: Side, after: Side, one: str | None, other: str | None
) -> tuple[str | None, str | None]:
    """Two inputs in words; by what makes them as well, if they have the same name."""
    old, new = before.told(one), after.told(other)
    if one and other and old == new:
        return f"{old} ({before.maker(one)})", f"{new} ({after.maker(other)})"
    return old, new

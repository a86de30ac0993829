"""Which node of one graph is which node of another: by structure first, by name where that fails.

Two walks forwards through the second graph. A node corresponds

1. to the node with the same operator and attributes, whose inputs correspond: the same
   computation, whatever the two are called (the first walk looks for nothing else);
2. else, to the most similar node of the same operator, among those that bear its name, make a value
   of its name, read a weight of its name, or a value that corresponds to one of its inputs;
3. else, to the node of another operator that makes the value of its name: it was replaced.

Then one backwards, from the outputs:

4. the nodes that make corresponding values, of the same operator and attributes, correspond.

What is left was added or removed. What follows a change is compared with what its inputs
correspond to, so that one change does not make everything after it a change. Values are looked up
behind what hands them on as they are. Weights count by type alone: other values are another matter
than another structure.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, MutableMapping

from onnxtool.comparison.identity import TRANSPARENT, Node, Token
from onnxtool.comparison.side import Side

# Of a value that very many nodes read, only so many are looked at.
MAX_CANDIDATES = 16
# A name alone is no evidence: exporters number nodes, and one more moves all that follow.
LEAST_LIKENESS = 5
# Values that are only counted.
_NUMBERED = re.compile(r"\d*|onnx::.+")


def match_nodes(
    before: Side,
    after: Side,
    same: MutableMapping[str, str],
    outputs: Iterable[tuple[str, str]],
) -> dict[int, int]:
    """Place of a node of the second side -> that of its partner in the first.

    Args:
        before: The first side.
        after: The second side.
        same: Value of the second side -> that of the first, of inputs; is completed.
        outputs: (first, second) names of the outputs that correspond.
    """
    index = _Index(before)
    partners: dict[int, int] = {}
    for exact in (True, False):
        for place, node in enumerate(after.nodes):
            if place in partners:
                continue
            tokens = tuple(after.token(name, same) for name in node.inputs)
            found = index.find(node, tokens, after, exact=exact)
            if found is not None:
                partners[place] = found
                _enter(before, before.nodes[found], node, same)
    for new, old in _backwards(before, after, outputs, index, partners):  # 4
        partners[new] = old
        _enter(before, before.nodes[old], after.nodes[new], same)
    return partners


def _enter(before: Side, old: Node, new: Node, same: MutableMapping[str, str]) -> None:
    if old.operator in TRANSPARENT and new.operator in TRANSPARENT:
        return  # What they make is what they are given, which need not correspond.
    ends = zip(old.outputs, new.outputs, strict=False)
    same.update((b, before.source(a)) for a, b in ends if a and b)


def _backwards(
    before: Side,
    after: Side,
    outputs: Iterable[tuple[str, str]],
    index: _Index,
    partners: dict[int, int],
) -> Iterator[tuple[int, int]]:
    makers = {name: i for i, node in enumerate(after.nodes) for name in node.outputs if name}
    values = deque(outputs)
    values.extend(
        ends
        for new, old in partners.items()
        for ends in zip(before.nodes[old].inputs, after.nodes[new].inputs, strict=False)
    )
    while values:
        one, other = values.popleft()
        behind = before.source(one), after.source(other)
        if behind != (one, other):
            values.append(behind)
        old, new = index.maker(one), makers.get(other)
        if old is None or new is None or new in partners or not index.is_free(old):
            continue
        theirs, ours = before.nodes[old], after.nodes[new]
        if (theirs.operator, theirs.attributes) == (ours.operator, ours.attributes):
            index.take(old)
            yield new, old
            values.extend(zip(theirs.inputs, ours.inputs, strict=False))


class _Index:
    """Finds nodes of the first side that have no partner yet."""

    def __init__(self, side: Side) -> None:
        self._nodes = side.nodes
        self._tokens = [tuple(map(side.token, node.inputs)) for node in side.nodes]
        self._free = [True] * len(side.nodes)
        self._same: defaultdict[object, deque[int]] = defaultdict(deque)
        self._readers: defaultdict[Token, deque[int]] = defaultdict(deque)
        self._names: dict[str, int] = {}
        self._makers: dict[str, int] = {}
        for place, (node, tokens) in enumerate(zip(side.nodes, self._tokens, strict=True)):
            self._same[node.operator, node.attributes, tokens].append(place)
            for name, token in dict(zip(node.inputs, tokens, strict=True)).items():
                if token[0] == "value":
                    self._readers[token].append(place)
                elif side.weight(name):
                    self._readers["weight", name].append(place)
            if node.name:
                self._names.setdefault(node.name, place)
            for name in filter(None, node.outputs):
                self._makers.setdefault(name, place)

    def maker(self, value: str) -> int | None:
        """The node that computes a value."""
        return self._makers.get(value)

    def is_free(self, place: int) -> bool:
        """Whether a node has no partner yet."""
        return self._free[place]

    def take(self, place: int) -> int:
        """Give a node its partner."""
        self._free[place] = False
        return place

    def find(
        self, node: Node, tokens: tuple[Token, ...], after: Side, *, exact: bool
    ) -> int | None:
        """The partner of a node of the second side: cases 1 to 3 of the module."""
        key = node.operator, node.attributes, tokens
        twins = self._same.get(key, deque())
        known = [place for place in self._known(node, after) if self._free[place]]
        for place in known:  # 1, and of several, the one of the same name
            if self._key(place) == key:
                return self.take(place)
        while twins:
            if self._free[place := twins.popleft()]:
                return self.take(place)
        if exact:
            return None
        near = [place for token in dict.fromkeys(tokens) for place in self._reading(token)]
        likeness = {
            place: self._likeness(place, node, tokens)
            for place in (*known, *near)
            if self._nodes[place].operator == node.operator
        }
        best = max(likeness, key=lambda place: (likeness[place], -place), default=None)
        if best is not None and likeness[best] >= LEAST_LIKENESS:  # 2
            return self.take(best)
        for place in known:  # 3
            made = set(node.outputs) & set(self._nodes[place].outputs)
            if any(not _NUMBERED.fullmatch(name) for name in made):
                return self.take(place)
        return None

    def _key(self, place: int) -> object:
        node = self._nodes[place]
        return node.operator, node.attributes, self._tokens[place]

    def _known(self, node: Node, after: Side) -> Iterator[int]:
        """Nodes that share a name with this one: their own, an output's, a weight's."""
        if node.name in self._names:
            yield self._names[node.name]
        for name in node.outputs:
            if name in self._makers:
                yield self._makers[name]
        for name in node.inputs:
            if after.weight(name):
                yield from self._reading(("weight", name))

    def _reading(self, token: Token) -> Iterator[int]:
        """The first nodes without a partner that read a value."""
        readers = self._readers.get(token, deque())
        while readers and not self._free[readers[0]]:
            readers.popleft()
        for place, _ in zip(readers, range(MAX_CANDIDATES), strict=False):
            if self._free[place]:
                yield place

    def _likeness(self, place: int, node: Node, tokens: tuple[Token, ...]) -> int:
        other = self._nodes[place]
        slots = sum(a == b for a, b in zip(self._tokens[place], tokens, strict=False))
        pairs = zip(other.outputs, node.outputs, strict=False)
        outputs = sum(a == b and not _NUMBERED.fullmatch(a) for a, b in pairs)
        named = node.name == other.name != ""
        return 2 * (node.attributes == other.attributes) + 2 * named + 2 * outputs + 3 * slots

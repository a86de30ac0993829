"""The values of one side of a comparison, as they are seen from one of its graphs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from onnxtool.comparison.identity import (
    TRANSPARENT,
    Content,
    Node,
    Token,
    WeightKey,
    constant_text,
    constants_in_nodes,
    nodes_of,
    weight_token,
)
from onnxtool.model.view import Scope


class Side:
    """A graph or function, and what is seen from it: values of the graphs around it, too.

    Args:
        scope: The graph or function.
        stored: The model's stored values.
        around: The graph that this one is in.
    """

    def __init__(self, scope: Scope, stored: Content, around: Side | None = None) -> None:
        self.scope, self._around = scope, around
        self.nodes = nodes_of(scope)
        self._made = {name for node in self.nodes for name in node.outputs} | {*scope.input_names}
        self._weights = stored.weights.get(scope.path, {})
        own = dict(constants_in_nodes(scope)) | dict(stored.constants.get(scope.path, {}))
        self._constants = {name: own[name] for name in own.keys() - self._weights.keys()}
        self._handed_on = _handed_on(self.nodes, scope.input_names)

    def token(self, name: str, same: Mapping[str, str] | None = None) -> Token:
        """What a value is known by: its content, or the value of the first side that it is.

        Args:
            name: The value; empty for an input that is left out.
            same: Value of the second side -> that of the first; None on the first side.
        """
        if not name:
            return ("nothing",)
        name = self.source(name, same or {})
        if (stored := self.stored(name)) is not None:
            return stored
        if same is not None and name in same:
            return ("value", same[name])
        if not self.is_made(name):  # Damage, on both sides the same if it has the same name.
            return ("nowhere", name)
        return ("value", name) if same is None else ("new", name)

    def source(self, name: str, known: Collection[str] = ()) -> str:
        """The value that this one is, whatever hands it on as it is.

        Args:
            name: The value.
            known: Values that are not looked through: they correspond to others as they are.
        """
        while name not in known:
            if name in self._handed_on:
                name = self._handed_on[name]
            elif self._around and name not in self._made:
                return self._around.source(name, known)
            else:
                break
        return name

    def stored(self, name: str) -> Token | None:
        """What a stored value is known by; None for one that is computed, or handed on."""
        if name in self._constants:
            return self._constants[name]
        if name in self._weights:
            return weight_token(self._weights[name])
        return self._around.stored(name) if self._around else None

    def is_made(self, name: str) -> bool:
        """Whether an input or a node gives this value, here or in a graph around."""
        return name in self._made or (self._around is not None and self._around.is_made(name))

    def told(self, name: str | None) -> str | None:
        """An input in words: the constant that it is, or its name."""
        return (name and constant_text(self.stored(self.source(name)))) or name

    def maker(self, name: str) -> str:
        """The operator of the node that makes a value, in words."""
        made = (node.operator for node in self.nodes if name in node.outputs)
        return next(made, "of no node here")

    def weight(self, name: str) -> WeightKey | None:
        """The weight that a value is, or None."""
        name = self.source(name)
        if name in self._weights:
            return self.scope.path, name
        return self._around.weight(name) if self._around else None


def _handed_on(nodes: Sequence[Node], inputs: Collection[str]) -> dict[str, str]:
    """Value that a transparent node makes -> the value that it is given.

    Only what is made once and before it is read, so that no damaged graph leads in a circle.
    """
    found: dict[str, str] = {}
    made = {name for node in nodes for name in node.outputs}
    before = {*inputs}
    for node in nodes:
        if node.operator in TRANSPARENT and len(node.inputs) == len(node.outputs) == 1:
            (source,), (handed,) = node.inputs, node.outputs
            known = source in before or source not in made
            if source and handed and known and handed not in before:
                found[handed] = source
        before.update(node.outputs)
    return found

"""Find the softmax that a value is the result of, by walking back from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onnxtool.model.dataflow import Dataflow, Maker, Value
from onnxtool.model.view import ModelView
from onnxtool.rules.joint.constants import Constants
from onnxtool.rules.joint.log_forms import LogForms
from onnxtool.rules.joint.movement import carriers
from onnxtool.rules.joint.terms import LogSum


@dataclass(frozen=True, slots=True)
class Origin:
    """A node that an output, or a part of it, is the result of.

    Attributes:
        maker: The node.
        total: The sum that it is less by, or divided by; None for a node that normalizes nothing.
        path: The nodes between it and the output, from the output on, and the input of each that
            leads to it.
    """

    maker: Maker
    total: LogSum | None
    path: tuple[tuple[Maker, int], ...]

    @property
    def axis(self) -> int | None:
        """The axis it normalizes, in the rank of its node; None if it cannot be told."""
        return self.total.axis if self.total else None

    def __str__(self) -> str:
        text = f"{self.maker.node.op_type} at `{self.maker.location}`"
        adder = self.total.maker if self.total else self.maker
        if adder.value.key == self.maker.value.key:
            return text
        return f"{text}, with the sum that {adder.node.op_type} takes at `{adder.location}`"


class Normalizations:
    """The softmaxes of one model."""

    def __init__(self, model: ModelView) -> None:
        self.flow = Dataflow(model)
        self.constants = Constants(model, self.flow)
        self._forms = LogForms(self.flow, self.constants)

    def of(self, name: str) -> Iterator[Origin]:
        """Every softmax that an output is the result of, perhaps moved, scaled, cut or joined."""
        return (origin for origin in self.origins(name) if origin.total)

    def origins(self, name: str) -> Iterator[Origin]:
        """The softmaxes, and the other nodes that mix values, nearest to an output."""
        seen: set[tuple[int, str]] = set()
        waiting: list[tuple[Value, tuple[tuple[Maker, int], ...]]] = [
            (Value(self.flow.main, name), ())
        ]
        while waiting:
            value, path = waiting.pop()
            for maker in self.flow.makers(value):
                if maker.value.key in seen:
                    continue
                seen.add(maker.value.key)
                places = carriers(maker, self.constants)
                total = self._first(maker, places)
                if total or not places:
                    yield Origin(maker, total, path)
                    continue
                waiting.extend(
                    (maker.inputs[place], (*path, (maker, place))) for place in reversed(places)
                )

    def _first(self, maker: Maker, places: list[int]) -> LogSum | None:
        """The sum that makes this value normalized; None if it is not, or what it copies is."""
        total = self._forms.normalization(maker.value)
        before = (self._forms.normalization(maker.inputs[place]) for place in places)
        return None if total is None or any(before) else total

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
class Normalization:
    """A softmax on the way to an output.

    Attributes:
        maker: The node that gives it.
        total: The sum that it is less by, or divided by.
        path: The nodes between it and the output, from the output on, and the input of each that
            leads to it.
    """

    maker: Maker
    total: LogSum
    path: tuple[tuple[Maker, int], ...]

    @property
    def axis(self) -> int | None:
        """The axis it is over, in the rank of its node; None if it cannot be told."""
        return self.total.axis

    def __str__(self) -> str:
        text = f"{self.maker.node.op_type} at `{self.maker.location}`"
        adder = self.total.maker
        if adder.value.key == self.maker.value.key:
            return text
        return f"{text}, with the sum that {adder.node.op_type} takes at `{adder.location}`"


class Normalizations:
    """The softmaxes of one model."""

    def __init__(self, model: ModelView) -> None:
        self.flow = Dataflow(model)
        self.constants = Constants(model, self.flow)
        self._forms = LogForms(self.flow, self.constants)

    def of(self, name: str) -> Iterator[Normalization]:
        """Every softmax that an output is the result of, perhaps moved, scaled, cut or joined."""
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
                if total:
                    yield Normalization(maker, total, path)
                    continue
                waiting.extend(
                    (maker.inputs[place], (*path, (maker, place))) for place in reversed(places)
                )

    def _first(self, maker: Maker, places: list[int]) -> LogSum | None:
        """The sum that makes this value normalized; None if it is not, or what it copies is."""
        total = self._forms.normalization(maker.value)
        before = (self._forms.normalization(maker.inputs[place]) for place in places)
        return None if total is None or any(before) else total

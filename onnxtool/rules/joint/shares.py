"""Two parts that are a distribution together: a probability, and what it leaves to the others.

A transducer that factors out the blank (HAT) gives the blank a sigmoid p of its own, and each token
(1 - p) times its share in a softmax. Two entries p and 1 - p are the least of that kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from onnxtool.model.attributes import integer
from onnxtool.model.dataflow import Dataflow, Maker, Value
from onnxtool.rules.joint.constants import Constants
from onnxtool.rules.joint.terms import Form, Ledger, Terms, total

# What a sigmoid is of, moved: none of these cuts.
_MOVES = frozenset({"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"})
MAX_MOVES = 8


class Shares:
    """Finds joins of two such parts in one model.

    Args:
        of: Value -> the forms that it may have.
    """

    def __init__(
        self, constants: Constants, ledger: Ledger, of: Callable[[Value], tuple[Form, ...]]
    ) -> None:
        self._constants, self._ledger, self._of = constants, ledger, of

    def joined(self, concat: Maker) -> Iterator[tuple[bool, int]]:
        """Whether a join holds exponentials or logarithms, and its axis; nothing for any other."""
        rank = self._constants.rank(concat.value) if len(concat.inputs) == 2 else None
        if rank is None:
            return
        axis = integer(concat.node, "axis")
        axis = axis if axis < 0 else axis - rank
        for exponential in (False, True):
            left, right = (self._masses(part, axis, exponential) for part in concat.inputs)
            pairs = itertools.product(left, right)
            if any(self._ledger.are_complements(*pair) for pair in pairs):
                yield exponential, axis + rank

    def _masses(self, part: Value, axis: int, exponential: bool) -> list[Terms]:
        """What a part adds up to: one entry itself, or what a softmax is times."""
        if self._is_one(part, axis):
            return self._terms(part, exponential)
        signs = {"Mul": 1, "Div": -1} if exponential else {"Add": 1, "Sub": -1}
        return [
            total((terms, sign))
            for maker in self._constants.flow.makers(part)
            if (sign := signs.get(maker.node.op_type))
            for value, other in sides(maker, sign)
            if self._is_one(other, axis) and self._is_softmax(value, axis, exponential)
            for terms in self._terms(other, exponential)
        ]

    def _is_one(self, value: Value, axis: int) -> bool:
        return self._constants.size(value, axis) == 1

    def _is_softmax(self, value: Value, axis: int, exponential: bool) -> bool:
        terms = self._terms(value, exponential)
        found = (self._ledger.normalization(each, scaled=False) for each in terms)
        return any(each and self._from_last(each.maker, each.axis) == axis for each in found)

    def _from_last(self, maker: Maker, axis: int | None) -> int | None:
        rank = self._constants.rank(maker.inputs[0])
        if axis is None or axis < 0:
            return axis
        return None if rank is None else axis - rank

    def _terms(self, value: Value, exponential: bool) -> list[Terms]:
        return [form.terms for form in self._of(value) if form.is_exponential == exponential]


def sides(maker: Maker, sign: int = 1) -> tuple[tuple[Value, Value], ...]:
    """Each of two inputs with the other; the first alone where they cannot change places.

    Args:
        maker: The node; one with more or fewer inputs has none.
        sign: -1 for a difference or a quotient.
    """
    if len(maker.inputs) != 2:
        return ()
    left, right = maker.inputs
    return ((left, right), (right, left)) if sign > 0 else ((left, right),)


def left_over(maker: Maker, constants: Constants) -> Value | None:
    """The p of 1 - p, or of 1 + (-p), as `log1p` is exported; None for any other sum."""
    is_difference = maker.node.op_type == "Sub"
    for one, other in sides(maker, -1 if is_difference else 1):
        if constants.number(one) != 1:
            continue
        if is_difference:
            return other
        for made in constants.flow.makers(other):
            if made.node.op_type == "Neg" and made.inputs:
                return made.inputs[0]
    return None


def log_odds(value: Value, flow: Dataflow) -> tuple[Value, int]:
    """What a value is, or is the negative of, and the sign.

    To know two sigmoids for p and 1 - p takes more than their forms, in which what is added to all
    entries does not count.
    """
    sign = 1
    for _ in range(MAX_MOVES):
        makers = list(flow.makers(value))
        operator = makers[0].node.op_type if len(makers) == 1 and makers[0].inputs else ""
        if operator not in {"Neg", *_MOVES}:
            break
        sign = -sign if operator == "Neg" else sign
        value = makers[0].inputs[0]
    return flow.source(value), sign

"""Sums of multiples of terms: what is known of the logarithm of a value."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

from onnxtool.model.dataflow import Maker

# Number of a term -> its factor, in order of number.
Terms = tuple[tuple[int, float], ...]
# Rounding of factors, and what is nothing but that.
TOLERANCE = 1e-4
SMALLEST = 1e-6


class Form(NamedTuple):
    """A sum of multiples of terms, or the exponential of one."""

    is_exponential: bool
    terms: Terms


@dataclass(frozen=True, slots=True)
class LogSum:
    """A term that is the log-sum-exp of a form.

    Attributes:
        terms: The form.
        maker: The node that takes the sum.
        axis: The axis it is over; None if it cannot be told.
    """

    terms: Terms
    maker: Maker
    axis: int | None


class Ledger:
    """The terms of one model, each of which is known again by its key."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._sums: dict[int, LogSum] = {}
        self._sigmoids: dict[int, Terms] = {}

    def term(self, key: Hashable) -> Terms:
        """The term of this key, and nothing else."""
        return ((self._numbers.setdefault(key, len(self._numbers)), 1.0),)

    def log_sum(self, terms: Terms, maker: Maker, axis: int | None) -> Terms:
        """The log-sum-exp of a form, as one node takes it: others may take it of a part."""
        term = self.term(("sum", terms, maker.value.key))
        self._sums.setdefault(term[0][0], LogSum(terms, maker, axis))
        return term

    def sigmoid(self, terms: Terms) -> Terms:
        """The logarithm of the sigmoid of a form."""
        term = self.term(("sigmoid", terms))
        self._sigmoids[term[0][0]] = terms
        return term

    def complement(self, terms: Terms) -> Terms:
        """The logarithm of what an exponential leaves of 1: of a sigmoid, that of the negative."""
        match terms:
            case ((number, 1.0),) if number in self._sigmoids:
                return self.sigmoid(total((self._sigmoids[number], -1)))
            case _:
                return self.term(("complement", terms))

    def are_complements(self, one: Terms, other: Terms) -> bool:
        """Whether the exponentials of two forms add up to 1."""
        return self.complement(one) == other or self.complement(other) == one

    def normalization(self, terms: Terms, *, scaled: bool = True) -> LogSum | None:
        """The log-sum-exp lse(f) where terms are f - lse(f), or a multiple of that if `scaled`."""
        for number, factor in terms:
            if (known := self._sums.get(number)) and (scaled or factor == -1):
                rest = total((terms, -1 / factor), (((number, 1.0),), 1.0))
                if _alike(rest, known.terms):
                    return known
        return None


def total(*weighted: tuple[Terms, float]) -> Terms:
    """The sum of multiples of sums of terms."""
    factors: dict[int, float] = {}
    for terms, weight in weighted:
        for number, factor in terms:
            factors[number] = factors.get(number, 0.0) + factor * weight
    # Rounded, so that equal ones are equal.
    left = ((number, float(f"{factor:.6g}")) for number, factor in sorted(factors.items()))
    return tuple((number, factor) for number, factor in left if abs(factor) > SMALLEST)


def _alike(left: Terms, right: Terms) -> bool:
    """Whether two sums have the same terms, with the same factors but for rounding."""
    return len(left) == len(right) > 0 and all(
        one == other and math.isclose(factor, wanted, rel_tol=TOLERANCE)
        for (one, factor), (other, wanted) in zip(left, right, strict=True)
    )

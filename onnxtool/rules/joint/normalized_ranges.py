"""Which neighboring entries of an axis are normalized, by the numbers alone.

The exponentials of log probabilities add up to 1 in every row, while each of them moves from row to
row. Sums up to every entry give those of all ranges, and for each beginning the one end that fits,
so that all ranges are looked at in the time that one takes, but for a logarithm.

Scores that are raw add up to 1 somewhere by chance: of several thousand entries, in a few hundred
ranges to the third digit. By chance they do so in one row and not in the next, unless the rows are
nearly alike. So a range that nobody names counts only if its sum stands still while its parts move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
# Of the logarithm of a sum: that of logits is as large as they are, a few; of log probabilities it
# is rounding.
NORMALIZED = 1e-3
# How much further the parts of a range move than its sum is off: of n independent entries, the
# parts of raw scores move some 0.2 √n times as far.
STEADINESS = 50.0
# What a sum of float32 is off by if it is 1.
ROUNDING = 1e-6
# A single entry that is always 0 would look like a range of its own.
FEWEST = 2
TINY = 1e-300
# Rows that ranges are looked for in; what is found is held against all.
MAX_ROWS = 48


@dataclass(frozen=True, slots=True)
class Range:
    """Entries [start, stop) of an axis that are normalized.

    Attributes:
        what: `log probabilities` or `probabilities`.
        worst: How far the logarithm of their sum is from 0 in the worst row.
        name: What they are, if somebody says so: `tokens`.
    """

    start: int
    stop: int
    what: str
    worst: float
    name: str = ""

    def __len__(self) -> int:
        return self.stop - self.start


def normalized(rows: Array, heads: Mapping[str, tuple[int, int]]) -> list[Range]:
    """The ranges that are normalized in every row, in order; the whole axis if that is one.

    Args:
        rows: Scores [rows, entries], finite or minus infinity.
        heads: Name -> first entry and the one after the last, of what is known to be a head.
    """
    kinds = [_Kind(what, weights) for what, weights in _weights(rows)]
    size = rows.shape[1]
    for kind in kinds:
        if (whole := kind.range(0, size)).worst < NORMALIZED and size >= FEWEST:
            return [whole]
    found = [
        named
        for name, (start, stop) in heads.items()
        for kind in kinds
        if stop - start >= FEWEST and (named := kind.range(start, stop, name)).worst < NORMALIZED
    ]
    searched = [(each, kind) for kind in kinds for each in kind.searched()]
    # The nearest to 1 come first, and the leftmost of those that are equally near.
    searched.sort(key=lambda pair: (_order(pair[0].worst), pair[0].start))
    for each, kind in searched:
        apart = all(each.stop <= other.start or each.start >= other.stop for other in found)
        if apart and kind.is_steady(each):
            found.append(each)
    return sorted(found, key=lambda each: each.start)


def _weights(rows: Array) -> Iterator[tuple[str, Array]]:
    """What must add up to 1 [rows, entries], if they are log probabilities, or probabilities.

    An entry that is none, as it is more than 1 or less than 0, or always 1, counts 2: no range
    with it adds up to 1, and no sum becomes so large that others are lost in it.
    """
    kinds = (("log probabilities", np.exp(np.minimum(rows, 1.0))), ("probabilities", rows.copy()))
    for what, weights in kinds:
        is_one = (weights == weights[:1]).all(axis=0) & (np.abs(weights[0] - 1) < NORMALIZED)
        impossible = (weights < 0).any(axis=0) | (weights > 1 + NORMALIZED).any(axis=0) | is_one
        weights[:, impossible] = 2.0
        yield what, weights


class _Kind:
    """What must add up to 1, and its sums up to every entry."""

    def __init__(self, what: str, weights: Array) -> None:
        self.what, self.weights = what, weights
        zeros = np.zeros((len(weights), 1))
        self.up_to = np.concatenate([zeros, np.cumsum(weights, axis=1)], axis=1)

    def range(self, start: int, stop: int, name: str = "") -> Range:
        """These entries, and how far they are from adding up to 1."""
        sums = np.maximum(self.up_to[:, stop] - self.up_to[:, start], TINY)
        return Range(start, stop, self.what, float(np.abs(np.log(sums)).max()), name)

    def searched(self) -> Iterator[Range]:
        """For each beginning, the range that is nearest to 1, if one is near enough."""
        some = self.up_to[:: -(-len(self.up_to) // MAX_ROWS)]
        first, last = _ends(some)
        starts = np.flatnonzero(first <= last)
        for start, stop in zip(starts, _nearest(some, starts, first, last), strict=True):
            stops = {max(int(first[start]), int(stop) - 1), int(stop), int(last[start])}
            found = [self.range(int(start), each) for each in sorted(stops)]
            # Of those that are equally near, the longest: the end of the axis, say.
            best = min(found, key=lambda each: (_order(each.worst), -each.stop))
            if best.worst < NORMALIZED:
                yield best

    def is_steady(self, found: Range) -> bool:
        """Whether its parts move from row to row, and its sum does not."""
        parts = self.weights[:, found.start : found.stop]
        moved = np.abs(parts - parts.mean(axis=0)).sum(axis=1) / 2
        return bool(np.median(moved) > STEADINESS * found.worst)


def _order(worst: float) -> int:
    """Half its order of magnitude: what is equally near to 1."""
    return round(2 * math.log10(max(worst, ROUNDING)))


def _ends(up_to: Array) -> tuple[Array, Array]:
    """For each beginning, the first and the last end that is near enough in every row."""
    entries = np.arange(up_to.shape[1])
    first, last = entries + FEWEST, np.full(up_to.shape[1], up_to.shape[1] - 1)
    for sums in up_to:
        low, high = sums + np.exp(-NORMALIZED), sums + np.exp(NORMALIZED)
        first = np.maximum(first, np.searchsorted(sums, low, side="left"))
        last = np.minimum(last, np.searchsorted(sums, high, side="right") - 1)
    return first, last


def _nearest(up_to: Array, starts: Array, first: Array, last: Array) -> Array:
    """For each of some beginnings, the end whose sums lie around 1: sums grow with the end."""
    low, high = first[starts].copy(), last[starts].copy()
    while (low < high).any():
        middle = (low + high) // 2
        sums = up_to[:, middle] - up_to[:, starts]
        enough = sums.max(axis=0) + sums.min(axis=0) >= 2
        low, high = (
            np.where(enough | (low >= high), low, middle + 1),
            np.where(enough, middle, high),
        )
    return low

"""Multiply-accumulate operations of an Einsum, contracted as ONNX Runtime does it.

Source: onnxruntime/core/providers/cpu/math/einsum_utils/einsum_typed_compute_processor.cc
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

# A letter, or for an axis of an ellipsis its place from the end of that: -2, -1.
Label = str | int


# After spaces are left out.
_EQUATION = re.compile(r"([A-Za-z.,]*)(?:->([A-Za-z.]*))?")


def einsum_macs(equation: str, shapes: Sequence[Sequence[int]]) -> int:
    """The sum over pairs, each the product of the sizes of all labels in it.

    1. The first two operands are contracted, then the result and the third, and so on.
    2. A label that only one of a pair has, and nothing later, is summed first: without products.

    Raises:
        ValueError: There is no such equation, or the shapes are not those of its operands.
    """
    match = _EQUATION.fullmatch(equation.replace(" ", ""))
    if match is None:
        raise ValueError(f"{equation!r:.40} is no equation")
    given = zip(match[1].split(","), shapes, strict=True)
    terms = [_labels(term, len(shape)) for term, shape in given]
    last = {label: place for place, term in enumerate(terms) for label in term}
    last |= dict.fromkeys(_result(terms, match[2]), len(terms))
    # An axis of one element is broadcast.
    left, *others = (
        {label: size for label, size in zip(term, shape, strict=True) if size != 1}
        for term, shape in zip(terms, shapes, strict=True)
    )
    total = 0
    for place, right in enumerate(others, start=1):  # 1
        sizes = left | right
        left_over = {label: size for label, size in sizes.items() if last[label] > place}
        multiplied = left_over.keys() | (left.keys() & right.keys())  # 2
        total += math.prod(sizes[label] for label in multiplied)
        left = left_over
    return total


def _labels(term: str, rank: int) -> list[Label]:
    """What each axis is called."""
    before, dots, after = term.partition("...")
    return [*before, *(range(len(before) + len(after) - rank, 0) if dots else ()), *after]


def _result(terms: Sequence[Sequence[Label]], written: str | None) -> set[Label]:
    """The labels that come out: as written, else those that are there once; an ellipsis always."""
    counts = Counter(label for term in terms for label in term)
    once = {label for label, times in counts.items() if times == 1}
    kept = once if written is None else set(written.replace(".", ""))
    return {label for label in counts if isinstance(label, int)} | kept

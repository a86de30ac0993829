"""Text in columns of any width: folded where a reader would, and never inside a word if it fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells

# Where a line may end, best first: between the items of a list, between words, inside a name.
_BREAKS = tuple(map(re.compile, (r"(?<= [·-] )", r"(?<= )", r"(?<=[_./:,|=-])(?=[^ ])")))
# Longer words are folded, rather than that a column is left out for them.
_LONGEST_WORD = 24


def fold(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, without the spaces where it was folded."""
    return [line.rstrip() for line in _fold(text, max(width, 2), 0)]


def _fold(text: str, width: int, level: int) -> list[str]:
    if cell_len(text.rstrip()) <= width:
        return [text]
    if level == len(_BREAKS):
        return chop_cells(text, width)
    lines, current = [], ""
    for part in _BREAKS[level].split(text):
        if cell_len((current + part).rstrip()) <= width:
            current += part
            continue
        if current:
            lines.append(current)
        *full, current = _fold(part, width, level + 1)
        lines.extend(full)
    return [*lines, current]


def longest_word(text: str) -> int:
    """The least width in which it is folded between words alone, if they are not too long."""
    return min(max(map(cell_len, text.split(" "))), _LONGEST_WORD)


def fit(natural: Sequence[int], floors: Iterable[Sequence[int]], width: int) -> list[int]:
    """Widths of columns that together take `width`, the widest made narrower first.

    Args:
        natural: What each column would take.
        floors: What each needs, and what it needs where those together are too wide, and so on.
        width: Of all columns.
    """
    for floor in floors:
        for cap in range(width, 0, -1):
            widths = [min(n, max(m, cap)) for n, m in zip(natural, floor, strict=True)]
            if sum(widths) <= width:
                return widths
    return [1] * len(natural)

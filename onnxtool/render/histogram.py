"""A distribution in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

CELLS = 16
# Nothing is no space: lines are broken at spaces, and Markdown makes one of several.
_LEVELS = "·▁▂▃▄▅▆▇█"
# What lies above this part of the samples goes into the last cell, so that one outlier does not
# squeeze all others into the first.
_SHOWN = 0.98


def histogram(samples: Sequence[float]) -> str:
    """The samples from the shortest to the 98th percentile, the rest in the last cell."""
    ordered = sorted(samples)
    low, high = ordered[0], ordered[int((len(ordered) - 1) * _SHOWN)]
    if high <= low:
        return _LEVELS[-1]
    counts = [0] * CELLS
    for sample in ordered:
        counts[min(CELLS - 1, int((sample - low) / (high - low) * CELLS))] += 1
    most = max(counts)
    # The least that is not nothing is one eighth.
    return "".join(_LEVELS[-(-count * 8 // most)] for count in counts)

"""When the runs of a process have become stable."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

# Caches fill and frequencies rise for about so long, however short a run is.
LEAST_S = 0.1
LEAST_RUNS = 4
# Faster than before by more than this: not stable yet.
TOLERANCE = 0.02


def is_stable(durations_s: Sequence[float]) -> bool:
    """Whether the last runs are not faster any more than those before them.

    1. There were a few, and they took a while.
    2. The median of the last quarter is below that of the quarter before by at most 2 %, or by
       what noise explains: getting slower again is throttling, and no matter of warming up.
    """
    if len(durations_s) < LEAST_RUNS or sum(durations_s) < LEAST_S:  # 1
        return False
    quarter = max(2, len(durations_s) // 4)  # 2
    last = statistics.median(durations_s[-quarter:])
    before = statistics.median(durations_s[-2 * quarter : -quarter])
    deviations = [abs(duration - last) for duration in durations_s[-quarter:]]
    # One and a half standard errors of the difference of two medians, judged by the MAD.
    noise = 1.5 * 1.2533 * 1.4826 * statistics.median(deviations) * math.sqrt(2 / quarter)
    return before - last <= max(TOLERANCE * before, noise)

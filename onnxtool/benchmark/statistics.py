"""What raw samples say: a median with its interval, percentiles, spread, outliers.

Latencies are skewed, drift, and differ from process to process, so nothing here takes them to be
normal or independent. Samples are grouped as they were taken: processes, and blocks of runs within
a process. The unit of resampling is the block (its median), within the process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
# Medians of blocks, by process.
Groups = Sequence[Sequence[float]]

RESAMPLES = 2000
# Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): modified z-score above 3.5.
OUTLIER_SCORE = 3.5
# A standard deviation is so many median absolute deviations, if the distribution is normal.
MAD_TO_DEVIATION = 1.4826
# A part of the samples, such as the slowest 1 %, is told of where one of them is in it at least:
# of fewer, a percentile is the longest run by another name.
LEAST_SAMPLES = {"p90": 10, "p95": 20, "p99": 100}
# Student's t, 97.5 %, for 1, 2, 3, … degrees of freedom; the normal distribution's is the last.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160)
_NORMAL = 1.960
# One block alone tells nothing of where the true value is: a factor of 1000 either way, since JSON
# knows no infinity.
_UNKNOWN = math.log(1000)


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies with 95 % confidence."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Summary:
    """The distribution of some durations.

    Attributes:
        count: How many there are.
        median_s: Half of them took less.
        interval_s: Of the median.
        min_s: The shortest.
        max_s: The longest.
        p90_s, p95_s, p99_s: 90, 95 and 99 % of them took less; see `supports`.
        spread: The median absolute deviation, scaled to a standard deviation, over the median.
        outliers: Positions of those that are far from the rest; they are kept in all the above.
    """

    count: int
    median_s: float
    interval_s: Interval
    min_s: float
    max_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    spread: float
    outliers: tuple[int, ...]

    @property
    def precision(self) -> float:
        """Half of the interval, as a part of the median."""
        return self.interval_s.half_width / self.median_s if self.median_s else math.inf

    def supports(self, percentile: str) -> bool:
        """Whether there are enough samples for `p90`, `p95` or `p99` to say anything."""
        return self.count >= LEAST_SAMPLES[percentile]


def summarize(samples_s: Sequence[float], groups: Groups) -> Summary:
    """Summarize durations.

    Args:
        samples_s: All of them, in the order measured; at least one.
        groups: The medians of their blocks, by process.
    """
    values = np.asarray(samples_s, np.float64)
    median = float(np.median(values))
    p90, p95, p99 = (float(value) for value in np.quantile(values, [0.90, 0.95, 0.99]))
    return Summary(
        count=values.size,
        median_s=median,
        interval_s=_exp(_log_interval(_log(groups))),
        min_s=float(values.min()),
        max_s=float(values.max()),
        p90_s=p90,
        p95_s=p95,
        p99_s=p99,
        spread=_deviation(values) / median if median else 0.0,
        outliers=outliers(values),
    )


def outliers(samples: Sequence[float] | Floats) -> tuple[int, ...]:
    """Positions of values whose modified z-score is above 3.5."""
    values = np.asarray(samples, np.float64)
    deviation = _deviation(values)
    if not deviation:  # More than half are equal: no scale to judge the others by.
        return ()
    far = np.abs(values - np.median(values)) > OUTLIER_SCORE * deviation
    return tuple(int(position) for position in np.flatnonzero(far))


def _deviation(values: Floats) -> float:
    return float(np.median(np.abs(values - np.median(values)))) * MAD_TO_DEVIATION


def median_interval(groups: Groups) -> Interval:
    """Interval of the median of values that may have any sign."""
    draws = np.median(_resampled(groups, np.random.default_rng(0)), axis=1)
    return _widened(_median(groups), draws, len(groups))


def ratio_interval(candidate: Groups, reference: Groups, *, paired: bool) -> Interval:
    """Interval of how many times longer the candidate takes.

    Args:
        candidate: Medians of its blocks, by process.
        reference: Likewise.
        paired: They were measured in turn, block by block: neighbors are resampled together, so
            that what disturbed both does not count. `ratio` must be told the same.
    """
    if paired:
        interval = _log_interval(_log_ratios(candidate, reference))
    elif _is_lone(candidate) or _is_lone(reference):
        interval = _unknown(math.log(ratio(candidate, reference, paired=False)))
    else:
        generator = np.random.default_rng(0)
        drawn = [
            np.median(_resampled(_log(groups), generator), axis=1)
            for groups in (candidate, reference)
        ]
        point = math.log(ratio(candidate, reference, paired=False))
        interval = _widened(point, drawn[0] - drawn[1], min(len(candidate), len(reference)))
    return _exp(interval)


def _log_interval(groups: Groups) -> Interval:
    return _unknown(_median(groups)) if _is_lone(groups) else median_interval(groups)


def _is_lone(groups: Groups) -> bool:
    return sum(map(len, groups)) == 1


def _unknown(point: float) -> Interval:
    return Interval(point - _UNKNOWN, point + _UNKNOWN)


def ratio(candidate: Groups, reference: Groups, *, paired: bool) -> float:
    """How many times longer the candidate takes: of medians, or the median of paired ratios."""
    if paired:
        return math.exp(_median(_log_ratios(candidate, reference)))
    return _median(candidate) / _median(reference)


def _log_ratios(candidate: Groups, reference: Groups) -> list[list[float]]:
    return [
        [math.log(left / right) for left, right in zip(lefts, rights, strict=True)]
        for lefts, rights in zip(candidate, reference, strict=True)
    ]


def _log(groups: Groups) -> Groups:
    return [[math.log(value) for value in group] for group in groups]


def _exp(interval: Interval) -> Interval:
    return Interval(math.exp(interval.low), math.exp(interval.high))


def _median(groups: Groups) -> float:
    return float(np.median(np.concatenate([np.asarray(group) for group in groups])))


def _resampled(groups: Groups, generator: np.random.Generator) -> Floats:
    """Draw processes, and blocks within them, with replacement: [RESAMPLES, values]."""
    longest = max(map(len, groups))
    counts = np.array([len(group) for group in groups])
    padded = np.array([[*group, *[0.0] * (longest - len(group))] for group in groups])
    process = generator.integers(0, len(groups), (RESAMPLES, len(groups), 1))
    block = (generator.random((RESAMPLES, len(groups), longest)) * counts[process]).astype(int)
    drawn: Floats = padded[process, block].reshape(RESAMPLES, -1)
    return drawn


def _widened(point: float, draws: Floats, processes: int) -> Interval:
    """The percentile interval, made wider for few processes.

    A bootstrap of n units shrinks the deviation by sqrt((n - 1) / n) and knows no Student's t
    (Hesterberg, What Teachers Should Know about the Bootstrap, 2015, section 4.3).
    """
    low, high = (float(value) for value in np.quantile(draws, [0.025, 0.975]))
    factor = small_sample_factor(processes)
    return Interval(point - max(0.0, point - low) * factor, point + max(0.0, high - point) * factor)


def small_sample_factor(processes: int) -> float:
    """By how much an interval is widened for so many processes.

    One process tells nothing of how processes differ: its interval is no narrower than that of two.
    """
    processes = max(processes, 2)
    quantile = _T[processes - 2] if processes - 2 < len(_T) else _NORMAL + 2.4 / (processes - 1)
    return quantile / _NORMAL * math.sqrt(processes / (processes - 1))

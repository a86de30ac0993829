"""What raw samples say is exact where it can be, and honest where it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onnxtool.benchmark.statistics import (
    median_interval,
    outliers,
    ratio,
    ratio_interval,
    small_sample_factor,
    summarize,
)

from .built import noisy


def medians(median_s: float, noise: float, seed: int, between: float = 0.0) -> list[list[float]]:
    return [
        [float(np.median(block)) for block in process.blocks_s]
        for process in noisy(median_s, noise, seed=seed, between=between)
    ]


def test_a_summary_of_equal_samples_is_those_samples() -> None:
    summary = summarize([0.01] * 6, [[0.01] * 3] * 2)
    assert summary.count == 6
    assert summary.median_s == summary.min_s == summary.max_s == summary.p99_s == 0.01
    assert summary.interval_s.low == summary.interval_s.high == pytest.approx(0.01)
    assert summary.precision == pytest.approx(0)
    assert (summary.spread, summary.outliers) == (0, ())


def test_percentiles_are_those_of_all_samples() -> None:
    samples = [number / 1000 for number in range(1, 102)]
    summary = summarize(samples, [samples])
    assert summary.median_s == 0.051
    assert [summary.p90_s, summary.p95_s, summary.p99_s] == pytest.approx([0.091, 0.096, 0.1])


def test_outliers_are_found_and_kept() -> None:
    samples = [1.0, 1.01, 0.99, 1.02, 0.98, 9.0, 1.0, 0.2]
    assert outliers(samples) == (5, 7)
    assert summarize(samples, [samples]).max_s == 9.0


def test_samples_that_are_mostly_equal_give_no_scale_for_outliers() -> None:
    assert outliers([1.0, 1.0, 1.0, 5.0]) == ()


def test_an_interval_is_the_same_whenever_it_is_asked_for() -> None:
    groups = medians(0.01, 0.05, seed=1)
    assert median_interval(groups) == median_interval(groups)


def test_processes_may_have_different_numbers_of_blocks() -> None:
    interval = median_interval([[1.0, 1.1, 1.2], [1.1], [1.0, 1.2]])
    assert interval.low < 1.1 < interval.high


def test_few_processes_make_an_interval_wider() -> None:
    """t(4) / 1.96 * sqrt(5 / 4) for five."""
    assert small_sample_factor(5) == pytest.approx(2.776 / 1.96 * math.sqrt(5 / 4))
    factors = [small_sample_factor(count) for count in range(2, 40)]
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] == pytest.approx(1.04, abs=0.02)


def test_one_process_does_not_make_an_interval_narrower_than_two() -> None:
    assert small_sample_factor(1) == small_sample_factor(2)


def test_one_block_tells_nothing_of_where_the_median_is() -> None:
    assert summarize([0.01], [[0.01]]).precision > 1
    for paired in (False, True):
        interval = ratio_interval([[1.01]], [[1.0]], paired=paired)
        assert interval.low < 0.1
        assert interval.high > 10


@pytest.mark.parametrize("blocks", [2, 8])
@pytest.mark.parametrize("paired", [False, True])
def test_of_one_process_each_a_model_is_seldom_told_from_itself(blocks: int, paired: bool) -> None:
    """Processes differ by as much as the blocks within one; the noise floor comes on top."""
    generator = np.random.default_rng(0)

    def process() -> list[list[float]]:
        return [list(np.exp(generator.normal(0, 0.02) + generator.normal(0, 0.02, blocks)))]

    trials = [ratio_interval(process(), process(), paired=paired) for _ in range(200)]
    assert sum(not interval.low <= 1 <= interval.high for interval in trials) <= 30


@pytest.mark.parametrize("between", [0.0, 0.02])
def test_the_interval_covers_the_median_in_95_of_100(between: float) -> None:
    """Also where processes differ more than the runs within one."""
    trials = [median_interval(medians(1.0, 0.02, seed, between)) for seed in range(200)]
    covered = sum(interval.low <= 1.0 <= interval.high for interval in trials)
    assert covered >= 187


def test_a_ratio_of_paired_blocks_does_not_see_what_disturbs_both() -> None:
    """The machine gets 50 % slower in the middle; the candidate takes 3 % longer all the time."""
    drift = np.linspace(1, 1.5, 40).reshape(5, 8)
    reference, candidate = drift.tolist(), (drift * 1.03).tolist()
    assert ratio(candidate, reference, paired=True) == pytest.approx(1.03)
    paired = ratio_interval(candidate, reference, paired=True)
    assert (paired.low, paired.high) == pytest.approx((1.03, 1.03))
    apart = ratio_interval(candidate, reference, paired=False)
    assert apart.low < 0.9
    assert apart.high > 1.15


def test_the_ratio_is_of_medians_where_nothing_is_paired() -> None:
    assert ratio([[2.0, 2.2]], [[1.0, 1.1, 1.2]], paired=False) == pytest.approx(2.1 / 1.1)

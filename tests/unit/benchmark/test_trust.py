"""The method as a whole, on a machine that is as noisy as it is told to be.

Each process is a little faster or slower than the others for as long as it lives, the machine gets
slower and faster again by a tenth, and every run is disturbed. On real machines, the same is
measured by `benchmarks.bench`.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from onnxtool.benchmark.comparison import Verdict, change
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.result import BenchmarkMethod, Subject

from .simulated import Duration, Machine, work

BETWEEN_PROCESSES, BETWEEN_RUNS, DRIFT, PERIOD_S = 0.004, 0.03, 0.1, 7.0
METHOD = BenchmarkMethod(precision=0.01, budget_s=60)


def noisy(median_s: float, seed: int) -> Duration:
    generator = np.random.default_rng(seed)
    offsets = np.exp(BETWEEN_PROCESSES * generator.standard_normal(100))
    noise = itertools.cycle(np.exp(BETWEEN_RUNS * generator.standard_normal(9973)).tolist())

    def duration(process: int, _count: int, now_s: float) -> float:
        drift = 1 + DRIFT * math.sin(2 * math.pi * now_s / PERIOD_S)
        return float(median_s * offsets[process] * drift * next(noise))

    return duration


def verdict(factor: float, seed: int) -> Verdict:
    durations = {
        subject: noisy(0.01 * (factor if subject is Subject.CANDIDATE else 1), 3 * seed + index)
        for index, subject in enumerate(Subject)
    }
    machine = Machine(durations)
    bench = Bench(METHOD, machine.launch, machine.clock_s, pause=machine.pause)
    candidate, reference, again = bench.measure([work(subject) for subject in Subject])
    return change(reference, candidate, again, paired=True).verdict


def verdicts(factor: float, trials: int) -> Counter[Verdict]:
    return Counter(verdict(factor, seed) for seed in range(trials))


def test_a_model_is_not_called_different_from_itself() -> None:
    assert verdicts(1.0, 20)[Verdict.SAME] >= 19


@pytest.mark.parametrize(("factor", "name"), [(1.03, Verdict.SLOWER), (1 / 1.03, Verdict.FASTER)])
def test_three_percent_more_work_is_found(factor: float, name: Verdict) -> None:
    assert verdicts(factor, 20)[name] >= 18

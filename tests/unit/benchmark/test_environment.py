"""What else happened on the machine, from its counters, and what is to be doubted for it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.benchmark.comparison import change
from onnxtool.benchmark.doubts import doubts, machine_doubts
from onnxtool.benchmark.environment import (
    Meanwhile,
    Moment,
    conditions,
    environment,
    frequency_mhz,
    in_order,
    moment,
)
from onnxtool.benchmark.result import BenchmarkResult, Stop, Subject
from onnxtool.benchmark.statistics import Interval

from .built import MACHINE, QUIET, measurement, noisy, process, result

TICKS = os.sysconf("SC_CLK_TCK")


def at(busy_s: float, idle_s: float, own_s: float, steal_s: float = 0.0) -> Moment:
    ticks = (int(seconds * TICKS) for seconds in (busy_s, idle_s, steal_s))
    busy, idle, steal = ticks
    return Moment(0.5, busy, idle, steal, own_s, 2600.0)


def quiet() -> BenchmarkResult:
    return result(measurement([process([[0.01] * 5] * 4)] * 5))


def test_shares_are_of_all_processor_time() -> None:
    found = conditions("now", 10, at(100, 100, 5), at(108, 110, 11, steal_s=2))
    assert found.other_share == pytest.approx((8 - 6) / 20)
    assert found.steal_share == pytest.approx(2 / 20)


@pytest.mark.parametrize(
    ("pairs", "order"),
    [
        ({}, (3, 2, 1, 0)),
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, (3, 1, 2, 0)),
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, (3, 2, 1, 0)),
    ],
)
def test_a_second_thread_of_a_core_is_used_last(
    pairs: dict[int, str], order: tuple[int, ...]
) -> None:
    assert in_order(range(4), lambda core: pairs.get(core, str(core))) == order


def test_a_system_without_counters_tells_nothing() -> None:
    found = conditions("now", 10, Moment(None, 0, 0, 0, 1, None), Moment(None, 0, 0, 0, 9, None))
    assert (found.other_share, found.steal_share, found.load_before) == (None, None, None)


def test_the_frequency_is_that_of_the_slowest_of_the_cores_that_work(tmp_path: Path) -> None:
    told = "processor\t: {}\nmodel name\t: X 9000 @ 2.0 GHz\ncpu MHz\t\t: {}\ncache size\t: 1\n"
    cpuinfo = tmp_path / "cpuinfo"
    mhz = {0: 800.0, 1: 2600.5, 10: 2100.0}
    cpuinfo.write_text("\n".join(told.format(*each) for each in mhz.items()))
    assert frequency_mhz((1, 10), cpuinfo) == 2100.0
    assert frequency_mhz((1,), cpuinfo) == 2600.5
    assert frequency_mhz((3,), cpuinfo) is None
    assert frequency_mhz((0,), tmp_path / "none") is None


def test_this_machine_can_be_described() -> None:
    machine = environment()
    assert machine.cpu
    assert machine.cores >= 1
    assert moment().own > 0


def test_a_quiet_machine_gives_no_doubts() -> None:
    made = quiet()
    assert list(machine_doubts(made)) == []
    assert list(doubts(made.measurements[0], 0.02)) == []


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"other_share": 0.4}, "not quiet: other processes took 40%"),
        ({"steal_share": 0.02}, "the host gave 2.0% of the processor time to others"),
        ({"frequency_after_mhz": 2000.0}, "slowed down from 2600 to 2000 MHz"),
    ],
)
def test_a_machine_that_was_not_quiet_is_said_to_be_so(
    changes: dict[str, float], doubt: str
) -> None:
    made = replace(quiet(), conditions=replace(QUIET, **changes))  # type: ignore[arg-type]
    (found,) = machine_doubts(made)
    assert doubt in found


def test_a_governor_that_saves_power_is_a_doubt() -> None:
    made = replace(quiet(), environment=replace(MACHINE, governor="powersave"))
    (found,) = machine_doubts(made)
    assert "`powersave`" in found


@pytest.mark.parametrize(
    ("meanwhile", "doubt"),
    [
        (Meanwhile(0.5, 0.0, 2600.0), "other processes took 10% of the processor time meanwhile"),
        (Meanwhile(0.0, 0.1, 2600.0), "the host gave 2.0% of the processor time to others"),
        (Meanwhile(0.0, 0.0, 2000.0), "its processes ran at 2000 to 2600 MHz"),
    ],
)
def test_what_disturbed_one_measurement_is_told_of_that(meanwhile: Meanwhile, doubt: str) -> None:
    calm = process([[0.01] * 5] * 4, meanwhile=Meanwhile(0.0, 0.0, 2600.0))
    made = measurement([*[calm] * 4, replace(calm, meanwhile=meanwhile)])
    (found,) = doubts(made, 0.02)
    assert found.startswith(doubt)
    assert list(doubts(measurement([calm] * 5), 0.02)) == []
    assert list(doubts(replace(made, subject=Subject.REFERENCE), 0.02)) == []


def test_of_models_that_are_measured_in_turn_the_ratio_is_to_be_precise() -> None:
    new, old = (
        replace(measurement(noisy(0.01, 0.5, seed=seed), subject), stop=Stop.BUDGET)
        for seed, subject in enumerate((Subject.CANDIDATE, Subject.REFERENCE))
    )
    found = change(old, new, paired=True)
    wide, narrow = replace(found, interval=Interval(0.9, 1.2)), Interval(0.99, 1.01)
    assert (
        next(doubts(new, 0.02, wide))
        == "not precise: ±15.0% of the ratio, where ±2.0% was asked for"
    )
    assert not any("precise" in doubt for doubt in doubts(old, 0.02, wide))
    precise = doubts(new, 0.02, replace(found, interval=narrow))
    assert not any("precise" in doubt for doubt in precise)


def test_what_was_not_precise_warm_or_often_enough_is_a_doubt() -> None:
    processes = [replace(each, settled=False) for each in noisy(0.01, 0.5, seed=1, processes=2)]
    made = replace(measurement(processes), stop=Stop.BUDGET)
    found = list(doubts(made, 0.02))
    assert any("±2.0% was asked for" in doubt for doubt in found)
    assert "few processes: 2" in found
    assert any("2 of 2 processes were not warm" in doubt for doubt in found)

"""The method, exactly: on a machine whose clock only moves when something runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from onnxtool.benchmark.environment import Meanwhile, Moment
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.result import BenchmarkMethod, Measurement, Stop, Subject
from onnxtool.benchmark.rounds import SPIN_S, MeasureError
from onnxtool.errors import UsageError
from onnxtool.runtime.run_errors import RunMemoryError, RunRefusedError

from .simulated import Machine, always, work

CANDIDATE, REFERENCE, AGAIN = Subject.CANDIDATE, Subject.REFERENCE, Subject.AGAIN
METHOD = BenchmarkMethod(precision=0.02, budget_s=30, processes=3, blocks=4, block_s=0.05)


def bench(machine: Machine, method: BenchmarkMethod = METHOD) -> Bench:
    return Bench(method, machine.launch, machine.clock_s, pause=machine.pause)


def measured(
    machine: Machine, *subjects: Subject, method: BenchmarkMethod = METHOD
) -> list[Measurement]:
    return list(bench(machine, method).measure([work(subject) for subject in subjects]))


def only(machine: Machine, method: BenchmarkMethod = METHOD) -> Measurement:
    (measurement,) = measured(machine, CANDIDATE, method=method)
    return measurement


def test_precise_samples_stop_after_the_fewest_processes() -> None:
    measurement = only(Machine({CANDIDATE: always(0.01)}))
    assert measurement.stop is Stop.PRECISION
    assert len(measurement.processes) == 3
    for process in measurement.processes:
        assert (process.session_s, process.first_run_s, process.settled) == (0.1, 0.01, True)
        assert process.blocks_s == ((0.01,) * 5,) * 4


def test_each_process_is_closed_before_the_next_begins() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    only(machine)
    signs = [name[0] for name, _ in machine.log if name[0] in "+-"]
    assert signs == ["+", "-"] * 3


def test_a_run_that_takes_longer_than_a_block_is_one() -> None:
    assert only(Machine({CANDIDATE: always(0.2)})).processes[0].blocks_s == ((0.2,),) * 4


def test_warming_up_lasts_until_runs_are_stable() -> None:
    def duration(_process: int, count: int, _now: float) -> float:
        return max(0.01, 0.03 - 0.001 * count)

    process = only(Machine({CANDIDATE: duration})).processes[0]
    assert process.first_run_s == 0.03
    assert process.warm_up_s[-4:] == (0.01,) * 4
    assert set(itertools.chain(*process.blocks_s)) == {0.01}


def test_warming_up_may_take_a_third_of_the_time() -> None:
    machine = Machine({CANDIDATE: lambda _process, count, _now: 1.0 * 0.97**count})
    measurement = only(machine)
    process = measurement.processes[0]
    assert not process.settled
    assert 10 / 3 <= 0.1 + sum(process.warm_up_s) < 10 / 3 + 1


def test_noise_makes_for_more_processes() -> None:
    noise = itertools.cycle([0.010, 0.0111, 0.0095, 0.0102, 0.0108, 0.0091, 0.0105])
    machine = Machine({CANDIDATE: lambda *_: next(noise)})
    measurement = only(machine, BenchmarkMethod(precision=0.005, processes=3, blocks=4))
    assert measurement.stop is Stop.PRECISION
    assert len(measurement.processes) > 3
    assert measurement.summary.precision <= 0.005


def test_the_budget_ends_what_does_not_get_precise() -> None:
    processes = itertools.count()
    machine = Machine({CANDIDATE: lambda process, *_: 0.01 * (1 + process % 2)})
    measurement = only(machine)
    assert measurement.stop is Stop.BUDGET
    assert machine.now_s - 1000 <= 30 + 1
    assert len(measurement.processes) > 10
    assert next(processes) == 0


def test_slow_models_share_the_budget_among_processes() -> None:
    machine = Machine({CANDIDATE: always(1.0)})
    measurement = only(machine)
    assert len(measurement.processes) == 3
    assert machine.now_s - 1000 <= 33


def test_what_takes_longer_than_the_budget_is_measured_once() -> None:
    measurement = only(Machine({CANDIDATE: always(20.0)}))
    assert measurement.stop is Stop.BUDGET
    assert [process.blocks_s for process in measurement.processes] == [((20.0,), (20.0,))]


def test_blocks_of_several_subjects_are_timed_forward_and_backward() -> None:
    machine = Machine({subject: always(0.06) for subject in Subject})
    measured(machine, CANDIDATE, REFERENCE, AGAIN)
    ends = [at for at, (name, _) in enumerate(machine.log) if name.startswith("-")]
    blocks = [name for name, _ in machine.log[ends[0] - 12 : ends[0]]]
    forward = [CANDIDATE, REFERENCE, AGAIN]
    assert blocks == [*forward, *forward[::-1]] * 2
    second = [name for name, _ in machine.log[ends[3] - 12 : ends[3]]]
    rotated = [REFERENCE, AGAIN, CANDIDATE]
    assert second == [*rotated, *rotated[::-1]] * 2


def test_several_subjects_are_precise_when_their_ratios_are() -> None:
    """The machine gets twice as slow meanwhile, which no median survives, but every ratio."""

    def drifting(factor: float) -> Machine:
        def duration(_process: int, _count: int, now_s: float) -> float:
            return 0.01 * (1 + (now_s - 1000) / 10)

        return Machine(
            {
                CANDIDATE: lambda *args: factor * duration(*args),
                REFERENCE: duration,
                AGAIN: duration,
            }
        )

    machine = drifting(1.1)
    results = measured(machine, CANDIDATE, REFERENCE, AGAIN)
    assert {each.stop for each in results} == {Stop.PRECISION}
    assert results[0].summary.precision > 0.02


def test_a_stream_is_a_pass_of_several_samples() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    (measurement,) = bench(machine).measure([work(steps=20)])
    assert measurement.processes[0].blocks_s[0] == (0.01,) * 20
    assert measurement.processes[0].first_run_s == pytest.approx(0.2)


@pytest.mark.parametrize("error", [RunRefusedError("bad shape"), RunMemoryError("too much")])
def test_a_model_that_cannot_be_run_is_named(error: RunRefusedError) -> None:
    machine = Machine({s: always(0.01) for s in Subject}, failing={REFERENCE: error})
    with pytest.raises(MeasureError, match=str(error)) as caught:
        measured(machine, CANDIDATE, REFERENCE)
    assert caught.value.work.subject is REFERENCE
    assert [name[0] for name, _ in machine.log].count("-") == 2


def test_an_interrupt_keeps_what_was_measured() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    stopping = Bench(METHOD, machine.launch, machine.clock_s, lambda: machine.now_s > 1001)
    (measurement,) = stopping.measure([work()])
    assert measurement.stop is Stop.INTERRUPTED
    assert measurement.processes
    assert all(process.blocks_s for process in measurement.processes)


def test_an_interrupt_before_anything_was_measured_leaves_nothing() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    assert Bench(METHOD, machine.launch, machine.clock_s, lambda: True).measure([work()]) == ()


def test_progress_is_told_in_seconds() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    told: list[float] = []
    Bench(METHOD, machine.launch, machine.clock_s, advanced=told.append).measure([work()])
    assert told == sorted(told)
    assert told[-1] == pytest.approx(machine.now_s - 1000)


@pytest.mark.parametrize(
    "changes", [{"precision": 0}, {"budget_s": math.nan}, {"block_s": math.inf}, {"processes": 0}]
)
def test_a_method_that_makes_no_sense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        replace(METHOD, **changes).check()  # type: ignore[arg-type]


def test_what_others_did_is_noted_for_each_round_and_the_frequency_while_it_works() -> None:
    machine = Machine({CANDIDATE: always(0.01)})
    looked: list[Moment] = []
    alive: list[bool] = []

    def look() -> Moment:
        """Of 100 ticks a look, 30 are others', and 10 the host's."""
        busy, idle, steal = (len(looked) * ticks for ticks in (30, 60, 10))
        looked.append(Moment(0.0, busy, idle, steal, 0.0, None))
        return looked[-1]

    def frequency_mhz(cores: Sequence[int]) -> float:
        alive.append(machine.log[-1][0] == CANDIDATE)
        return 2000.0 + len(cores)

    bench = Bench(METHOD, machine.launch, machine.clock_s, look=look, frequency_mhz=frequency_mhz)
    (measured,) = bench.measure([work()])
    assert {each.meanwhile for each in measured.processes} == {Meanwhile(0.3, 0.1, 2000.0)}
    assert alive == [True] * len(measured.processes)


def test_threads_that_wait_actively_are_waited_for_when_another_process_is_next() -> None:
    """Not where the same process goes on, as where the order turns."""
    machine = Machine({CANDIDATE: always(0.05), REFERENCE: always(0.05)})
    paused: list[float] = []
    waiting = replace(bench(machine), pause=paused.append)
    (measured, _) = waiting.measure([work(CANDIDATE), work(REFERENCE)])
    # Two to warm up, then C R R C C R R C: each change of the process.
    assert paused == [SPIN_S] * (2 + 5) * len(measured.processes)


@pytest.mark.parametrize("changes", [{"threads": 1}, {"spinning": False}])
def test_threads_that_do_not_are_not(changes: dict[str, int]) -> None:
    machine = Machine({CANDIDATE: always(0.05), REFERENCE: always(0.05)})
    options = replace(work().scenario.options, **changes)  # type: ignore[arg-type]
    works = [
        replace(each, scenario=replace(each.scenario, options=options))
        for each in (work(CANDIDATE), work(REFERENCE))
    ]
    paused: list[float] = []
    replace(bench(machine), pause=paused.append).measure(works)
    assert paused == []


def test_blocks_grow_where_runs_turn_out_to_be_shorter_than_when_warming_up() -> None:
    """As where the time for warming up was over after the first run."""
    machine = Machine({CANDIDATE: lambda _process, count, _now: 0.05 if not count else 0.001})
    method = replace(METHOD, budget_s=0.24, processes=1)
    (process,) = measured(machine, CANDIDATE, method=method)[0].processes
    assert not process.settled
    assert [len(block) for block in process.blocks_s][:3] == [1, 50, 50]

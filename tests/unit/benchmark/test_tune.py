"""Tuning keeps what is faster beyond doubt, and shows the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from onnxtool.benchmark.comparison import change
from onnxtool.benchmark.executor import Executor, Work
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.result import BenchmarkMethod, Subject
from onnxtool.benchmark.rounds import MeasureError
from onnxtool.benchmark.tune import Tuning, tried, variations
from onnxtool.runtime.options import Optimization, SessionOptions
from onnxtool.runtime.run_errors import RunRefusedError

from .simulated import Machine, always, work

METHOD = BenchmarkMethod(budget_s=5, processes=3, blocks=4)


@dataclass
class Options:
    """A machine on which a run takes what its options make of it."""

    machine: Machine = field(default_factory=lambda: Machine({}))

    def launch(self, work: Work) -> Executor:
        options = work.scenario.options
        duration_s = 0.01 / options.threads
        duration_s *= 1 if options.prepacking else 1.2
        duration_s *= 1 if options.spinning else 0.9
        self.machine.durations[work.subject] = always(duration_s)
        if options.parallel:
            self.machine.failing[work.subject] = RunRefusedError("no parallel")
        else:
            self.machine.failing.pop(work.subject, None)
        return self.machine.launch(work)


def tuned() -> Tuning:
    world = Options()
    begun = work()
    scenario = replace(begun.scenario, options=SessionOptions(threads=1, cores=(0,)))
    return tried(
        replace(begun, scenario=scenario, subject=Subject.CANDIDATE),
        Bench(METHOD, world.launch, world.machine.clock_s, pause=world.machine.pause),
    )


def test_what_is_faster_is_kept_and_what_is_not_is_not() -> None:
    found = tuned()
    kept = [trial.name for trial in found.trials if trial.is_kept]
    assert "spinning=off" in kept
    assert "prepacking=off" not in kept
    assert not found.best.spinning
    assert found.best.prepacking


def test_what_was_measured_is_kept_with_each_trial() -> None:
    first = tuned().trials[0]
    assert [each.subject for each in first.measurements] == list(Subject)
    assert first.measurements[0].scenario.options == first.options
    assert first.change == change(
        first.measurements[1], first.measurements[0], first.measurements[2], paired=True
    )


def test_what_cannot_be_run_is_told() -> None:
    (trial,) = [each for each in tuned().trials if each.name == "execution=parallel"]
    assert (trial.change, trial.problem) == (None, "no parallel")


def test_each_variation_changes_one_thing() -> None:
    begun = SessionOptions(threads=3)
    found = dict(variations(begun, 6))
    assert [name for name in found if name.startswith("threads")] == [
        "threads=1",
        "threads=2",
        "threads=4",
        "threads=6",
    ]
    assert found["arena=off"] == replace(begun, arena=False)
    assert found["optimization=basic"] == replace(begun, optimization=Optimization.BASIC)


def test_sizes_are_fixed_at_last() -> None:
    *_, (name, options) = variations(SessionOptions(), 1, {"time": 400, "batch": 1})
    assert name == "fix time=400 batch=1"
    assert options.free_dimensions == (("time", 400), ("batch", 1))


def test_what_does_not_run_anyway_is_not_tried() -> None:
    machine = Machine({Subject.CANDIDATE: always(0.01)}, {Subject.CANDIDATE: RunRefusedError("no")})
    with pytest.raises(MeasureError, match="no"):
        tried(work(), Bench(METHOD, machine.launch, machine.clock_s))
    assert machine.log == [("+candidate", 0), ("-candidate", 0)]

"""A machine whose clock only moves when something is run on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from onnxtool.benchmark.executor import Executor, Work
from onnxtool.benchmark.result import Memory, Subject
from onnxtool.benchmark.tasks import RunTask, Timings
from onnxtool.runtime.run_errors import RunError

from .built import ENCODER, MEMORY

# Duration of a pass: by number of the process, of the pass in it, and the time of day.
Duration = Callable[[int, int, float], float]
SESSION_S = 0.1


def work(subject: Subject = Subject.CANDIDATE, steps: int = 1) -> Work:
    """A piece of work that nothing is needed for."""
    scenario = replace(ENCODER, steps=steps)
    return Work(subject, scenario, {"encoder": Path("encoder.onnx")}, RunTask("encoder", {}))


@dataclass
class Machine:
    """Runs each subject in the time that it is said to take, and notes the order.

    Attributes:
        durations: What one sample takes, by subject.
        failing: Subject -> error of its runs.
        log: (subject, passes) of every block, in order; an opened process is `+`, a closed one `-`.
    """

    durations: dict[Subject, Duration]
    failing: dict[Subject, RunError] = field(default_factory=dict)
    now_s: float = 1000.0
    log: list[tuple[str, int]] = field(default_factory=list)
    started: dict[Subject, int] = field(default_factory=dict)

    def clock_s(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def launch(self, work: Work) -> Executor:
        return _Process(self, work)


class _Process:
    def __init__(self, machine: Machine, work: Work) -> None:
        self.machine, self.work = machine, work
        self.process = self.count = 0

    def open(self) -> float:
        machine, subject = self.machine, self.work.subject
        self.process = machine.started.get(subject, 0)
        machine.started[subject] = self.process + 1
        machine.log.append((f"+{subject}", 0))
        machine.now_s += SESSION_S
        return SESSION_S

    def run(self, passes: int) -> Timings:
        machine, subject = self.machine, self.work.subject
        if subject in machine.failing:
            raise machine.failing[subject]
        machine.log.append((subject, passes))
        timings = Timings()
        for _ in range(passes * self.work.scenario.steps):
            duration_s = machine.durations[subject](self.process, self.count, machine.now_s)
            machine.now_s += duration_s
            timings.samples_s.append(duration_s)
            self.count += 1
        return timings

    def memory(self) -> Memory:
        return MEMORY

    def close(self) -> None:
        self.machine.log.append((f"-{self.work.subject}", 0))


def always(duration_s: float) -> Duration:
    """The same every time."""
    return lambda _process, _count, _now: duration_s

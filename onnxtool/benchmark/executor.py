"""Run what is to be timed in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from onnxtool.benchmark import worker
from onnxtool.benchmark.request import TIME_LIMIT_S
from onnxtool.benchmark.result import Failure, Memory, Scenario, Subject
from onnxtool.benchmark.tasks import Task, Timings
from onnxtool.runtime.child import Child
from onnxtool.runtime.memory import MemoryWatch
from onnxtool.runtime.session import require_readable_name


@dataclass(frozen=True)
class Work:
    """What to measure.

    Attributes:
        subject: Whose it is.
        scenario: What it is, for the result.
        graphs: Name -> path of the graphs it takes.
        task: What one pass does.
        time_limit_s: Seconds for loading the graphs, and for each block of passes.
        pass_s: About how long a pass takes; 0 where nobody knows before it is measured.
    """

    subject: Subject
    scenario: Scenario
    graphs: Mapping[str, Path]
    task: Task
    time_limit_s: float = TIME_LIMIT_S
    pass_s: float = 0.0

    def failure(self, message: str) -> Failure:
        """That it could not be done."""
        return Failure(self.subject, self.scenario.graph, self.scenario.sizes, message)


class Executor(Protocol):
    """Does one piece of work in a fresh process."""

    def open(self) -> float:
        """Start it; seconds that creating the session took."""

    def run(self, passes: int) -> Timings:
        """Time so many passes."""

    def memory(self) -> Memory:
        """Its memory now, and the most of it until now."""

    def close(self) -> None:
        """End it."""


class ProcessExecutor:
    """An `Executor` with a worker process."""

    def __init__(self, work: Work, trace: str = "") -> None:
        self._opening = worker.Opening(work.graphs, work.scenario.options, work.task, trace)
        self._child = Child(worker.__name__, work.time_limit_s)
        self._watch = MemoryWatch(lambda: self._child.pid)
        self._is_first_run = True

    def open(self) -> float:
        """Start the process and create the session; see `Executor`.

        Raises:
            RunError: ONNX Runtime refuses the model, or dies of it.
        """
        for path in self._opening.graphs.values():
            require_readable_name(path)
        with self._watch.watching():
            session_s: float = self._child.start(self._opening)
        return session_s

    def run(self, passes: int) -> Timings:
        """Time some passes; see `Executor`.

        Raises:
            RunError: ONNX Runtime refuses the inputs, or dies of them.
        """
        if self._is_first_run:
            self._is_first_run = False
            with self._watch.watching():
                return self._time(passes)
        timings = self._time(passes)
        self._watch.look()
        return timings

    def _time(self, passes: int) -> Timings:
        timings: Timings = self._child.ask(passes, "a run")
        return timings

    def trace(self) -> list[str]:
        """End profiling; where the traces are, one for each session."""
        paths: list[str] = self._child.ask(None, "profiling")
        return paths

    def memory(self) -> Memory:
        """See `Executor`."""
        now = self._watch.last
        if now is None:
            return Memory()
        return Memory(
            anonymous_bytes=now.anonymous_bytes,
            file_bytes=now.file_bytes,
            peak_anonymous_bytes=self._watch.peak_anonymous_bytes,
            peak_file_bytes=self._watch.peak_file_bytes,
            peak_bytes=now.peak_bytes,
        )

    def close(self) -> None:
        """See `Executor`."""
        self._child.close()

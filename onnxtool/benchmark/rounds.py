"""A round of `measure`: a fresh process for each subject, and their blocks in turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onnxtool.benchmark.environment import Meanwhile
from onnxtool.benchmark.executor import Executor, Work
from onnxtool.benchmark.result import ProcessRun
from onnxtool.benchmark.warm_up import is_stable
from onnxtool.errors import OnnxToolError
from onnxtool.runtime.run_errors import RunError, RunTimeoutError

if TYPE_CHECKING:
    from onnxtool.benchmark.measure import Bench

# Of a process's share of the time, what warming up may take.
WARM_UP_SHARE = 1 / 3
# ONNX Runtime's threads look for work a million times: 40 ms where a pause is of 100 cycles (AMD
# EPYC), 60 ms where it is of 140 (Intel since Skylake).
SPIN_S = 0.075


class MeasureError(OnnxToolError):
    """One subject could not be run; what runs once and dies later is not measured either.

    Args:
        work: What it was to do.
        error: What became of it.
        samples: How many it had taken in this process.
        process: Which of its processes it was, from 1.
    """

    def __init__(self, work: Work, error: RunError, samples: int = 0, process: int = 1) -> None:
        when = f", after {samples:,} runs in process {process}" if samples or process > 1 else ""
        hint = "--time-limit allows more" if isinstance(error, RunTimeoutError) else error.hint
        super().__init__(f"{error}{when}", hint=hint)
        self.work = work


@dataclass(slots=True)
class Running:
    """One process while it is measured."""

    work: Work
    executor: Executor
    session_s: float = 0.0
    first_run_s: float = 0.0
    settled: bool = False
    passes: int = 1
    warm_up_s: list[float] = field(default_factory=list)
    blocks_s: list[tuple[float, ...]] = field(default_factory=list)
    parts_s: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return len(self.warm_up_s) + sum(map(len, self.blocks_s))

    def time_block(self, least_s: float) -> None:
        timings = self.executor.run(self.passes)
        self.blocks_s.append(tuple(timings.samples_s))
        for name, durations_s in timings.parts_s.items():
            self.parts_s.setdefault(name, []).extend(durations_s)
            self.calls[name] = timings.calls[name] // self.passes
        taken_s = sum(timings.samples_s)
        if 0 < taken_s < least_s / 2:  # Of a process that was not warm, runs seemed longer.
            self.passes = math.ceil(self.passes * least_s / taken_s)

    def finished(self, frequency_mhz: float | None) -> ProcessRun:
        return ProcessRun(
            session_s=self.session_s,
            first_run_s=self.first_run_s,
            warm_up_s=tuple(self.warm_up_s),
            settled=self.settled,
            blocks_s=tuple(self.blocks_s),
            parts_s={name: tuple(values) for name, values in self.parts_s.items()},
            calls=self.calls,
            memory=self.executor.memory(),
            meanwhile=Meanwhile(frequency_mhz=frequency_mhz),
        )


def _spins(process: Running) -> bool:
    options = process.work.scenario.options
    return options.spinning and options.threads > 1


class Round:
    """One process for each subject, their blocks in turn.

    Args:
        bench: How to measure.
        works: The same scenario, for each subject.
        deadline_s: When it should be over.
        turn: The how-manieth round it is, from 0.
        tell: Called after everything that takes its time.
    """

    def __init__(
        self,
        bench: Bench,
        works: Sequence[Work],
        deadline_s: float,
        turn: int,
        tell: Callable[[], None],
    ) -> None:
        self.bench = bench
        self.tell = tell
        self.deadline_s = deadline_s
        self.works = works
        self.turn = turn
        self.active: Running | None = None
        # Another subject begins each round: being first is no property of the model.
        self.order = [(turn + index) % len(works) for index in range(len(works))]

    def run(self) -> tuple[ProcessRun, ...]:
        """Measure; a process without blocks was stopped before it had any.

        Raises:
            MeasureError: One of the subjects could not be run.
        """
        with ExitStack() as stack:
            processes = [Running(work, self.bench.launch(work)) for work in self.works]
            for process in processes:
                stack.callback(process.executor.close)
            in_order = [processes[index] for index in self.order]
            for process in in_order:
                with self._blaming(process):
                    process.session_s = process.executor.open()
                self.active = process
                self.tell()
            begun_s = self.bench.clock_s()
            for place, process in enumerate(in_order, start=1):
                share_s = (self.deadline_s - begun_s) * WARM_UP_SHARE * place / len(in_order)
                self._take_turn(process)
                with self._blaming(process):
                    self._warm_up(process, begun_s + share_s)
            self._time_blocks(in_order)
            # Before they end: a core that is idle again says nothing.
            cores = [core for each in self.works for core in each.scenario.options.cores]
            frequency_mhz = self.bench.frequency_mhz(cores)
            return tuple(process.finished(frequency_mhz) for process in processes)

    def _take_turn(self, process: Running) -> None:
        """Wait for the threads of another process to rest (5)."""
        if self.active and self.active is not process and _spins(self.active):
            self.bench.pause(SPIN_S)
        self.active = process

    def _warm_up(self, process: Running, end_s: float) -> None:
        passes, pass_s = 1, 0.0
        while not self.bench.stopped():
            timings = process.executor.run(passes)
            pass_s = sum(timings.samples_s) / passes
            process.first_run_s = process.first_run_s or pass_s
            process.warm_up_s.extend(timings.samples_s)
            process.settled = is_stable(process.warm_up_s)
            if process.settled or self.bench.clock_s() >= end_s:
                break
            # More at once as it goes on, but looking at the clock at least every block.
            passes = max(1, min(2 * passes, int(self.bench.method.block_s / pass_s)))
        recent = process.warm_up_s[-process.work.scenario.steps :]
        typical_s = min(sum(recent), pass_s) or self.bench.method.block_s
        process.passes = max(1, math.ceil(self.bench.method.block_s / typical_s))

    def _time_blocks(self, in_order: Sequence[Running]) -> None:
        for index in range(self.bench.method.blocks):
            late = self.bench.clock_s() >= self.deadline_s
            if self.bench.stopped() or (late and index >= 2):
                return
            for process in in_order if index % 2 == 0 else reversed(in_order):
                self._take_turn(process)
                with self._blaming(process):
                    process.time_block(self.bench.method.block_s)
                self.tell()

    @contextmanager
    def _blaming(self, process: Running) -> Iterator[None]:
        try:
            yield
        except RunError as error:
            raise MeasureError(process.work, error, process.samples, self.turn + 1) from None

"""Measure one scenario: fresh processes, warm-up, blocks in turn, until it is precise enough.

1. A round starts one process for each subject, and times blocks of passes in turn: the subjects
   forward, then backward (ABBA), so that a drift of the machine meets them alike.
2. A process warms up before its blocks until it is stable, or its share of the time is used up.
3. There are rounds until there are as many processes as were asked for and the result is as
   precise as was asked for, or until the time is.
4. A round always has one pair of blocks, so that there is something to show for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from onnxtool.benchmark.comparison import between
from onnxtool.benchmark.environment import Meanwhile, Moment, frequency_mhz, moment, shares
from onnxtool.benchmark.executor import Executor, ProcessExecutor, Work
from onnxtool.benchmark.result import BenchmarkMethod, Measurement, ProcessRun, Stop, Subject
from onnxtool.benchmark.warm_up import is_stable
from onnxtool.errors import OnnxToolError
from onnxtool.runtime.session import RunError, RunTimeoutError

# Of a process's share of the time, what warming up may take.
WARM_UP_SHARE = 1 / 3
# A process warms up with one pass at least, and is timed in one pair of blocks.
LEAST_PASSES = 3


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


@dataclass(frozen=True)
class Bench:
    """What measuring needs from outside.

    Attributes:
        method: How.
        launch: Makes what runs a piece of work.
        clock_s: Tells the time in seconds.
        stopped: Whether somebody wants to stop; what was measured until then counts.
        advanced: Told the seconds used, from time to time.
        look: Looks at the counters of the machine.
        frequency_mhz: That of the slowest of some cores.
    """

    method: BenchmarkMethod = field(default_factory=BenchmarkMethod)
    launch: Callable[[Work], Executor] = ProcessExecutor
    clock_s: Callable[[], float] = time.perf_counter
    stopped: Callable[[], bool] = lambda: False
    advanced: Callable[[float], None] = lambda _: None
    look: Callable[[], Moment] = moment
    frequency_mhz: Callable[[Sequence[int]], float | None] = frequency_mhz

    def measure(self, works: Sequence[Work]) -> tuple[Measurement, ...]:
        """Measure subjects in turn.

        Args:
            works: The same scenario, for each subject.

        Returns:
            A measurement for each; none if it was stopped before there was anything.

        Raises:
            MeasureError: One of them could not be run.
        """
        method, start_s = self.method, self.clock_s()

        def tell() -> None:
            self.advanced(self.clock_s() - start_s)

        rounds: list[tuple[ProcessRun, ...]] = []
        while True:
            begun_s = self.clock_s()
            ordinal = min(len(rounds) + 1, method.processes)
            share_s = method.budget_s / method.processes
            deadline_s = max(start_s + ordinal * share_s, begun_s + share_s / 2)
            before = self.look()
            finished = _Round(self, works, deadline_s, len(rounds), tell).run()
            finished = _with_shares(finished, *shares(before, self.look()))
            if all(process.blocks_s for process in finished):
                rounds.append(finished)
            now_s = self.clock_s()
            measured = _measurements(works, rounds, Stop.BUDGET)
            stop = self._reason(measured, now_s - start_s, now_s - begun_s)
            if stop:
                return _measurements(works, rounds, stop)

    def _reason(
        self, measured: Sequence[Measurement], elapsed_s: float, round_s: float
    ) -> Stop | None:
        """Why to stop after this round, if that is so."""
        if self.stopped():
            return Stop.INTERRUPTED
        rounds = len(measured[0].processes) if measured else 0
        if rounds >= self.method.processes and is_precise(measured, self.method.precision):
            return Stop.PRECISION
        # Half a round too much is better than a third of the time unused.
        return Stop.BUDGET if elapsed_s + round_s / 2 > self.method.budget_s else None


def least_s(works: Sequence[Work]) -> float:
    """About how long measuring takes at least, whatever the budget; 0 where nobody knows."""
    return LEAST_PASSES * sum(work.pass_s for work in works)


def is_precise(measured: Sequence[Measurement], precision: float) -> bool:
    """Whether the interval is as narrow as was asked for: of the median, or of the ratios."""
    if len(measured) == 1:
        return measured[0].summary.precision <= precision
    by_subject = {each.subject: each for each in measured}
    reference = by_subject[Subject.REFERENCE]
    return all(
        between(reference, other).half_width <= precision
        for other in measured
        if other is not reference
    )


def _measurements(
    works: Sequence[Work], rounds: Sequence[Sequence[ProcessRun]], stop: Stop
) -> tuple[Measurement, ...]:
    if not rounds:
        return ()
    return tuple(
        Measurement(work.subject, work.scenario, tuple(done[index] for done in rounds), stop)
        for index, work in enumerate(works)
    )


def _with_shares(
    finished: Sequence[ProcessRun], other_share: float | None, steal_share: float | None
) -> tuple[ProcessRun, ...]:
    """The processes of a round, which ran at the same time."""
    return tuple(
        replace(
            process,
            meanwhile=replace(process.meanwhile, other_share=other_share, steal_share=steal_share),
        )
        for process in finished
    )


@dataclass(slots=True)
class _Running:
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

    def time_block(self) -> None:
        timings = self.executor.run(self.passes)
        self.blocks_s.append(tuple(timings.samples_s))
        for name, durations_s in timings.parts_s.items():
            self.parts_s.setdefault(name, []).extend(durations_s)
            self.calls[name] = timings.calls[name] // self.passes

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


class _Round:
    """One process for each subject, their blocks in turn."""

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
        # Another subject begins each round: being first is no property of the model.
        self.order = [(turn + index) % len(works) for index in range(len(works))]

    def run(self) -> tuple[ProcessRun, ...]:
        with ExitStack() as stack:
            processes = [_Running(work, self.bench.launch(work)) for work in self.works]
            for process in processes:
                stack.callback(process.executor.close)
            in_order = [processes[index] for index in self.order]
            for process in in_order:
                with self._blaming(process):
                    process.session_s = process.executor.open()
                self.tell()
            begun_s = self.bench.clock_s()
            for place, process in enumerate(in_order, start=1):
                share_s = (self.deadline_s - begun_s) * WARM_UP_SHARE * place / len(in_order)
                with self._blaming(process):
                    self._warm_up(process, begun_s + share_s)
            self._time_blocks(in_order)
            # Before they end: a core that is idle again says nothing.
            cores = [core for each in self.works for core in each.scenario.options.cores]
            frequency_mhz = self.bench.frequency_mhz(cores)
            return tuple(process.finished(frequency_mhz) for process in processes)

    def _warm_up(self, process: _Running, end_s: float) -> None:
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

    def _time_blocks(self, in_order: Sequence[_Running]) -> None:
        for index in range(self.bench.method.blocks):
            late = self.bench.clock_s() >= self.deadline_s
            if self.bench.stopped() or (late and index >= 2):
                return
            for process in in_order if index % 2 == 0 else reversed(in_order):
                with self._blaming(process):
                    process.time_block()
                self.tell()

    @contextmanager
    def _blaming(self, process: _Running) -> Iterator[None]:
        try:
            yield
        except RunError as error:
            raise MeasureError(process.work, error, process.samples, self.turn + 1) from None

"""Measure one scenario: fresh processes, warm-up, blocks in turn, until it is precise enough.

1. A round starts one process for each subject, and times blocks of passes in turn: the subjects
   forward, then backward (ABBA), so that a drift of the machine meets them alike.
2. A process warms up before its blocks until it is stable, or its share of the time is used up.
3. There are rounds until there are as many processes as were asked for and the result is as
   precise as was asked for, or until the time is.
4. A round always has one pair of blocks, so that there is something to show for it.
5. Threads of ONNX Runtime that have run wait for work actively, and would do so on the cores of
   the process that is next: that one begins when they have given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from onnxtool.benchmark.comparison import between
from onnxtool.benchmark.environment import Moment, frequency_mhz, moment, shares
from onnxtool.benchmark.executor import Executor, ProcessExecutor, Work
from onnxtool.benchmark.result import BenchmarkMethod, Measurement, ProcessRun, Stop, Subject
from onnxtool.benchmark.rounds import Round

# A process warms up with one pass at least, and is timed in one pair of blocks.
LEAST_PASSES = 3


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
        pause: Waits for some seconds.
    """

    method: BenchmarkMethod = field(default_factory=BenchmarkMethod)
    launch: Callable[[Work], Executor] = ProcessExecutor
    clock_s: Callable[[], float] = time.perf_counter
    stopped: Callable[[], bool] = lambda: False
    advanced: Callable[[float], None] = lambda _: None
    look: Callable[[], Moment] = moment
    frequency_mhz: Callable[[Sequence[int]], float | None] = frequency_mhz
    pause: Callable[[float], None] = time.sleep

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
            finished = Round(self, works, deadline_s, len(rounds), tell).run()
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

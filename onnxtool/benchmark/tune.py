"""Try session options one by one, and keep those that are faster beyond doubt."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from onnxtool.benchmark.bench import Source
from onnxtool.benchmark.comparison import Change, Verdict, change
from onnxtool.benchmark.environment import usable_cores
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.measure import Bench, MeasureError
from onnxtool.benchmark.request import BenchmarkRequest, check_axes, pinned
from onnxtool.benchmark.result import BenchmarkMethod, Scenario, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.errors import UsageError
from onnxtool.model.bundle import load
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.options import Optimization, SessionOptions


@dataclass(frozen=True, slots=True)
class Trial:
    """One change of the options that was tried.

    Attributes:
        name: Of what was changed, and to what.
        options: With the change.
        change: Against the best options until then; None where it could not be run.
        problem: Why it could not be run; else empty.
    """

    name: str
    options: SessionOptions
    change: Change | None
    problem: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it was faster beyond doubt."""
        return self.change is not None and self.change.verdict is Verdict.FASTER


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was tried, and what to use.

    Attributes:
        scenario: What it was tried on, with the options to begin with.
        trials: In the order they were tried, each against the best until then.
        interrupted: Whether somebody stopped it; the rest was not tried.
    """

    scenario: Scenario
    trials: tuple[Trial, ...]
    interrupted: bool = False

    @property
    def best(self) -> SessionOptions:
        """The options to use."""
        kept = [trial.options for trial in self.trials if trial.is_kept]
        return kept[-1] if kept else self.scenario.options


def variations(options: SessionOptions, cores: int) -> Iterator[tuple[str, SessionOptions]]:
    """What to try, in this order: each changes one thing of the options that it is given."""
    counts = sorted({1, *(1 << bit for bit in range(1, 8) if 1 << bit < cores), cores})
    for threads in counts:
        yield f"threads={threads}", replace(options, threads=threads)
    yield "spinning=off", replace(options, spinning=False)
    yield "prepacking=off", replace(options, prepacking=False)
    yield "arena=off", replace(options, arena=False)
    yield "execution=parallel", replace(options, parallel=True)
    for level in (Optimization.EXTENDED, Optimization.BASIC):
        yield f"optimization={level}", replace(options, optimization=level)


def tune(
    model: Source,
    request: BenchmarkRequest,
    method: BenchmarkMethod,
    *,
    allow_links: bool = False,
    progress: Progress = SILENT,
    stopped: Callable[[], bool] = lambda: False,
) -> Tuning:
    """Find the session options to run a graph with.

    Args:
        model: A path, or what `load` returned for it: a graph, or a folder to decode with.
        request: On what; the last size and the first settings count.
        method: How precisely; its budget is for each trial.
        allow_links: Let external data be read through links; for a path only.
        progress: Told about the trials.
        stopped: Asked from time to time whether to stop.

    Raises:
        ModelLoadError: There is no model at the path.
        UsageError: There is nothing to run.
    """
    loaded = load(model, allow_links=allow_links) if isinstance(model, str | os.PathLike) else model
    check_axes(request.at, (loaded,))
    planned = list(plan(loaded, request, Subject.CANDIDATE))
    works = [each for each in planned if isinstance(each, Work)]
    if not works:
        raise UsageError("there is nothing to run", hint="try it without --tune to see why")
    first = request.settings[0]
    work = [each for each in works if each.scenario.options == first][-1]
    return tried(work, Bench(method, stopped=stopped), progress)


def tried(work: Work, bench: Bench, progress: Progress = SILENT) -> Tuning:
    """Try each variation in turn with the best until then, which is measured twice.

    Args:
        work: What to run, with the options to begin with.
        bench: How to measure; its budget is for each trial.
        progress: Told about the trials.
    """
    best = work.scenario.options
    trials: list[Trial] = []
    names = [name for name, _ in variations(best, len(usable_cores()))]
    progress.start("trying session options", len(names), "trials")
    for name in names:
        progress.advance(1)
        options = pinned(dict(variations(best, len(usable_cores())))[name])
        if options == best or bench.stopped():
            continue
        trial = _tried(name, work, best, options, bench)
        if trial is not None:
            trials.append(trial)
            best = options if trial.is_kept else best
    progress.finish()
    return Tuning(work.scenario, tuple(trials), interrupted=bench.stopped())


def _tried(
    name: str, work: Work, best: SessionOptions, options: SessionOptions, bench: Bench
) -> Trial | None:
    def variant(subject: Subject, options: SessionOptions) -> Work:
        return replace(work, subject=subject, scenario=replace(work.scenario, options=options))

    works = (
        variant(Subject.CANDIDATE, options),
        variant(Subject.REFERENCE, best),
        variant(Subject.AGAIN, best),
    )
    try:
        measured = bench.measure(works)
    except MeasureError as error:
        return Trial(name, options, None, str(error))
    if not measured:
        return None
    candidate, reference, again = measured
    return Trial(name, options, change(reference, candidate, again, paired=True))

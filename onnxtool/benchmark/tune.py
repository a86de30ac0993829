"""Try session options one by one, and keep those that are faster beyond doubt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from types import MappingProxyType

from onnxtool.benchmark.bench import measured_model
from onnxtool.benchmark.comparison import Change, Verdict, change
from onnxtool.benchmark.effects import check_effects, check_single
from onnxtool.benchmark.environment import (
    Conditions,
    Environment,
    conditions,
    environment,
    moment,
    usable_cores,
)
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.request import BenchmarkRequest, checked, pinned, views_of
from onnxtool.benchmark.result import (
    BenchmarkMethod,
    Failure,
    Kind,
    Measurement,
    Model,
    Scenario,
    Subject,
)
from onnxtool.benchmark.rounds import MeasureError
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.watch import StoppedError, Watch
from onnxtool.errors import UsageError
from onnxtool.model.bundle import Bundle, Source, loaded
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.options import Optimization, SessionOptions
from onnxtool.runtime.run_errors import RunError

NO_SIZES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Trial:
    """One change of the options that was tried.

    Attributes:
        name: Of what was changed, and to what.
        options: With the change.
        change: Against the best options until then; None where it could not be run.
        problem: Why it could not be run; else empty.
        measurements: What the change follows from: with it, with the best options until then, and
            with these again.
    """

    name: str
    options: SessionOptions
    change: Change | None
    problem: str = ""
    measurements: tuple[Measurement, ...] = ()

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
        failures: What else cannot be run, or even be read, and why.
        interrupted: Whether somebody stopped it; the rest was not tried.
        model: What was run.
        method: How each trial was measured.
        environment, conditions: The machine, and what else happened on it.
    """

    scenario: Scenario
    trials: tuple[Trial, ...]
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False
    model: Model | None = None
    method: BenchmarkMethod | None = None
    environment: Environment | None = None
    conditions: Conditions | None = None

    @property
    def best(self) -> SessionOptions:
        """The options to use."""
        kept = [trial.options for trial in self.trials if trial.is_kept]
        return kept[-1] if kept else self.scenario.options


def variations(
    options: SessionOptions, cores: int, sizes: Mapping[str, int] = NO_SIZES
) -> Iterator[tuple[str, SessionOptions]]:
    """What to try, in this order: each changes one thing of the options that it is given.

    Fixed sizes are the last, since what they gain holds for these `sizes` of symbols alone.
    """
    counts = sorted({1, *(1 << bit for bit in range(1, 8) if 1 << bit < cores), cores})
    for threads in counts:
        yield f"threads={threads}", replace(options, threads=threads)
    yield "spinning=off", replace(options, spinning=False)
    yield "prepacking=off", replace(options, prepacking=False)
    yield "arena=off", replace(options, arena=False)
    yield "execution=parallel", replace(options, parallel=True)
    for level in (Optimization.EXTENDED, Optimization.BASIC, Optimization.NONE):
        yield f"optimization={level}", replace(options, optimization=level)
    if sizes:
        told = " ".join(f"{name}={size}" for name, size in sizes.items())
        yield f"fix {told}", replace(options, free_dimensions=tuple(sizes.items()))


def tune(
    model: Source,
    request: BenchmarkRequest,
    method: BenchmarkMethod,
    *,
    hash: bool = True,
    allow_links: bool = False,
    progress: Progress = SILENT,
    stopped: Callable[[], bool] = lambda: False,
) -> Tuning:
    """Find the session options to run a graph with.

    Args:
        model: A path, or what `load` returned for it: a graph, or a folder to decode with.
        request: On what, at one size with one setting; of the default sizes, the last counts.
        method: How precisely; its budget is for each trial.
        hash: Whether to read every byte of the model for its SHA-256.
        allow_links: Let external data be read through links; for a path only.
        progress: Told about the trials.
        stopped: Asked from time to time whether to stop.

    Raises:
        ModelLoadError: There is no model at the path.
        UsageError: There is nothing to run, several sizes or settings are asked for, or a folder
            has several graphs that decode nothing together.
        MeasureError: It does not run with the options to begin with.
        StoppedError: Somebody stopped it before anything was tried.
    """
    source = loaded(model, "tune", allow_links=allow_links)
    method.check()
    request = checked(request, (source,))
    method = replace(method, seed=request.seed)
    check_effects(request, (source,))
    check_single(request)
    before, date, start_s = moment(), datetime.now(UTC), time.perf_counter()
    planned = list(plan(source, request, Subject.CANDIDATE, Watch(progress, stopped)))
    if stopped():
        raise StoppedError("interrupted", hint="nothing was tried")
    failures = tuple(each for each in planned if isinstance(each, Failure))
    work = _chosen([each for each in planned if isinstance(each, Work)], failures)
    sizes = _symbols(source, work.scenario)
    found = tried(work, Bench(method, stopped=stopped), sizes, progress)
    after = moment()
    told, duration_s = date.isoformat(timespec="seconds"), time.perf_counter() - start_s
    return replace(
        found,
        failures=failures,
        model=measured_model(source, progress if hash else None),
        method=method,
        environment=environment(),
        conditions=conditions(told, duration_s, before, after),
    )


def _chosen(works: Sequence[Work], failures: Sequence[Failure]) -> Work:
    """What to tune: the utterances of a folder, or else its only graph, at the last size.

    Raises:
        UsageError: There is nothing, or several graphs and none of them is more than a part.
    """
    why = [part for failure in failures[:1] for part in (failure.graph, failure.message) if part]
    if not works:
        raise UsageError(": ".join(("there is nothing to run", *why)))
    *_, last = works
    if last.scenario.kind is not Kind.UTTERANCES and len({w.scenario.graph for w in works}) > 1:
        raise UsageError(
            ": ".join(("--tune: several graphs, and no utterances to decode with them", *why)),
            hint="tune one of the graphs",
        )
    return last


def _symbols(model: ModelView | Bundle, scenario: Scenario) -> dict[str, int]:
    """The symbols of a graph, and their sizes; none for utterances, which have many."""
    graphs = [signature(view) for view in views_of(model) if view.path.name == scenario.graph]
    symbols = {
        symbol for known in graphs for spec in known.inputs for symbol in spec.dynamic_axes.values()
    }
    sizes = {n: size for known in graphs for n, size in known.sizes_of(scenario.shapes).items()}
    # What is empty at first grows.
    return {name: size for name, size in sizes.items() if name in symbols and size}


def tried(
    work: Work,
    bench: Bench,
    sizes: Mapping[str, int] = NO_SIZES,
    progress: Progress = SILENT,
) -> Tuning:
    """Try each variation in turn with the best until then, which is measured twice.

    Args:
        work: What to run, with the options to begin with.
        bench: How to measure; its budget is for each trial.
        sizes: Of symbols, to fix.
        progress: Told about the trials.

    Raises:
        MeasureError: It does not run with the options to begin with.
    """
    _require_a_run(work, bench)
    best, cores = work.scenario.options, len(usable_cores())
    trials: list[Trial] = []
    # The names are the same whatever the best is; what they change is the best of their turn.
    names = [name for name, _ in variations(best, cores, sizes)]
    progress.start("trying session options", len(names), "trials")
    try:
        for name in takewhile(lambda _: not bench.stopped(), names):
            options = pinned(dict(variations(best, cores, sizes))[name])
            trial = _trial(name, work, best, options, bench) if options != best else None
            if trial is not None:
                trials.append(trial)
                best = options if trial.is_kept else best
            progress.advance(1)
    finally:
        progress.finish()
    return Tuning(work.scenario, tuple(trials), interrupted=bench.stopped())


def _require_a_run(work: Work, bench: Bench) -> None:
    """What hangs or dies anyway would do so in every trial.

    Raises:
        MeasureError: It does.
    """
    executor = bench.launch(work)
    try:
        executor.open()
        executor.run(1)
    except RunError as error:
        raise MeasureError(work, error) from None
    finally:
        executor.close()


def _trial(
    name: str, work: Work, best: SessionOptions, options: SessionOptions, bench: Bench
) -> Trial | None:
    """One variation against the best; None if it was stopped before there was anything."""

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
    found = change(reference, candidate, again, paired=True)
    return Trial(name, options, found, measurements=measured)

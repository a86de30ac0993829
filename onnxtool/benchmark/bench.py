"""`bench`: latency that can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile

from onnxtool.benchmark.effects import check_effects
from onnxtool.benchmark.environment import conditions, environment, moment
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.likeness import key
from onnxtool.benchmark.measure import Bench, least_s
from onnxtool.benchmark.profile import Profile
from onnxtool.benchmark.profiling import Profiling, profiles_of
from onnxtool.benchmark.request import BenchmarkRequest, checked, views_of
from onnxtool.benchmark.result import (
    BenchmarkMethod,
    BenchmarkResult,
    Failure,
    Measurement,
    Model,
    Subject,
)
from onnxtool.benchmark.rounds import MeasureError
from onnxtool.benchmark.scenarios import plan, told
from onnxtool.benchmark.watch import Watch
from onnxtool.errors import UsageError
from onnxtool.model.artifact import digest
from onnxtool.model.bundle import Bundle, Source, loaded
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress

DEFAULT_REQUEST, DEFAULT_METHOD = BenchmarkRequest(), BenchmarkMethod()


def bench(
    model: Source,
    *,
    against: Source | None = None,
    request: BenchmarkRequest = DEFAULT_REQUEST,
    method: BenchmarkMethod = DEFAULT_METHOD,
    profiling: Profiling | None = None,
    hash: bool = True,
    allow_links: bool = False,
    progress: Progress = SILENT,
    stopped: Callable[[], bool] = lambda: False,
) -> BenchmarkResult:
    """Measure how long a model takes, alone or in turn with another.

    Args:
        model: A path, or what `load` returned for it.
        against: What to compare it with; likewise.
        request: At which sizes, with which settings, on what.
        method: How precisely, and for how long.
        profiling: Profile each graph besides, and with what; None for no profiles.
        hash: Whether to read every byte of the models for their SHA-256.
        allow_links: Let external data be read through links; for paths only.
        progress: Told about the seconds used.
        stopped: Asked from time to time whether to stop; what was measured until then is kept.

    Returns:
        Raw samples, and what they were measured on. What could not be measured is among the
        `failures`; the rest was.

    Raises:
        ModelLoadError: There is no model at a path.
        UsageError: A size of an axis that no graph has; a file that does not have values; a
            number that makes no sense.
    """
    models = {Subject.CANDIDATE: loaded(model, "bench", allow_links=allow_links)}
    if against is not None:
        models[Subject.REFERENCE] = loaded(against, "bench", allow_links=allow_links)
    if len({isinstance(each, Bundle) for each in models.values()}) > 1:
        raise UsageError("a folder and a graph cannot be compared", hint="pass two of a kind")
    method.check()
    request = checked(request, tuple(models.values()))
    check_effects(request, tuple(models.values()))
    method = replace(method, seed=request.seed)
    before, date, start_s = moment(), datetime.now(UTC), time.perf_counter()
    watch = Watch(progress, stopped)
    groups, failures = _planned(models, request, watch)
    found = [
        (works, _measured(works, Bench(method, stopped=stopped), progress, of_all))
        for works, of_all in takewhile(lambda _: not stopped(), _numbered(groups))
    ]
    run = [works for works, measured in found if not isinstance(measured, Failure)]
    profiled = list(profiles_of(run, profiling, watch)) if profiling else []
    interrupted, after, duration_s = stopped(), moment(), time.perf_counter() - start_s
    failures += [each for _, each in found if isinstance(each, Failure)]
    failures += [each for each in profiled if isinstance(each, Failure)]
    return BenchmarkResult(
        models={s: measured_model(each, progress if hash else None) for s, each in models.items()},
        environment=environment(),
        conditions=conditions(date.isoformat(timespec="seconds"), duration_s, before, after),
        method=method,
        measurements=tuple(
            each for _, measured in found if not isinstance(measured, Failure) for each in measured
        ),
        failures=tuple(failures),
        profiles=tuple(each for each in profiled if isinstance(each, Profile)),
        interrupted=interrupted,
    )


def measured_model(model: ModelView | Bundle, progress: Progress | None) -> Model:
    """What was measured; hashed if anybody listens."""
    views = views_of(model) if progress else ()
    hashes = {view.path.name: digest(view, progress=progress or SILENT) for view in views}
    return Model(str(model.path), {name: each.complete for name, each in hashes.items()})


def _planned(
    models: Mapping[Subject, ModelView | Bundle], request: BenchmarkRequest, watch: Watch
) -> tuple[list[tuple[Work, ...]], list[Failure]]:
    """What to measure together, and what cannot be measured; nothing more once it was stopped."""
    plans = {
        subject: list(takewhile(lambda _: not watch.stopped(), plan(each, request, subject, watch)))
        for subject, each in models.items()
    }
    failures = [each for planned in plans.values() for each in planned if isinstance(each, Failure)]
    if watch.stopped():
        return [], failures
    works = {
        subject: [each for each in planned if isinstance(each, Work)]
        for subject, planned in plans.items()
    }
    if Subject.REFERENCE not in works:
        return [(work,) for work in works[Subject.CANDIDATE]], failures
    groups, lonely = _paired(works, by_name=isinstance(models[Subject.CANDIDATE], Bundle))
    return groups, failures + lonely


def _paired(
    works: Mapping[Subject, Sequence[Work]], *, by_name: bool
) -> tuple[list[tuple[Work, ...]], list[Failure]]:
    """What to measure in turn, and what has no counterpart in the other model."""
    failures: list[Failure] = []
    alone = "the other model has nothing like it to compare with"
    roles = {each.scenario.role for own in works.values() for each in own}
    if not by_name and len(roles) > 1:
        alone += f": one is a graph of role {' and one of role '.join(sorted(roles))}"
    others = {key(work.scenario, by_name=by_name): work for work in works[Subject.REFERENCE]}
    groups: list[tuple[Work, ...]] = []
    for work in works[Subject.CANDIDATE]:
        other = others.pop(key(work.scenario, by_name=by_name), None)
        if other is None:
            failures.append(work.failure(alone))
        else:
            groups.append((work, other, replace(other, subject=Subject.AGAIN)))
    failures += [other.failure(alone) for other in others.values()]
    return groups, failures


def _numbered(groups: Sequence[tuple[Work, ...]]) -> Iterator[tuple[tuple[Work, ...], str]]:
    """Each with how far it is, since the time left is that of one scenario."""
    for number, works in enumerate(groups, start=1):
        yield works, f"{number} of {len(groups)}:" if len(groups) > 1 else ""


def _measured(
    works: Sequence[Work], bench: Bench, progress: Progress, of_all: str
) -> tuple[Measurement, ...] | Failure:
    scenario = works[0].scenario
    told_s, needed_s, budget_s = 0, least_s(works), bench.method.budget_s
    total_s = max(1, int(max(needed_s, budget_s)))

    def advanced(used_s: float) -> None:
        nonlocal told_s
        now_s = min(int(used_s), total_s)
        progress.advance(now_s - told_s)
        told_s = now_s

    sizes = [f"{name}={size}" for name, size in scenario.sizes.items()]
    label = " ".join((of_all, scenario.graph or scenario.kind, *sizes)).strip()
    if needed_s > budget_s:
        label += f" (longer than {budget_s:g} s: {scenario.steps:,} steps are run three times)"
    progress.start(label, total_s, "seconds at most")
    try:
        return replace(bench, advanced=advanced).measure(works)
    except MeasureError as error:
        return error.work.failure(told(error))
    finally:
        progress.finish()

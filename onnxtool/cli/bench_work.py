"""What `bench` does once it is clear what is asked: measure, profile, compare, tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.bench_refusals import is_saved_run
from onnxtool.cli.bench_result import Delivery, Saved, complain_of, complain_of_failures, verdict
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.cli.interrupts import first_interrupt
from onnxtool.cli.output import progress
from onnxtool.errors import OnnxToolError

if TYPE_CHECKING:
    from onnxtool.benchmark.profiling import Profiling
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult


@dataclass(frozen=True)
class Job:
    """What to measure, and how."""

    path: Path
    against: Path | None
    request: BenchmarkRequest
    method: BenchmarkMethod
    profiling: Profiling | None
    hash: bool
    allow_links: bool


def run(
    job: Job, baseline: Path | None, delivery: Delivery, limit: float | None, *, force: bool
) -> ExitCode:
    """Measure, or read what was; compare, and deliver.

    Raises:
        OnnxToolError: A file cannot be read, or the runs are unlike: what was measured for that
            comparison is delivered all the same.
    """
    from onnxtool.benchmark.comparison import compare_benchmarks, compare_within
    from onnxtool.benchmark.reading import read_benchmark

    # What is wrong with a file is said before anything is measured.
    saved = Saved(baseline, read_benchmark(baseline)) if baseline else None
    is_saved = is_saved_run(job.path)
    result = read_benchmark(job.path) if is_saved else measured(job)
    try:
        comparison = (
            compare_benchmarks(saved.result, result, force=force)
            if saved
            else compare_within(result)
        )
    except OnnxToolError:
        if not is_saved:
            delivery.show(result, None)
            complain_of(result)
        raise
    delivery.show(result, comparison, saved)
    return verdict(result, comparison, limit)


def measured(job: Job) -> BenchmarkResult:
    """Measure, until it is done or interrupted."""
    from onnxtool.benchmark.bench import bench

    with first_interrupt() as stopped:
        return bench(
            job.path,
            against=job.against,
            request=job.request,
            method=job.method,
            profiling=job.profiling,
            hash=job.hash,
            allow_links=job.allow_links,
            progress=progress(),
            stopped=stopped,
        )


def profiling_with(trace: Path | None) -> Profiling:
    """What to profile with."""
    from onnxtool.benchmark.profiling import Profiling

    return Profiling(macs, trace)


def macs(path: Path, shapes: Mapping[str, Sequence[int]]) -> int | None:
    """MACs of a run, as `inspect` computes them; None where some are not known."""
    from onnxtool.analysis.cost import cost
    from onnxtool.model.artifact import load_graph
    from onnxtool.model.signature import signature

    view = load_graph(path)
    known = signature(view)
    computed = cost(view, known, known.sizes_of(shapes))
    return None if computed.unresolved else computed.total_macs


def tuned(job: Job, delivery: Delivery) -> ExitCode:
    """Try the session options, and deliver which to use."""
    from onnxtool.benchmark.tune import tune
    from onnxtool.render.tuning import document, tuning

    with first_interrupt() as stopped:
        found = tune(
            job.path,
            job.request,
            job.method,
            hash=job.hash,
            allow_links=job.allow_links,
            progress=progress(),
            stopped=stopped,
        )
    delivery.write(tuning(found), document(found))
    complain_of_failures(found.failures, {})
    if found.interrupted:
        complain(OnnxToolError("interrupted", hint="the other options were not tried"))
    return ExitCode.TROUBLE if found.failures or found.interrupted else ExitCode.OK

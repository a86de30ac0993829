"""What `bench` does once it is clear what is asked: measure, profile, compare, tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.bench_result import Delivery
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.cli.interrupts import first_interrupt
from onnxtool.cli.output import progress
from onnxtool.errors import OnnxToolError

if TYPE_CHECKING:
    from onnxtool.benchmark.comparison import Comparison
    from onnxtool.benchmark.profiling import Profiling
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult


@dataclass(frozen=True)
class Job:
    """What to measure, and how."""

    path: Path
    request: BenchmarkRequest
    method: BenchmarkMethod
    allow_links: bool


def measured(
    job: Job, against: Path | None, profiling: Profiling | None, hash: bool
) -> BenchmarkResult:
    """Measure, until it is done or interrupted."""
    from onnxtool.benchmark.bench import bench

    with first_interrupt() as stopped:
        return bench(
            job.path,
            against=against,
            request=job.request,
            method=job.method,
            profiling=profiling,
            hash=hash,
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
    sizes = {
        spec.axis_name(axis): shapes[spec.name][axis]
        for spec in known.inputs
        if spec.name in shapes
        for axis in spec.dynamic_axes
    }
    computed = cost(view, known, sizes)
    return None if computed.unresolved else computed.total_macs


def compared(
    result: BenchmarkResult,
    saved: BenchmarkResult | None,
    delivery: Delivery | None,
    *,
    force: bool,
) -> Comparison | None:
    """The comparison with a saved run, or of the models of this one, if there is either."""
    from onnxtool.benchmark.comparison import compare_benchmarks, compare_within

    if saved is None:
        return compare_within(result)
    try:
        return compare_benchmarks(saved, result, force=force)
    except OnnxToolError:
        # Measuring took long: what was measured is delivered, whatever it cannot be compared with.
        if delivery:
            delivery.show(result, None)
        raise


def tuned(job: Job, delivery: Delivery) -> ExitCode:
    """Try the session options, and deliver which to use."""
    from onnxtool.benchmark.tune import tune
    from onnxtool.render.tuning import document, tuning

    with first_interrupt() as stopped:
        found = tune(
            job.path,
            job.request,
            job.method,
            allow_links=job.allow_links,
            progress=progress(),
            stopped=stopped,
        )
    delivery.write(tuning(found), document(found))
    if not found.interrupted:
        return ExitCode.OK
    complain(OnnxToolError("interrupted", hint="the other options were not tried"))
    return ExitCode.TROUBLE

"""`onnxtool bench`: how long a model takes, and whether that is a real change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onnxtool.cli import bench_options as o
from onnxtool.cli.bench_result import Delivery, verdict
from onnxtool.cli.bench_values import (
    free_dimensions,
    percentage,
    session_options,
    size_lists,
    window,
)
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.cli.interrupts import first_interrupt
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption
from onnxtool.cli.output import progress, refuse_to_overwrite
from onnxtool.errors import OnnxToolError, UsageError

if TYPE_CHECKING:
    from onnxtool.benchmark.comparison import Comparison
    from onnxtool.benchmark.profiling import Profiling
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult

EXAMPLES = """
Examples:

onnxtool bench encoder.onnx --at time=100,400,1000 --threads 1,2

onnxtool bench export/ --on manifest.jsonl --output before.json

onnxtool bench encoder.int8.onnx --against encoder.onnx --fail-if-slower 3%

onnxtool bench after.json --baseline before.json

onnxtool bench encoder.onnx --at time=1000 --trace trace.json

onnxtool bench encoder.onnx --at time=1000 --tune
"""


def bench(
    path: o.PathArgument,
    against: o.AgainstOption = None,
    baseline: o.BaselineOption = None,
    fail_if_slower: o.FailOption = "",
    force: o.ForceOption = False,
    tune: o.TuneOption = False,
    profile: o.ProfileOption = False,
    trace: o.TraceOption = None,
    precision: o.PrecisionOption = "2%",
    budget: o.BudgetOption = 30.0,
    processes: o.ProcessesOption = 5,
    at: o.SizesOption = None,
    inputs: o.InputsOption = None,
    on: o.ManifestOption = None,
    frame_ms: o.FrameOption = None,
    chunk: o.ChunkOption = "",
    steps: o.StepsOption = 40,
    threads: o.ThreadsOption = "",
    session: o.SessionOption = None,
    fix: o.FixOption = None,
    no_hash: o.NoHashOption = False,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Measure latency, in fresh processes and until it is precise enough.

    An encoder is run over lengths of audio, a streaming encoder in a closed loop of chunks, a
    folder of encoder, predictor and joint on whole utterances besides. Two models are measured in
    turn, and a difference is called one only if it is larger than the noise.

    With --output FILE.json the result is raw samples and what they were measured on: a run to show
    and to compare with later.
    """
    for place in (output, trace):
        refuse_to_overwrite(place, [p for p in (path, against, baseline, inputs, on) if p])
    limit = _limit(fail_if_slower, against, baseline)
    from onnxtool.benchmark.bench import bench as measure
    from onnxtool.benchmark.reading import read_benchmark
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod

    is_saved = path.suffix == ".json"
    if is_saved and any((against, tune, profile, trace, at, inputs, on)):
        raise UsageError(f"{path}: a saved run is not measured", hint="pass the model itself")
    saved = read_benchmark(baseline) if baseline else None
    # What is fixed has no other size.
    sizes = {**{name: (size,) for name, size in free_dimensions(fix)}, **size_lists(at)}
    options = session_options(threads, session, fix)
    frames, new = window(chunk)
    request = BenchmarkRequest(
        sizes, options, inputs, on, frame_ms, chunk=frames, shift=new, steps=steps
    )
    method = BenchmarkMethod(percentage("--precision", precision), budget, processes)
    delivery = Delivery(format, output, show_all)
    if is_saved:
        result = read_benchmark(path)
    elif tune:
        tuned(path, request, method, delivery, allow_links=allow_links)
        return
    else:
        with first_interrupt() as stopped:
            result = measure(
                path,
                against=against,
                request=request,
                method=method,
                profiling=_profiling(trace) if profile or trace else None,
                hash=not no_hash,
                allow_links=allow_links,
                progress=progress(),
                stopped=stopped,
            )
    comparison = _compared(result, saved, None if is_saved else delivery, force=force)
    delivery.show(result, comparison)
    raise typer.Exit(verdict(result, comparison, limit))


def _limit(text: str, against: Path | None, baseline: Path | None) -> float | None:
    if against and baseline:
        raise UsageError("--against and --baseline", hint="compare with one at a time")
    if not text:
        return None
    if not (against or baseline):
        raise UsageError("--fail-if-slower: than what?", hint="add --against or --baseline")
    return percentage("--fail-if-slower", text)


def _profiling(trace: Path | None) -> Profiling:
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


def _compared(
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


def tuned(
    path: Path,
    request: BenchmarkRequest,
    method: BenchmarkMethod,
    delivery: Delivery,
    *,
    allow_links: bool,
) -> None:
    """Try the session options, and deliver which to use.

    Raises:
        Exit: It was interrupted.
    """
    from onnxtool.benchmark.tune import tune
    from onnxtool.render.tuning import document, tuning

    with first_interrupt() as stopped:
        found = tune(
            path, request, method, allow_links=allow_links, progress=progress(), stopped=stopped
        )
    delivery.write(tuning(found), document(found))
    if found.interrupted:
        complain(OnnxToolError("interrupted", hint="the other options were not tried"))
        raise typer.Exit(ExitCode.TROUBLE)

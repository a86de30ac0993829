"""`onnxtool bench`: how long a model takes, and whether that is a real change."""

from __future__ import annotations

import typer

from onnxtool.cli import bench_options as o
from onnxtool.cli.bench_result import Delivery, verdict
from onnxtool.cli.bench_values import percentage, refuse_beside, requested, slowdown_limit
from onnxtool.cli.bench_work import Job, compared, measured, profiling_with, tuned
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption
from onnxtool.cli.output import refuse_to_overwrite

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
    read = [place for place in (path, against, baseline, inputs, on) if place]
    refuse_to_overwrite(output, read)
    refuse_to_overwrite(trace, [*read, *([output] if output else [])], option="--trace")
    limit = slowdown_limit(fail_if_slower, against, baseline)
    measured_with = {
        "--against": against,
        "--profile": profile,
        "--trace": trace,
        "--tune": tune,
        "--at": at,
        "--inputs": inputs,
        "--on": on,
        "--frame-ms": frame_ms,
        "--chunk": chunk,
        "--threads": threads,
        "--session": session,
        "--fix": fix,
    }
    is_saved = path.suffix == ".json"
    refuse_beside(is_saved, measured_with, "a saved run is not measured", "pass the model itself")
    others = {"--against": against, "--baseline": baseline, "--profile": profile, "--trace": trace}
    refuse_beside(tune, others, "--tune compares settings alone", "leave one of them out")
    from onnxtool.benchmark.reading import read_benchmark
    from onnxtool.benchmark.result import BenchmarkMethod

    request = requested(at, fix, threads, session, chunk, steps, inputs, on, frame_ms)
    method = BenchmarkMethod(percentage("--precision", precision), budget, processes)
    job = Job(path, request, method, allow_links)
    delivery = Delivery(format, output, show_all)
    if tune:
        raise typer.Exit(tuned(job, delivery))
    saved = read_benchmark(baseline) if baseline else None
    profiling = profiling_with(trace) if profile or trace else None
    result = read_benchmark(path) if is_saved else measured(job, against, profiling, not no_hash)
    comparison = compared(result, saved, None if is_saved else delivery, force=force)
    delivery.show(result, comparison)
    raise typer.Exit(verdict(result, comparison, limit))

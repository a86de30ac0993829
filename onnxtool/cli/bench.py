"""`onnxtool bench`: how long a model takes, and whether that is a real change."""

from __future__ import annotations

import typer

from onnxtool.cli import bench_options as o
from onnxtool.cli.bench_refusals import options_given, refuse_files, refuse_ignored
from onnxtool.cli.bench_result import Delivery
from onnxtool.cli.bench_values import method, requested, slowdown_limit
from onnxtool.cli.bench_work import Job, profiling_with, run, tuned
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption

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
    context: typer.Context,
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
    time_limit: o.TimeLimitOption = 600.0,
    at: o.SizesOption = None,
    inputs: o.InputsOption = None,
    on: o.ManifestOption = None,
    frame_ms: o.FrameOption = None,
    chunk: o.ChunkOption = "",
    steps: o.StepsOption = None,
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
    refuse_files(output, trace, [path, against, baseline, inputs, on])
    limit = slowdown_limit(fail_if_slower, against, baseline)
    refuse_ignored(path, options_given(context))
    job = Job(
        path=path,
        against=against,
        request=requested(
            at, fix, threads, session, chunk, steps, inputs, on, frame_ms, time_limit
        ),
        method=method(precision, budget, processes),
        profiling=profiling_with(trace) if profile or trace else None,
        hash=not no_hash,
        allow_links=allow_links,
    )
    delivery = Delivery(format, output, show_all)
    code = tuned(job, delivery) if tune else run(job, baseline, delivery, limit, force=force)
    raise typer.Exit(code)

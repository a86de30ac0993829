"""`onnxtool bench`: how long a model takes, and whether that is a real change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onnxtool.cli import bench_options as o
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
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite
from onnxtool.errors import OnnxToolError, UsageError

if TYPE_CHECKING:
    from onnxtool.benchmark.comparison import Comparison
    from onnxtool.benchmark.profiling import Profiling
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult
    from onnxtool.render.document import Block

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
    from onnxtool.benchmark.environment import usable_cores
    from onnxtool.benchmark.reading import read_benchmark
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod

    is_saved = path.suffix == ".json"
    if is_saved and any((against, tune, profile, trace, at, inputs, on)):
        raise UsageError(f"{path}: a saved run is not measured", hint="pass the model itself")
    saved = read_benchmark(baseline) if baseline else None
    frames, new = window(chunk)
    request = BenchmarkRequest(
        # What is fixed has no other size.
        at={**{name: (size,) for name, size in free_dimensions(fix)}, **size_lists(at)},
        options=session_options(threads, session, fix, len(usable_cores())),
        inputs=inputs,
        manifest=on,
        frame_ms=frame_ms,
        chunk=frames,
        shift=new,
        steps=steps,
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


def macs(path: Path, sizes: Mapping[str, int]) -> int | None:
    """MACs of a run, as `inspect` computes them; None where some are not known."""
    from onnxtool.analysis.cost import cost
    from onnxtool.model.artifact import load_graph
    from onnxtool.model.signature import signature

    view = load_graph(path)
    computed = cost(view, signature(view), sizes)
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


@dataclass(frozen=True)
class Delivery:
    """Where a result goes: a file whose name ends in .json gets it as JSON, stdout the report."""

    format: Format
    output: Path | None
    show_all: bool

    def show(self, result: BenchmarkResult, comparison: Comparison | None) -> None:
        """Write a run."""
        from onnxtool.benchmark.document import document as as_json
        from onnxtool.render.benchmark import document

        self.write(as_json(result), document(result, comparison))

    def write(self, data: object, blocks: Iterable[Block]) -> None:
        """Write a result, which is both."""
        saves_json = self.output is not None and self.output.suffix == ".json"
        if saves_json or self.format is Format.JSON:
            deliver_json(data, self.output)
        if self.format is not Format.JSON:
            output = None if saves_json else self.output
            deliver(blocks, self.format, output, show_all=self.show_all)


def verdict(
    result: BenchmarkResult, comparison: Comparison | None, limit: float | None
) -> ExitCode:
    """The exit code, with what there is to complain about told.

    1. What could not be measured, and an interrupt, are trouble.
    2. Slower by more than the limit is a no, and so loud a noise that nobody can say is trouble.
    """
    from onnxtool.benchmark.comparison import Answer, slower_than

    code = ExitCode.OK
    for trouble in _troubles(result):  # 1
        complain(trouble)
        code = ExitCode.TROUBLE
    if comparison is None or limit is None:
        return code
    answers = {slower_than(change, limit) for change in comparison.changes}
    if Answer.YES in answers:  # 2
        return ExitCode.NEGATIVE
    if Answer.UNCLEAR in answers:
        complain(
            OnnxToolError(
                f"too noisy to say whether it is slower by more than {limit:.1%}",
                hint="measure on a quieter machine, for longer, or with a larger limit",
            )
        )
        return ExitCode.TROUBLE
    return code


def _troubles(result: BenchmarkResult) -> Iterator[OnnxToolError]:
    if result.failures:
        first, more = result.failures[0], len(result.failures) - 1
        sizes = ", ".join(f"{name}={size}" for name, size in first.sizes.items())
        where = f"{first.graph or 'utterances'}{f' at {sizes}' if sizes else ''}"
        rest = f", and {more:,} more could not be measured" if more else ""
        yield OnnxToolError(f"{where}: {first.message}{rest}")
    if result.interrupted:
        yield OnnxToolError("interrupted", hint="what was measured until then is in the result")


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

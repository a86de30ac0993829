"""Profile a graph with ONNX Runtime's own profiler, in a process of its own."""

from __future__ import annotations

import bisect
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from onnxtool.benchmark.executor import ProcessExecutor, Work
from onnxtool.benchmark.profile import Profile, node_times
from onnxtool.benchmark.result import Failure, Kind, Scenario, Subject
from onnxtool.benchmark.tasks import RunTask
from onnxtool.benchmark.watch import Watch
from onnxtool.model.artifact import atomic_write
from onnxtool.runtime.options import SessionOptions
from onnxtool.runtime.run_errors import RunError

Event = Mapping[str, Any]
# Enough that the mean of a node is steady; the profiler keeps a million events.
PROFILED_S, LEAST_RUNS, MOST_RUNS = 1.0, 3, 50
# Of the square matrices whose product is the peak: larger than caches, and quick.
PEAK_SIZE, PEAK_RUNS = 1024, 20


@dataclass(frozen=True)
class Profiling:
    """What to profile with.

    Attributes:
        macs: Tells the multiply-accumulates of a run of the graph at a path, by the shape of each
            input; None where they are not known.
        trace: Where to keep the trace of the first scenario, the others numbered; None for
            nowhere.
    """

    macs: Callable[[Path, Mapping[str, tuple[int, ...]]], int | None] = lambda _path, _shapes: None
    trace: Path | None = None


def profiles_of(
    groups: Sequence[Sequence[Work]], profiling: Profiling, watch: Watch
) -> Iterator[Profile | Failure]:
    """A profile of each graph that was measured, or why there is none; utterances have none."""
    works = [each for works in groups for each in works[:2] if each.scenario.graph]
    peaks: dict[SessionOptions, float] = {}
    watch.progress.start("profiling", max(1, len(works)), "graphs")
    try:
        for ordinal, work in enumerate(works):
            if watch.stopped():
                return
            options = work.scenario.options
            try:
                if options not in peaks:
                    peaks[options] = peak_macs_per_s(options)
                yield profile(work, profiling, ordinal, peaks[options])
            except RunError as error:
                yield work.failure(f"while it was profiled, {error}")
            watch.progress.advance(1)
    finally:
        watch.progress.finish()


def profile(work: Work, profiling: Profiling, ordinal: int, peak: float | None) -> Profile:
    """Profile one piece of work of one graph.

    Raises:
        RunError: It could not be run.
        OnnxToolError: Its trace cannot be written.
    """
    scenario = work.scenario
    with tempfile.TemporaryDirectory() as folder:
        executor = ProcessExecutor(work, trace=str(Path(folder, "profile")))
        try:
            executor.open()
            pass_s = sum(executor.run(1).samples_s)
            executor.run(max(LEAST_RUNS, min(MOST_RUNS, int(PROFILED_S / pass_s))))
            (written,) = executor.trace()
        finally:
            executor.close()
        events: list[dict[str, Any]] = json.loads(Path(written).read_bytes())
        kept = _keep(Path(written), profiling.trace, ordinal)
    runs_s, counted = undisturbed(events, scenario.steps)
    path = work.graphs[scenario.graph]
    return Profile(
        subject=work.subject.value,
        graph=scenario.graph,
        sizes=scenario.sizes,
        runs=len(runs_s),
        run_s=float(np.mean(runs_s)),
        nodes=node_times(counted, len(runs_s)),
        macs=profiling.macs(path, scenario.shapes),
        peak_macs_per_s=peak,
        trace=kept,
        threads=scenario.options.threads,
    )


def undisturbed(events: Sequence[Event], steps: int) -> tuple[list[float], list[Event]]:
    """Seconds of each run of the faster half of the passes, and the events of those runs.

    The first pass does not count. A mean of all would be that of whatever disturbed a few.

    Args:
        events: Of ONNX Runtime's trace; times are in µs.
        steps: Runs of a pass.
    """
    runs = sorted((e for e in events if e.get("name") == "model_run"), key=lambda e: int(e["ts"]))
    passes = [runs[at : at + steps] for at in range(steps, len(runs), steps)]
    passes.sort(key=lambda each: sum(float(run["dur"]) for run in each))
    kept = sorted(
        (run for each in passes[: (len(passes) + 1) // 2] for run in each),
        key=lambda run: int(run["ts"]),
    )
    starts = [int(run["ts"]) for run in kept]

    def is_kept(event: Event) -> bool:
        place = bisect.bisect_right(starts, int(event["ts"])) - 1
        return place >= 0 and int(event["ts"]) <= starts[place] + int(kept[place]["dur"])

    return [float(run["dur"]) / 1e6 for run in kept], [e for e in events if is_kept(e)]


def _keep(trace: Path, wanted: Path | None, ordinal: int) -> str:
    if wanted is None:
        return ""
    place = wanted if not ordinal else wanted.with_stem(f"{wanted.stem}-{ordinal + 1}")
    with trace.open("rb") as source, atomic_write(place) as file:
        shutil.copyfileobj(source, file)
    return str(place)


def peak_macs_per_s(options: SessionOptions) -> float:
    """What a product of two float32 matrices achieves here: the best of some runs.

    Raises:
        RunError: It could not be run.
    """
    shape = [PEAK_SIZE, PEAK_SIZE]
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "abc"}
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "peak", [values["a"], values["b"]], [values["c"]])
    opsets = [helper.make_opsetid("", 17)]
    proto = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    generator = np.random.default_rng(0)
    feeds = {name: generator.standard_normal(shape, dtype=np.float32) for name in "ab"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peak.onnx")
        onnx.save(proto, path)
        scenario = Scenario(Kind.RUN, path.name, "peak", {}, {}, options)
        task = RunTask(path.name, feeds)
        executor = ProcessExecutor(Work(Subject.CANDIDATE, scenario, {path.name: path}, task))
        try:
            executor.open()
            fastest_s = min(executor.run(PEAK_RUNS).samples_s)
        finally:
            executor.close()
    return PEAK_SIZE**3 / fastest_s

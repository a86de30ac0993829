"""Is an utterance the sum of its components? Each is measured as it runs in the whole.

Every component has a process of its own, in which the others run, too, but are not timed:

1. The encoder runs over the utterances in their order: every call has another length.
2. The decoder decodes what it gave, with states fed back: predictor, joint, and what is left, the
   greedy search between them.

A loop over one call of a small graph finds its weights and its code in the cache, where the encoder
has just been in the whole: such figures do not add up, and are shown beside the others.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import table
from onnxtool.benchmark.comparison import change
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import BenchmarkMethod, Measurement, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.tasks import Sessions, Task, Timings
from onnxtool.benchmark.utterances import ENCODER, Stopwatch, UtterancesTask
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import load_bundle
from onnxtool.render.units import duration
from onnxtool.runtime.options import SessionOptions

Array = np.ndarray[Any, np.dtype[Any]]
OPTIONS = SessionOptions(threads=1)
# How far the sum may be from the whole.
LIMIT = 0.1


@dataclass(frozen=True, slots=True)
class EncodingTask:
    """The encoder (1) of the whole."""

    whole: UtterancesTask

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample an utterance."""
        for feeds in self.whole.utterances:
            start_s = time.perf_counter()
            encoded = self.whole.encoder.read(sessions[ENCODER].run(feeds))
            timings.samples_s.append(time.perf_counter() - start_s)
            self.whole.decode(encoded, stopwatches(self.whole, sessions))


@dataclass(frozen=True, slots=True)
class DecodingTask:
    """The decoder (2) of the whole."""

    whole: UtterancesTask

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample an utterance; its parts are the time within each of the graphs."""
        for feeds in self.whole.utterances:
            encoded = self.whole.encoder.read(sessions[ENCODER].run(feeds))
            start_s = time.perf_counter()
            parts = stopwatches(self.whole, sessions)
            self.whole.decode(encoded, parts)
            timings.samples_s.append(time.perf_counter() - start_s)
            for name, part in parts.items():
                timings.parts_s.setdefault(name, []).append(part.total_s)
                timings.calls[name] = timings.calls.get(name, 0) + part.calls


def stopwatches(whole: UtterancesTask, sessions: Sessions) -> dict[str, Stopwatch]:
    """A stopwatch for each graph of the decoder."""
    return {name: Stopwatch(sessions[name]) for name in whole.decoder}


def component_sum(folder: Path, manifest: Path, method: BenchmarkMethod) -> None:
    """Print what part of the end-to-end time each component takes, and their sum."""
    request = BenchmarkRequest(manifest=manifest, options=(OPTIONS,))
    (work,) = plan(load_bundle(folder), request, Subject.CANDIDATE)
    if not isinstance(work, Work) or not isinstance(work.task, UtterancesTask):
        raise SystemExit(work.message if not isinstance(work, Work) else "no utterances")
    bench, steps = Bench(method), work.scenario.steps
    encoding, encoding_share = in_turn(bench, work, EncodingTask(work.task))
    decoding, decoding_share = in_turn(bench, work, DecodingTask(work.task))
    rows = [(ENCODER, f"{steps}", duration(encoding.summary.median_s), f"{encoding_share:.1%}", "")]
    left = decoding_share
    for name in work.task.decoder:
        share = decoding_share * part_s(decoding, name) / decoding.summary.median_s
        calls = decoding.processes[0].calls[name]
        loop_s = calls * alone(bench, work.graphs[name]).summary.median_s
        left -= share
        median = duration(part_s(decoding, name))
        rows.append((name, f"{calls}", median, f"{share:.1%}", duration(loop_s)))
    rows.append(("greedy decoding", "", "", f"{left:.1%}", ""))
    total = encoding_share + decoding_share
    rows.append(("sum", "", "", f"{total:.1%}", ""))
    print(table(("component", "calls", "median", "of the whole", "in a loop"), rows, markdown=True))
    verdict = "within" if abs(total - 1) <= LIMIT else "OVER"
    print(f"{verdict}: {abs(total - 1):.1%} from the whole, limit {LIMIT:.0%}")


def in_turn(bench: Bench, whole: Work, task: Task) -> tuple[Measurement, float]:
    """A component, and what part of the whole it is: the two are measured block by block."""
    reference = replace(whole, subject=Subject.REFERENCE)
    measured, reference_measured = bench.measure((replace(whole, task=task), reference))
    found = change(reference_measured, measured, paired=True)
    print(f"{type(task).__name__}: {found.ratio:.4f} of {duration(found.reference_s)}", flush=True)
    return measured, found.ratio


def part_s(measured: Measurement, name: str) -> float:
    """Median of a pass."""
    steps = measured.scenario.steps
    return statistics.median(
        sum(values[at : at + steps])
        for process in measured.processes
        for values in [process.parts_s[name]]
        for at in range(0, len(values), steps)
    )


def alone(bench: Bench, path: Path) -> Measurement:
    """One call of a graph over and over."""
    (work,) = plan(load_graph(path), BenchmarkRequest(options=(OPTIONS,)), Subject.CANDIDATE)
    if not isinstance(work, Work):
        raise SystemExit(work.message)
    (measured,) = bench.measure([work])
    return measured

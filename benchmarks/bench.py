"""Can `onnxtool bench` be trusted? Four figures, and the latency table of the README.

python -m benchmarks.bench same       # a model against itself: how often is it called different?
python -m benchmarks.bench slower     # 3 % more work: how often is it called slower?
python -m benchmarks.bench bare       # against a bare loop around InferenceSession.run
python -m benchmarks.bench sum        # components against whole utterances
python -m benchmarks.bench table FOLDER ...
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.components import component_sum
from benchmarks.tables import table
from onnxtool.benchmark.bench import bench
from onnxtool.benchmark.comparison import change, compare_within
from onnxtool.benchmark.doubts import machine_doubts
from onnxtool.benchmark.executor import Executor, ProcessExecutor, Work
from onnxtool.benchmark.measure import Bench
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import BenchmarkMethod, Kind, Memory, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.tasks import RunTask, Timings
from onnxtool.model.artifact import load_graph
from onnxtool.render.scenario import title
from onnxtool.render.units import duration, real_time_factor
from onnxtool.runtime.options import SessionOptions

WORDS_TDT = Path(__file__).parents[1] / "samples" / "words-tdt"
# Of the model of controlled cost: so many products of a matrix, and 3 % more.
LAYERS, MORE_LAYERS, WIDTH, ROWS = 100, 103, 192, 48


def controlled(path: Path, layers: int) -> Path:
    """A graph whose cost is the number of its layers, all alike."""
    generator = np.random.default_rng(0)
    weights = (generator.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32)
    names = [f"x{index}" for index in range(layers + 1)]
    nodes = [
        helper.make_node("MatMul", [source, "w"], [target])
        for source, target in itertools.pairwise(names)
    ]
    shape = [ROWS, WIDTH]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names[::layers]]
    graph = helper.make_graph(
        nodes, "controlled", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")]
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path


def verdicts(
    candidate: Path, reference: Path, method: BenchmarkMethod, comparisons: int
) -> Counter[str]:
    """What is said of two graphs, over and over."""
    found: Counter[str] = Counter()
    request = BenchmarkRequest(options=(SessionOptions(threads=1),))
    for index in range(comparisons):
        result = bench(candidate, against=reference, request=request, method=method, hash=False)
        comparison = compare_within(result)
        if comparison is None:
            raise SystemExit(f"not measured: {[each.message for each in result.failures]}")
        (one,) = comparison.changes
        found[one.verdict.value] += 1
        print(
            f"{index + 1:3} of {comparisons}: {one.ratio:.4f} "
            f"[{one.interval.low:.4f}, {one.interval.high:.4f}] floor {one.noise_floor:.2%} "
            f"{len(result.measurements[0].processes)} processes  {one.verdict.value}  "
            f"{'; '.join(machine_doubts(result))}",
            flush=True,
        )
    return found


class BareLoop:
    """An `Executor` that is none of onnxtool's: `benchmarks.bare_loop` in a process of its own."""

    def __init__(self, work: Work, folder: Path) -> None:
        (self._path,) = work.graphs.values()
        self._options = work.scenario.options
        self._inputs = folder / "inputs.npz"
        if not isinstance(work.task, RunTask):
            raise TypeError("a bare loop runs one graph")
        arrays = dict(work.task.feeds)
        np.savez(self._inputs, **arrays)  # type: ignore[arg-type]
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> float:
        cores = ",".join(map(str, self._options.cores))
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.bare_loop"),
                *(str(self._path), str(self._inputs), str(self._options.threads), cores),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return float(self._read())

    def run(self, passes: int) -> Timings:
        if self._process is None or self._process.stdin is None:
            raise AssertionError("run before it was opened")
        self._process.stdin.write(f"{passes}\n")
        self._process.stdin.flush()
        return Timings([float(part) for part in self._read().split()])

    def memory(self) -> Memory:
        return Memory()

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()

    def _read(self) -> str:
        if self._process is None or self._process.stdout is None:
            raise AssertionError("read before it was opened")
        return self._process.stdout.readline()


def against_bare_loop(method: BenchmarkMethod) -> None:
    """Ratio of the medians, for each graph of the sample that runs by itself."""
    rows = []
    for name, sizes in (("encoder", {"time": (400,)}), ("predictor", {}), ("joint", {})):
        request = BenchmarkRequest(at=sizes)
        (work,) = plan(load_graph(WORDS_TDT / f"{name}.onnx"), request, Subject.CANDIDATE)
        if not isinstance(work, Work):
            raise SystemExit(work.message)
        with tempfile.TemporaryDirectory() as folder:

            def launch(each: Work, folder: Path = Path(folder)) -> Executor:
                is_bare = each.subject is Subject.REFERENCE
                return BareLoop(each, folder) if is_bare else ProcessExecutor(each)

            works = (work, replace(work, subject=Subject.REFERENCE))
            candidate, reference = Bench(method, launch).measure(works)
        one = change(reference, candidate, paired=True)
        medians = duration(one.candidate_s), duration(one.reference_s)
        interval = f"{one.interval.low:.4f} … {one.interval.high:.4f}"
        rows.append((title(work.scenario), *medians, f"{one.ratio:.4f}", interval))
        print(*rows[-1], flush=True)
    print(table(("graph", "bench", "bare loop", "ratio", "95 %"), rows, markdown=True))


def latency_table(folders: Sequence[Path], method: BenchmarkMethod, threads: list[int]) -> None:
    """The README's table: every scenario of some folders, with each number of threads."""
    rows = []
    request = BenchmarkRequest(options=tuple(SessionOptions(threads=each) for each in threads))
    for folder in folders:
        result = bench(folder, request=request, method=method, hash=False)
        if result.failures:
            told = "; ".join(f"{each.graph}: {each.message}" for each in result.failures)
            raise SystemExit(f"not measured: {told}")
        for each in result.measurements:
            summary, audio_s = each.summary, each.scenario.pass_audio_s
            per_pass = each.scenario.steps if each.scenario.kind is Kind.STREAM else 1
            seconds = summary.median_s * per_pass
            factor = real_time_factor(seconds / audio_s) if audio_s else ""
            interval = f"± {summary.precision:.1%}"
            rows.append(
                (folder.name, title(each.scenario), duration(summary.median_s), interval, factor)
            )
        print(*machine_doubts(result), sep="\n", flush=True)
    header = ("model", "scenario", "median", "95 %", "RTF")
    print(table(header, rows, markdown=True, text_columns=2))


def main() -> None:
    """Print one of the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figure", choices=["same", "slower", "bare", "sum", "table"])
    parser.add_argument("folders", nargs="*", type=Path, default=[WORDS_TDT])
    parser.add_argument("--on", type=Path, help="recordings of `sum`, if not the folder's own")
    parser.add_argument("--comparisons", type=int, help="50 of `same`, 20 of `slower`")
    parser.add_argument("--precision", type=float, default=0.01)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds, of each measurement")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of `table`")
    arguments = parser.parse_args()
    method = BenchmarkMethod(arguments.precision, arguments.budget, arguments.processes)
    if arguments.figure in {"same", "slower"}:
        layers = MORE_LAYERS if arguments.figure == "slower" else LAYERS
        with tempfile.TemporaryDirectory() as folder:
            reference = controlled(Path(folder, "reference.onnx"), LAYERS)
            candidate = controlled(Path(folder, "candidate.onnx"), layers)
            count = arguments.comparisons or (20 if arguments.figure == "slower" else 50)
            print(dict(verdicts(candidate, reference, method, count)))
    elif arguments.figure == "bare":
        against_bare_loop(method)
    elif arguments.figure == "sum":
        folder = arguments.folders[0]
        component_sum(folder, arguments.on or folder / "manifest.jsonl", method)
    else:
        latency_table(arguments.folders, method, arguments.threads)


if __name__ == "__main__":
    main()

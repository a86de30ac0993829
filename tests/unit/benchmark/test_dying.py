"""Models that crash, hang or run out of memory are failures that say so, and the rest goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxtool.benchmark import worker
from onnxtool.benchmark.bench import bench
from onnxtool.benchmark.executor import ProcessExecutor, Work
from onnxtool.benchmark.profiling import Profiling
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult, Failure, Subject
from onnxtool.benchmark.rounds import MeasureError
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.tune import tune
from onnxtool.errors import UsageError
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import load_bundle
from onnxtool.progress import Progress
from onnxtool.runtime.options import SessionOptions
from onnxtool.runtime.run_errors import RunCrashError, RunTimeoutError
from tests.support.models import WORDS_TDT, model, write

JOINT = WORDS_TDT / "joint.onnx"
ONE_THREAD = (SessionOptions(threads=1),)
QUICK = BenchmarkMethod(budget_s=0.1, processes=2, blocks=2)
Dies = Callable[[str], None]
SEGFAULT = "crashed ONNX Runtime (SIGSEGV)"


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Dies:
    """Let processes die that are told to, and the others run nothing, quickly."""
    monkeypatch.setattr(worker, "__name__", "tests.support.dying_benchmark")
    return lambda told: monkeypatch.setenv("DIES", told)


def measured(*models: Path, **asked: object) -> BenchmarkResult:
    request = BenchmarkRequest(options=ONE_THREAD, **asked)  # type: ignore[arg-type]
    loaded = [load_bundle(path) if path.is_dir() else load_graph(path) for path in models]
    against = loaded[1] if len(loaded) > 1 else None
    return bench(loaded[0], against=against, request=request, method=QUICK)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("loading SIGSEGV", f"loading it {SEGFAULT}"),
        ("loading SIGKILL", "loading it was killed by the system, which ran out of memory"),
        ("loading exit", "loading it ended ONNX Runtime's process with exit code 3"),
        ("loading hang", "loading it took more than 0.5 s (--time-limit allows more)"),
        ("first SIGSEGV", f"a run {SEGFAULT}"),
        ("later SIGABRT", "a run crashed ONNX Runtime (SIGABRT), after 2 runs in process 1"),
    ],
)
def test_a_model_that_dies_is_a_failure_that_says_how_and_when(
    dies: Dies, told: str, message: str
) -> None:
    dies(f"joint.onnx {told}")
    found = measured(JOINT, time_limit_s=0.5 if "hang" in told else 60)
    assert found.failures == (Failure(Subject.CANDIDATE, "joint.onnx", {}, message),)
    assert found.measurements == ()


@pytest.mark.parametrize("told", ["loading SIGSEGV", "first SIGKILL", "later exit"])
def test_the_reference_that_dies_is_named(dies: Dies, tmp_path: Path, told: str) -> None:
    other = Path(shutil.copy(JOINT, tmp_path / "other.onnx"))
    dies(f"other.onnx {told}")
    (failure,) = measured(JOINT, other).failures
    assert failure.subject in {Subject.REFERENCE, Subject.AGAIN}


def test_what_dies_within_a_folder_leaves_the_rest(dies: Dies) -> None:
    dies("predictor.onnx first SIGSEGV")
    found = measured(WORDS_TDT, at={"time": (50,)}, chunk=57, shift=24)
    told = {failure.graph: failure.message for failure in found.failures}
    # The utterances take the predictor, too.
    assert told == {"predictor.onnx": f"a run {SEGFAULT}", "": f"a run {SEGFAULT}"}
    measurements = [each.scenario.graph for each in found.measurements]
    assert measurements == ["encoder.onnx", "encoder_streaming.onnx", "joint.onnx"]


def test_progress_says_which_of_how_many_is_measured(dies: Dies) -> None:
    class Labels(Progress):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def start(self, label: str, *_total_and_unit: object, **_named: object) -> None:
            self.seen.append(label)

    dies("nobody never exit")
    labels, request = Labels(), BenchmarkRequest(options=ONE_THREAD, at={"batch": (1, 2)})
    bench(JOINT, request=request, method=QUICK, hash=False, progress=labels)
    assert labels.seen[:2] == ["1 of 2: joint.onnx batch=1", "2 of 2: joint.onnx batch=2"]


def test_decoding_that_dies_is_a_failure_of_the_utterances(dies: Dies) -> None:
    dies("UtterancesTask later SIGSEGV")
    (failure,) = measured(WORDS_TDT, manifest=WORDS_TDT / "manifest.jsonl").failures
    assert failure.graph == ""
    assert failure.message == f"a run {SEGFAULT}, after 2 runs in process 1"


def test_what_dies_anyway_is_not_tuned(dies: Dies) -> None:
    dies("joint.onnx first SIGSEGV")
    with pytest.raises(MeasureError, match="a run crashed"):
        tune(JOINT, BenchmarkRequest(options=ONE_THREAD), QUICK)


def test_what_cannot_be_read_is_told_beside_what_is_tuned(dies: Dies, tmp_path: Path) -> None:
    dies("predictor.onnx never exit")
    shutil.copy(WORDS_TDT / "predictor.onnx", tmp_path)
    (tmp_path / "joint.onnx").write_bytes(b"torn")
    found = tune(tmp_path, BenchmarkRequest(options=ONE_THREAD), QUICK)
    assert found.scenario.graph == "predictor.onnx"
    (failure,) = found.failures
    assert failure.graph == "joint.onnx"


def test_of_several_graphs_none_is_tuned_for_all(tmp_path: Path) -> None:
    for name in ("predictor.onnx", "joint.onnx"):
        shutil.copy(WORDS_TDT / name, tmp_path)
    with pytest.raises(UsageError, match="several graphs, and no utterances") as caught:
        tune(tmp_path, BenchmarkRequest(options=ONE_THREAD), QUICK)
    assert caught.value.hint == "tune one of the graphs"
    (tmp_path / "encoder.onnx").write_bytes(b"torn")
    with pytest.raises(UsageError, match="with them: encoder"):
        tune(tmp_path, BenchmarkRequest(options=ONE_THREAD), QUICK)


def test_where_nothing_can_be_tuned_the_reason_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model("g (float[9999999999] x) => (float[?] y) {y = Neg(x)}"))
    with pytest.raises(UsageError, match=r"there is nothing to run: m\.onnx: `x` would have"):
        tune(path, BenchmarkRequest(options=ONE_THREAD), QUICK)


def test_a_process_that_dies_while_it_is_profiled_leaves_the_measurement(dies: Dies) -> None:
    dies("joint.onnx never exit")
    request = BenchmarkRequest(options=ONE_THREAD)
    found = bench(JOINT, request=request, method=QUICK, profiling=Profiling(), hash=False)
    (failure,) = found.failures
    # Of profiles, the process that takes its place knows nothing.
    assert failure.message.startswith("while it was profiled, profiling ended ONNX Runtime's")
    assert (len(found.measurements), found.profiles) == (1, ())


# --- The real thing ------------------------------------------------------------------------------

ENDLESS = model(
    "g (float[1] x) => (float[1] y) {\
        n = Constant<value = int64 {4611686018427387904}>() yes = Constant<value = bool {1}>() \
        y = Loop(n, yes, x)<body = b (int64 i, bool c, float[1] v) => (bool d, float[1] w) \
            {d = Identity(c) w = Sin(v)}> }"
)


def executor(path: Path, time_limit_s: float) -> ProcessExecutor:
    request = BenchmarkRequest(options=ONE_THREAD, time_limit_s=time_limit_s)
    (work,) = plan(load_graph(path), request, Subject.CANDIDATE)
    assert isinstance(work, Work)
    return ProcessExecutor(work)


def run_once(running: ProcessExecutor) -> None:
    running.open()
    running.run(1)


def test_a_run_that_never_ends_is_stopped(tmp_path: Path) -> None:
    running = executor(write(tmp_path / "m.onnx", ENDLESS), time_limit_s=2)
    with pytest.raises(RunTimeoutError, match="took more than 2 s"):
        run_once(running)
    assert running._child.pid is None


def test_a_process_that_crashes_is_told_by_its_signal() -> None:
    running = executor(JOINT, time_limit_s=60)
    run_once(running)
    assert running._child.pid is not None
    os.kill(running._child.pid, signal.SIGSEGV)
    with pytest.raises(RunCrashError, match=r"a run crashed ONNX Runtime \(SIGSEGV\)"):
        running.run(1)

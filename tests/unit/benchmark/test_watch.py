"""While it is found out how to run a graph, somebody is told, and may stop it."""

from __future__ import annotations

from onnxtool.benchmark.bench import bench
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.watch import Watch
from onnxtool.model.artifact import load_graph
from onnxtool.progress import Progress
from tests.support.models import WORDS_TDT

STREAMING = WORDS_TDT / "encoder_streaming.onnx"


class Told(Progress):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, str]] = []
        self.runs = self.finished = 0

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        self.started.append((label, total, unit))

    def advance(self, count: int) -> None:
        self.runs += count

    def finish(self) -> None:
        self.finished += 1


def test_each_run_is_told() -> None:
    told = Told()
    list(plan(load_graph(STREAMING), BenchmarkRequest(steps=1), Subject.CANDIDATE, Watch(told)))
    assert told.started == [("finding out the chunks of encoder_streaming.onnx", 0, "runs")]
    assert told.runs > 10
    assert told.finished == 1


def test_it_ends_when_it_is_stopped_and_nothing_is_a_failure() -> None:
    """Neither of the model, nor of its reference that has not been looked at."""
    told = Told()
    found = bench(
        WORDS_TDT / "encoder.onnx",
        against=STREAMING,
        hash=False,
        progress=told,
        stopped=lambda: told.runs >= 3,
    )
    assert told.runs == 3
    assert told.finished == len(told.started) == 1
    assert found.interrupted
    assert (found.measurements, found.failures) == ((), ())

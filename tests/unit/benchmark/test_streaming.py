"""A streaming encoder runs in a closed loop; its deadline and its slope follow from the samples."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.benchmark import streaming
from onnxtool.benchmark.bench import bench
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.measure import least_s
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import BenchmarkMethod, Failure, Kind, Measurement, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.streaming import deadline_misses, slope
from onnxtool.benchmark.tasks import StreamTask
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import load_bundle
from onnxtool.progress import Progress
from tests.support.models import WORDS_TDT

from .built import ENCODER, measurement, process

WORDS_TDT_STREAMING = WORDS_TDT.with_name("words-tdt-streaming")
STREAMING = WORDS_TDT / "encoder_streaming.onnx"


def planned(**changes: object) -> Work | Failure:
    request = BenchmarkRequest(steps=4, **changes)  # type: ignore[arg-type]
    (work,) = plan(load_graph(STREAMING), request, Subject.CANDIDATE)
    return work


def stream(*blocks_s: list[float], audio_s: float = 0.24) -> Measurement:
    steps = 4
    scenario = replace(ENCODER, kind=Kind.STREAM, steps=steps, audio_s=(audio_s,) * steps)
    return measurement([process(blocks_s), process(blocks_s)], scenario=scenario)


def test_the_window_is_found_out_by_running_it() -> None:
    work = planned(frame_ms=10)
    assert isinstance(work, Work)
    assert work.scenario.kind is Kind.STREAM
    assert work.scenario.sizes == {"time": 57}
    assert work.scenario.audio_s == (0.24,) * 4


def test_what_a_step_is_fed_comes_before_the_states() -> None:
    work = planned(at={"batch": (2,)})
    assert isinstance(work, Work)
    assert list(work.scenario.shapes)[:2] == ["audio_signal", "length"]
    assert work.scenario.batch == 2


def test_states_begin_at_zero_and_are_fed_back() -> None:
    work = planned()
    assert isinstance(work, Work)
    assert isinstance(work.task, StreamTask)
    assert work.task.states["cache_last_channel"] == "cache_last_channel_out"
    assert {name: int(value.any()) for name, value in work.task.start.items()} == {
        "cache_last_channel": 0,
        "cache_last_time": 0,
        "cache_last_channel_len": 0,
    }
    assert len(work.task.chunks) == 4
    assert set(work.task.chunks[0]) == {"audio_signal", "length"}
    assert work.scenario.audio_s == (0.24,) * 4


def test_a_window_may_be_told() -> None:
    work = planned(chunk=65, shift=32, frame_ms=10)
    assert isinstance(work, Work)
    assert (work.scenario.sizes, work.scenario.audio_s[0]) == ({"time": 65}, 0.32)


def test_what_is_new_of_a_told_window_is_what_it_makes_frames_of() -> None:
    work = planned(chunk=65, frame_ms=10)
    assert isinstance(work, Work)
    assert work.scenario.audio_s[0] == 0.24


def test_a_stream_that_takes_all_memory_is_a_failure() -> None:
    request = BenchmarkRequest(chunk=57, shift=24, steps=10**6)
    (failure,) = plan(load_graph(STREAMING), request, Subject.CANDIDATE)
    assert isinstance(failure, Failure)
    assert "1,000,000 steps of such chunks" in failure.message


def test_states_count_once_however_many_steps_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a full-size encoder are a thousand times as large as a chunk."""
    monkeypatch.setattr(streaming, "MAX_ELEMENTS", 4 * (80 * 57 + 1))
    assert isinstance(planned(chunk=57), Work)


class Labels(Progress):
    """Remembers what is begun."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, str]] = []

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        self.started.append((label, total, unit))


def test_a_stream_that_is_longer_than_the_budget_is_said_to_be_before_it_runs() -> None:
    work, labels = planned(chunk=57, shift=24), Labels()
    assert isinstance(work, Work)
    assert 0 < work.pass_s < 60
    request = BenchmarkRequest(steps=4, chunk=57, shift=24)
    method = BenchmarkMethod(budget_s=1e-6)
    bench(STREAMING, request=request, method=method, hash=False, progress=labels)
    label, total_s, _ = labels.started[-1]
    assert label.endswith("(longer than 1e-06 s: 4 steps are run three times)")
    assert total_s >= 1
    assert least_s([replace(work, pass_s=20.0)] * 2) == 120


def test_a_window_that_breaks_the_loop_is_a_failure() -> None:
    """With 17 frames the cache comes out with fewer rows than it takes."""
    work = planned(chunk=17)
    assert isinstance(work, Failure)
    assert "no closed loop at time=17: " in work.message
    assert "--chunk FRAMES,NEW" in work.message


def windows(folder: Path) -> dict[str, tuple[int, int, float]]:
    """Window, steps, and seconds of new audio, by graph."""
    request = BenchmarkRequest(steps=4, frame_ms=10)
    works = plan(load_bundle(folder), request, Subject.CANDIDATE)
    scenarios = [work.scenario for work in works if isinstance(work, Work)]
    return {
        each.graph: (each.sizes["time"], each.steps, each.audio_s[0])
        for each in scenarios
        if each.kind is Kind.STREAM
    }


PAIR = {"encoder_streaming.onnx": (41, 4, 0.32), "encoder_streaming_first.onnx": (25, 1, 0.25)}


def test_the_graph_of_the_first_chunk_runs_that_chunk() -> None:
    assert windows(WORDS_TDT_STREAMING) == PAIR


def test_two_graphs_that_nothing_is_declared_of_are_told_apart(tmp_path: Path) -> None:
    for name in PAIR:
        shutil.copy(WORDS_TDT_STREAMING / name, tmp_path)
    assert windows(tmp_path) == PAIR


def test_a_graph_alone_is_run_as_the_file_beside_it_declares() -> None:
    path = WORDS_TDT_STREAMING / "encoder_streaming_first.onnx"
    (work,) = plan(load_graph(path), BenchmarkRequest(), Subject.CANDIDATE)
    assert isinstance(work, Work)
    assert (work.scenario.sizes, work.scenario.steps) == ({"time": 25}, 1)


def test_a_damaged_declaration_is_a_failure_unless_the_window_is_told(tmp_path: Path) -> None:
    (tmp_path / "streaming.json").write_text('{"chunk_size": "five"}')
    path = Path(shutil.copy(STREAMING, tmp_path))
    (failure,) = plan(load_graph(path), BenchmarkRequest(), Subject.CANDIDATE)
    assert isinstance(failure, Failure)
    assert '`chunk_size` is "five"' in failure.message
    request = BenchmarkRequest(chunk=57, shift=24)
    (work,) = plan(load_graph(path), request, Subject.CANDIDATE)
    assert isinstance(work, Work)


def test_a_deadline_is_missed_where_a_step_takes_longer_than_its_audio() -> None:
    assert deadline_misses(stream([0.1, 0.2, 0.25, 0.3])) == 4
    assert deadline_misses(stream([0.1, 0.2, 0.24, 0.01])) == 0


def test_without_a_time_base_there_is_no_deadline() -> None:
    made = stream([0.1, 0.2, 0.3, 0.4])
    assert deadline_misses(replace(made, scenario=replace(made.scenario, audio_s=()))) is None


def test_the_slope_is_by_how_much_a_step_takes_longer_than_the_one_before() -> None:
    found = slope(stream([0.1, 0.11, 0.12, 0.13], [0.1, 0.11, 0.12, 0.13]))
    assert found is not None
    assert found[0] == pytest.approx(0.01)
    assert found[1].low == pytest.approx(0.01)


def test_two_steps_have_no_slope() -> None:
    made = stream([0.1, 0.2])
    assert slope(replace(made, scenario=replace(made.scenario, steps=2))) is None

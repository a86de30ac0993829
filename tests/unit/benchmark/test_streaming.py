"""A streaming encoder runs in a closed loop; its deadline and its slope follow from the samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import Failure, Kind, Measurement, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.streaming import deadline_misses, declared_window, slope
from onnxtool.benchmark.tasks import StreamTask
from onnxtool.model.artifact import load_graph
from tests.support.models import WORDS_TDT

from .built import ENCODER, measurement, process

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
    assert work.scenario.audio_s == ()


def test_a_window_may_be_told() -> None:
    work = planned(chunk=65, shift=32, frame_ms=10)
    assert isinstance(work, Work)
    assert (work.scenario.sizes, work.scenario.audio_s[0]) == ({"time": 65}, 0.32)


def test_a_window_that_breaks_the_loop_is_a_failure() -> None:
    """With 17 frames the cache comes out with fewer rows than it takes."""
    work = planned(chunk=17)
    assert isinstance(work, Failure)
    assert "no closed loop with 17 feature frames" in work.message
    assert "--chunk" in work.message


def test_the_configuration_beside_a_graph_declares_the_window(tmp_path: Path) -> None:
    config = {"chunk_size": [25, 32], "shift_size": [25, 32], "pre_encode_cache_size": [0, 9]}
    (tmp_path / "streaming.json").write_text(json.dumps(config))
    assert declared_window(tmp_path) == (41, 32)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"chunk_size": 5}', '{"chunk_size": [5]}'])
def test_a_configuration_that_declares_nothing_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "streaming.json").write_text(content)
    assert declared_window(tmp_path) is None


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

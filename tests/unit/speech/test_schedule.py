from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.contract import StreamingConfig
from onnxtool.speech.schedule import Schedule, Window, over, schedule_of, windows

NATIVE = Schedule((25, 32), (25, 32), (0, 9))
SINGLE = Schedule((41, 48), (17, 24), (0, 9))


def test_each_call_takes_in_the_end_of_what_came_before_it() -> None:
    assert list(windows(80, NATIVE)) == [
        Window(0, 25, 25),
        Window(16, 57, 41),
        Window(48, 89, 32),
    ]


def test_one_graph_for_all_calls_has_zeros_before_the_first() -> None:
    assert SINGLE.uniform() == Schedule((48, 48), (24, 24), (9, 9))
    assert next(windows(100, SINGLE.uniform())) == Window(-9, 48, 57)


def test_padded_windows_end_where_those_of_two_graphs_do() -> None:
    padded = SINGLE.padded()
    assert padded.window_sizes == (57, 57)
    ends = [window.stop for window in windows(200, SINGLE)]
    assert [window.stop for window in windows(200, padded)] == ends


def test_a_window_is_cut_with_zeros_where_there_are_no_features() -> None:
    features = np.arange(1.0, 5.0).reshape(1, 1, 4)
    assert Window(-2, 6, 6).of(features).tolist() == [[[0, 0, 1, 2, 3, 4, 0, 0]]]
    assert Window(1, 3, 2).of(features).tolist() == [[[2, 3]]]


@given(st.integers(1, 2000))
def test_every_frame_is_in_some_chunk(total: int) -> None:
    covered: set[int] = set()
    for window in windows(total, NATIVE):
        covered |= set(range(window.start, window.start + window.length))
        assert 0 < window.length <= window.stop - window.start
    assert covered >= set(range(total))


def test_a_configuration_that_leaves_sizes_open_is_no_schedule() -> None:
    assert schedule_of(StreamingConfig(chunk_size=(25, 32))) is None


@pytest.mark.parametrize("wrong", ["chunk_size", "shift_size", "pre_encode_cache_size"])
def test_sizes_that_make_no_stream_are_no_schedule(wrong: str) -> None:
    sound = StreamingConfig(chunk_size=(25, 32), shift_size=(25, 32), pre_encode_cache_size=(0, 9))
    with pytest.raises(UnsupportedModelError, match="no stream: chunks of"):
        schedule_of(replace(sound, **{wrong: (25, -1)}))  # type: ignore[arg-type]


def test_what_is_declared_stands_over_what_was_derived() -> None:
    derived = StreamingConfig(chunk_size=(25, 32), cache_drop_size=0)
    declared = StreamingConfig(cache_drop_size=3)
    assert over(derived, declared) == StreamingConfig(chunk_size=(25, 32), cache_drop_size=3)
    assert over(derived, None) is derived

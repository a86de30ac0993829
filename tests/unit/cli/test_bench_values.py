"""What the options of `bench` mean, and what they refuse."""

from __future__ import annotations

import math

import pytest

from onnxtool.cli.bench_values import (
    method,
    percentage,
    requested,
    session_options,
    size_lists,
    window,
)
from onnxtool.errors import UsageError
from onnxtool.runtime.options import Optimization, SessionOptions


@pytest.mark.parametrize(("text", "value"), [("3%", 0.03), ("0.5%", 0.005), ("0.02", 0.02)])
def test_a_percentage_is_a_part(text: str, value: float) -> None:
    assert percentage("--precision", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "x", "0", "0%", "-1%", "200%", "nan", "inf"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--precision") as caught:
        percentage("--precision", text)
    assert caught.value.hint == "as in --precision 3%"


def test_sizes_are_lists() -> None:
    assert size_lists(["time=100,400,100", "x:1=2"]) == {"time": (100, 400), "x:1": (2,)}
    assert size_lists(None) == {}


@pytest.mark.parametrize(
    "pairs", [["time"], ["=5"], ["time="], ["time=1,,2"], ["time=0"], ["time=1.5"], ["t=1", "t=2"]]
)
def test_what_are_no_sizes_is_refused(pairs: list[str]) -> None:
    with pytest.raises(UsageError, match="--at"):
        size_lists(pairs)


@pytest.mark.parametrize(
    ("text", "frames"), [("", (None, None)), ("57", (57, None)), ("57,24", (57, 24))]
)
def test_a_window_may_tell_what_is_new_in_it(
    text: str, frames: tuple[int | None, int | None]
) -> None:
    assert window(text) == frames


@pytest.mark.parametrize("text", ["24,57", "1,2,3", "x", "57,", "0"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--chunk"):
        window(text)


def test_session_options_are_those_of_onnx_runtime_unless_told() -> None:
    assert session_options("", None, None) == (SessionOptions(threads=0),)


def test_each_number_of_threads_is_a_setting() -> None:
    assert [each.threads for each in session_options("1,2", None, None)] == [1, 2]


def test_session_options_can_be_told() -> None:
    told = ["arena=off", "prepacking=off", "spinning=off", "execution=parallel"]
    (options,) = session_options("2", [*told, "optimization=basic"], ["time=7"])
    assert options == SessionOptions(
        threads=2,
        optimization=Optimization.BASIC,
        spinning=False,
        arena=False,
        prepacking=False,
        parallel=True,
        free_dimensions=(("time", 7),),
    )


@pytest.mark.parametrize("pair", ["", "arena", "arena=yes", "execution=both", "optimization=99"])
def test_unknown_session_options_are_refused_with_those_there_are(pair: str) -> None:
    with pytest.raises(UsageError, match="--session") as caught:
        session_options("", [pair], None)
    assert "execution=parallel|sequential" in caught.value.hint


@pytest.mark.parametrize("threads", ["0", "x", "1,", "9999"])
def test_unknown_numbers_of_threads_are_refused(threads: str) -> None:
    with pytest.raises(UsageError, match="--threads"):
        session_options(threads, None, None)


@pytest.mark.parametrize("pair", ["time", "=5", "time=x"])
def test_unknown_fixed_sizes_are_refused(pair: str) -> None:
    with pytest.raises(UsageError, match="--fix"):
        session_options("", None, [pair])


@pytest.mark.parametrize("pairs", [["time=1,2"], ["time=1", "time=2"], ["time"], ["=5"], ["t=0"]])
def test_a_symbol_is_fixed_at_one_size(pairs: list[str]) -> None:
    with pytest.raises(UsageError, match="--fix"):
        session_options("", None, pairs)


@pytest.mark.parametrize("number", [math.nan, math.inf, 0.0, -1.0, 1e9])
def test_what_nobody_can_wait_for_is_refused(number: float) -> None:
    with pytest.raises(UsageError, match="--budget"):
        method("2%", number, 5)


@pytest.mark.parametrize("frame_ms", [math.nan, math.inf, 1e6])
def test_what_is_no_length_of_a_frame_is_refused(frame_ms: float) -> None:
    with pytest.raises(UsageError, match="--frame-ms"):
        requested(None, None, "", None, "", 40, None, None, frame_ms, 600)

"""The length of the audio is found by type, rank and symbol."""

from __future__ import annotations

from onnxtool.model.pairing import time_axis
from onnxtool.model.signature import signature
from onnxtool.model.tensors import TensorSpec
from tests.support.models import view


def features(*shape: int | str | None, name: str = "x", dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, shape)


def test_it_is_the_first_dynamic_axis_that_is_not_the_batch() -> None:
    audio = features("batch", 80, "time")
    assert time_axis([audio]) == (audio, 2)
    unnamed = features(None, None, 80)
    assert time_axis([unnamed]) == (unnamed, 1)
    first = features("T", 80)
    assert time_axis([first]) == (first, 0)


def test_it_is_of_features_alone() -> None:
    audio = features("b", "time", 80)
    others = (
        features("b", "ids", dtype="int64"),
        features("time"),
        features("b", 80, 100),
        TensorSpec("unknown", "float32", None),
    )
    assert time_axis(others) is None
    assert time_axis([*others, audio]) == (audio, 1)


def test_features_of_another_rank_may_be_left_out() -> None:
    waveform, audio = features("b", "samples"), features("b", 80, "time")
    assert time_axis([waveform, audio]) == (waveform, 1)
    assert time_axis([waveform, audio], rank=3) == (audio, 2)


def test_the_sizes_of_values_are_those_of_symbols_and_of_axes_without() -> None:
    known = signature(view("g (float[b, 3, ?] x, int64[b] n) => (int64[b] y) { y = Neg(n) }"))
    assert known.sizes_of({"x": (2, 3, 7), "n": (2,)}) == {"b": 2, "x:2": 7}
    assert known.sizes_of({"x": (2,)}) == {"b": 2}
    assert known.sizes_of({}) == {}

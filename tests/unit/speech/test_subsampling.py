from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.speech.subsampling import Subsampling, fitting

subsamplings = st.builds(Subsampling, st.sampled_from([1, 2, 4, 8]), st.booleans())


def staged(length: int, factor: int, padding: int) -> int:
    """NeMo's `calc_length`: one convolution of kernel 3 and stride 2 after the other."""
    while factor > 1:
        length = (length + padding - 3) // 2 + 1
        factor //= 2
    return length


@given(st.integers(1, 5000), subsamplings)
def test_frames_are_those_of_the_convolutions_one_after_the_other(
    length: int, subsampling: Subsampling
) -> None:
    padding = 3 if subsampling.causal else 2
    expected = staged(length, subsampling.factor, padding)
    if subsampling.factor > 1:
        assert subsampling.frames(length) == expected


# The logs of a system that was exported with these: C3 of the facts about exports.
@pytest.mark.parametrize(
    ("length", "frames"), [(41, 6), (48, 6), (57, 8), (577, 73), (584, 73), (592, 74), (593, 75)]
)
def test_frames_are_those_that_were_logged(length: int, frames: int) -> None:
    assert Subsampling(8).frames(length) == frames


@given(st.integers(1, 300), subsamplings)
def test_no_shorter_length_gives_as_many_frames(frames: int, subsampling: Subsampling) -> None:
    length = subsampling.shortest(frames)
    assert subsampling.frames(length) >= frames
    assert length == 1 or subsampling.frames(length - 1) < frames


@given(subsamplings)
def test_a_subsampling_is_recognized_by_what_it_gives(subsampling: Subsampling) -> None:
    lengths = [1, 17, 41, 57, 64, 100, 101, 1000]
    found = fitting({length: subsampling.frames(length) for length in lengths})
    assert found is not None
    assert all(found.frames(length) == subsampling.frames(length) for length in range(1, 2000))


def test_what_no_subsampling_gives_is_none() -> None:
    assert fitting({1: 1, 17: 3, 64: 9, 100: 13}) is None


def test_no_frames_come_of_nothing() -> None:
    assert Subsampling(8).frames(0) == Subsampling(8, causal=True).frames(-3) == 0


def test_more_frames_never_take_less() -> None:
    causal = Subsampling(8, causal=True)
    assert all(a < b for a, b in pairwise(causal.shortest(frames) for frames in range(1, 50)))

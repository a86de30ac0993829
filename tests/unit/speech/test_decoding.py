"""Greedy decoding, case by case, with a transducer that says what it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from onnxtool.speech.decoding import GreedyDecoder, TokenLayout, margin

Array = np.ndarray[Any, np.dtype[Any]]
BLANK = 3
TDT = TokenLayout(BLANK, (0, 1, 2, 4))
RNNT = TokenLayout(BLANK)


class Scripted:
    """A transducer whose frames say what is decoded: columns of [token, entry of durations].

    At a frame that says the same again, the script moves on: `answers` counts the calls.
    """

    def __init__(self, layout: TokenLayout) -> None:
        self.layout = layout
        self.history: list[int] = []
        self.joined: list[tuple[int, int]] = []

    def predict(self, token: int, previous: tuple[int, ...] | None) -> tuple[int, ...]:
        self.history.append(token)
        return (*(previous or ()), token)

    def join(self, frame: Array, prediction: tuple[int, ...]) -> Array:
        token, duration = int(frame[0]), int(frame[1])
        self.joined.append((token, len(prediction)))
        logits = np.zeros(self.layout.width, np.float32)
        logits[token] = 2.0
        if self.layout.durations:
            logits[BLANK + 1 + duration] = 1.0
        return logits


def frames(*said: tuple[int, int]) -> Array:
    return np.array(said, np.float32).T


def decoded(
    layout: TokenLayout, *pieces: Array, max_symbols: int = 10
) -> tuple[list[tuple[int, int, int]], Scripted]:
    transducer = Scripted(layout)
    decoder = GreedyDecoder(transducer, layout, max_symbols=max_symbols)
    found = [emission for piece in pieces for emission in decoder.decode(piece)]
    return [(e.token, e.frame, e.duration) for e in found], transducer


def test_decoding_begins_with_the_blank() -> None:
    _, transducer = decoded(TDT, frames((BLANK, 1)))
    assert transducer.history == [BLANK]


def test_a_token_moves_time_by_its_duration() -> None:
    found, _ = decoded(TDT, frames((0, 2), (1, 1), (2, 1)))
    assert found == [(0, 0, 2), (2, 2, 1)]


def test_a_blank_moves_time_and_leaves_the_predictor() -> None:
    found, transducer = decoded(TDT, frames((BLANK, 2), (1, 1), (2, 1)))
    assert found == [(2, 2, 1)]
    assert transducer.history == [BLANK, 2]


def test_a_blank_of_duration_0_moves_by_one() -> None:
    found, _ = decoded(TDT, frames((BLANK, 0), (1, 1)))
    assert found == [(1, 1, 1)]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_tokens_of_duration_0_stay_until_the_limit(limit: int) -> None:
    found, _ = decoded(TDT, frames((0, 0), (1, 1)), max_symbols=limit)
    assert found == [(0, 0, 0)] * limit + [(1, 1, 1)]


def test_the_number_of_tokens_starts_anew_with_each_frame() -> None:
    found, _ = decoded(TDT, frames((0, 0), (1, 0)), max_symbols=3)
    assert [frame for _, frame, _ in found] == [0, 0, 0, 1, 1, 1]


def test_a_duration_beyond_the_end_stops() -> None:
    found, _ = decoded(TDT, frames((0, 3), (1, 1)))
    assert found == [(0, 0, 4)]


def test_durations_are_values_and_not_entries() -> None:
    found, _ = decoded(TDT, frames((0, 3), (1, 1), (1, 1), (1, 1), (2, 1)))
    assert found == [(0, 0, 4), (2, 4, 1)]


def test_without_durations_a_token_stays_and_a_blank_moves() -> None:
    found, _ = decoded(RNNT, frames((0, 0), (BLANK, 0), (2, 0)), max_symbols=2)
    assert found == [(0, 0, 0)] * 2 + [(2, 2, 0)] * 2


@pytest.mark.parametrize("cuts", [(1,), (2,), (1, 2, 3, 4), (5,), (2, 2)])
def test_pieces_decode_as_the_whole(cuts: Sequence[int]) -> None:
    """A duration of 4 crosses any of these cuts; an empty piece changes nothing."""
    whole = frames((0, 0), (BLANK, 0), (1, 3), (2, 1), (2, 1), (2, 1), (0, 1))
    pieces = np.split(whole, cuts, axis=1)
    assert decoded(TDT, *pieces, max_symbols=3)[0] == decoded(TDT, whole, max_symbols=3)[0]


def test_the_first_of_equals_wins() -> None:
    class Undecided(Scripted):
        def join(self, frame: Array, prediction: tuple[int, ...]) -> Array:  # noqa: ARG002
            return np.zeros(self.layout.width, np.float32)

    layout = TokenLayout(BLANK, (1, 2))
    decoder = GreedyDecoder(Undecided(layout), layout)
    (emission,) = decoder.decode(frames((0, 0)))
    assert (emission.token, emission.duration) == (0, 1)
    assert (emission.token_margin, emission.duration_margin) == (0.0, 0.0)


def test_margins_are_of_the_best_over_the_second() -> None:
    assert margin(np.array([1.0, 4.0, 2.5])) == 1.5
    assert margin(np.array([1.0])) == float("inf")

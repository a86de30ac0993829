"""Ranges of entries that are normalized are found wherever they are, and raw ones nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onnxtool.rules.joint.normalized_ranges import normalized

Array = np.ndarray[Any, np.dtype[Any]]
ROWS, SIZE = 12, 1030


def raw(seed: int = 0, *, rows: int = ROWS, size: int = SIZE, move: float = 0.5) -> Array:
    """What a joint may give: entries of their own height that move a little from row to row."""
    generator = np.random.default_rng(seed)
    height = 2 * generator.normal(size=size) - 3 * generator.integers(3)
    return height + move * generator.normal(size=(rows, size))


def log_softmax(values: Array) -> Array:
    shifted = values - values.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def spans(values: Array, **heads: tuple[int, int]) -> list[tuple[int, int]]:
    rounded = values.astype(np.float32).astype(np.float64)
    return [(found.start, found.stop) for found in normalized(rounded, heads)]


@pytest.mark.parametrize("move", [0.01, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("seed", range(10))
def test_raw_scores_add_up_to_one_nowhere(seed: int, move: float) -> None:
    assert spans(raw(seed, move=move)) == []


def test_scores_that_move_together_are_raw() -> None:
    """What of the sum stands still is not the sum of what moves."""
    together = raw(1, move=0) + np.linspace(0, 0.1, ROWS)[:, None]
    assert spans(together) == []


def test_scores_that_never_move_are_no_evidence() -> None:
    still = np.tile(log_softmax(raw(1, rows=1, size=SIZE)), (ROWS, 1))
    assert spans(np.concatenate([still, raw(2)], axis=1)) == []
    # But for a whole axis, and for what is known to be a head.
    assert spans(still) == [(0, SIZE)]
    assert spans(np.concatenate([still, raw(2)], axis=1), tokens=(0, SIZE)) == [(0, SIZE)]


@pytest.mark.parametrize(
    "bounds",
    [[(0, SIZE)], [(0, 1025)], [(1025, SIZE)], [(0, 1025), (1025, SIZE)], [(400, 405), (405, 900)]],
)
@pytest.mark.parametrize("kind", ["log probabilities", "probabilities"])
def test_heads_are_found_wherever_they_are(bounds: list[tuple[int, int]], kind: str) -> None:
    values = raw(3)
    for start, stop in bounds:
        head = log_softmax(values[:, start:stop])
        values[:, start:stop] = np.exp(head) if kind == "probabilities" else head
    found = normalized(values.astype(np.float32).astype(np.float64), {})
    assert [(each.start, each.stop, each.what) for each in found] == [(*b, kind) for b in bounds]
    assert all(each.worst < 1e-5 for each in found)


def test_three_heads_of_two_kinds() -> None:
    values = raw(4)
    values[:, :500] = log_softmax(values[:, :500])
    values[:, 500:505] = np.exp(log_softmax(values[:, 500:505]))
    values[:, 505:] = log_softmax(values[:, 505:])
    assert spans(values) == [(0, 500), (500, 505), (505, SIZE)]


def test_half_precision_is_enough_to_know_a_head() -> None:
    """Its end may be a little off: an unlikely entry is as small as the rounding."""
    values = raw(5)
    values[:, :1025] = log_softmax(values[:, :1025])
    ((start, stop),) = spans(values.astype(np.float16))
    assert start == 0
    assert 1020 < stop < 1028


def test_known_heads_are_told_by_name() -> None:
    values = raw(6)
    values[:, 1025:] = log_softmax(values[:, 1025:])
    (found,) = normalized(values, {"tokens": (0, 1025), "durations": (1025, SIZE)})
    assert (found.name, found.start, found.stop) == ("durations", 1025, SIZE)


def test_what_is_cut_off_far_below_is_in_no_range() -> None:
    """Of scores that are masked, one that is always 0 has a sum of 1 with all its neighbors."""
    masked = np.full((ROWS, 100), -1e9)
    masked[:, 40] = 0
    assert spans(masked) == []
    masked[:, 60:] = raw(7, size=40)
    assert spans(masked) == []


def test_a_probability_of_nothing_does_no_harm() -> None:
    values = log_softmax(raw(8))
    values[:, 100:200] = -np.inf
    assert normalized(log_softmax(values), {})[0].stop == SIZE


def test_scores_of_any_height_are_compared() -> None:
    values = raw(9)
    values[:, :100] = log_softmax(values[:, :100])
    values[:, 100:110] = 1e4
    values[:, 110:120] = -1e4
    values[:, 200:] = log_softmax(values[:, 200:])
    found = spans(values)
    assert found[0][0] == 0
    assert found[-1] == (200, SIZE)


def test_one_entry_is_no_head() -> None:
    assert spans(np.full((ROWS, 1), 0.0)) == []
    assert spans(np.concatenate([raw(10, size=4), np.zeros((ROWS, 1))], axis=1)) == []

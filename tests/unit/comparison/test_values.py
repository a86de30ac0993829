"""Two tensors: equal, different, and what cannot be compared."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onnxtool.comparison.values import argmax_flips, compare_values, scale, snr_db

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = [
    "float64", "float32", "float16", "int64", "int32", "int8", "uint8", "uint64", "bool",
    "complex64",
]  # fmt: skip
NARROW = [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, ml_dtypes.uint4]


@pytest.mark.parametrize("dtype", [*DTYPES, *NARROW])
def test_a_value_equals_itself(dtype: Any) -> None:
    value = np.arange(6).reshape(2, 3).astype(dtype)
    found = compare_values(value, value.copy())
    assert (found.error, found.differing, found.snr_db, found.cosine) == (0, 0, math.inf, 1)


@pytest.mark.parametrize("dtype", [*DTYPES, *NARROW])
def test_one_element_that_differs_is_found(dtype: Any) -> None:
    value = np.arange(6).reshape(2, 3).astype(dtype)
    other = value.copy()
    other[1, 1] = 0
    found = compare_values(value, other)
    assert found.differing == 1
    assert found.error > 0
    assert found.where[:2] == (1, 1)


def test_strings_are_equal_or_not() -> None:
    value = np.array(["a", "b"], object)
    assert compare_values(value, value.copy()).error == 0
    found = compare_values(value, np.array(["a", "c"], object))
    assert (found.error, found.differing, found.where) == (math.inf, 1, (1,))


def test_another_shape_or_dtype_is_no_value_to_compare() -> None:
    value = np.zeros((2, 3), np.float32)
    assert compare_values(value, np.zeros((3, 2), np.float32)).problem
    assert compare_values(value, np.zeros((2, 3), np.float64)).problem
    assert compare_values(value, np.zeros((2, 3, 1), np.float32)).error == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_must_be_in_the_same_place(bad: float) -> None:
    value = np.array([1, bad, 3, 4])
    assert compare_values(value, value.copy()).error == 0
    moved = compare_values(value, np.array([bad, 1, 3, 4]))
    assert (moved.nonfinite, moved.error, moved.where) == (2, math.inf, (0,))


def test_infinities_of_other_signs_differ() -> None:
    assert compare_values(np.array([math.inf]), np.array([-math.inf])).nonfinite == 1


def test_large_integers_that_round_to_the_same_differ_by_one() -> None:
    value = np.array([2**62, 5])
    found = compare_values(value, value + np.array([1, 0]))
    assert (found.differing, found.max_abs) == (1, 1)


def test_the_error_is_in_standard_deviations() -> None:
    value = np.array([-1.0, 1.0, -1.0, 1.0])
    assert compare_values(value, value + 0.5).error == 0.5
    assert compare_values(10 * value, 10 * value + 5).error == 0.5


def test_a_constant_is_measured_against_its_size() -> None:
    assert compare_values(np.full(4, 100.0), np.full(4, 101.0)).error == pytest.approx(0.01)
    assert compare_values(np.zeros(4), np.full(4, 0.25)).error == 0.25
    assert scale(np.zeros(0)) == 1


def test_one_bad_element_does_not_hide_among_many() -> None:
    """Neither its absolute nor its relative error is large: "or" would let both of them pass."""
    value = np.concatenate([np.full(10_000, 1e3), np.full(10_000, 1e-3)])
    small, large = value.copy(), value.copy()
    small[-1] += 1.0
    large[0] += 1.0
    errors = [compare_values(value, other).error for other in (small, large)]
    assert errors == pytest.approx([1 / 500, 1 / 500], rel=1e-3)


def test_empty_values_are_equal() -> None:
    assert compare_values(np.zeros((0, 3)), np.zeros((0, 3))).error == 0


@given(hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e6, 1e6, width=32)))
def test_noise_of_a_known_level_has_that_ratio(value: Array) -> None:
    """The signal-to-noise ratio of x against x + x / 100 is 40 dB."""
    if value.any():
        wide = value.astype(np.float64)
        assert snr_db(wide, wide / 100) == pytest.approx(40)


def test_flips_are_counted_with_the_margin_they_overcame() -> None:
    left = np.array([[[1.0, 2.0, 0.0], [5.0, 2.0, 0.0]], [[0.0, 1.0, 4.0], [0.0, 0.0, 1.0]]])
    right = left.copy()
    right[0, 0] = [3.0, 2.0, 0.0]
    right[1, 0] = [9.0, 1.0, 4.0]
    flips = argmax_flips(left, right)
    assert (flips.rows, flips.flipped, flips.largest_margin) == (4, 2, 3.0)
    assert argmax_flips(left, left).flipped == 0


@pytest.mark.parametrize("mask", [-3.4e38, -1e9, -1e4 * 8])
def test_nothing_hides_behind_a_mask(mask: float) -> None:
    rng = np.random.default_rng(0)
    value = rng.standard_normal(64)
    value[::2] = mask
    other = value.copy()
    other[1::2] *= 3
    assert compare_values(value, other).error > 1
    rounded = value.copy()
    rounded[::2] *= 1 + 1e-7
    assert compare_values(value, rounded).error < 1e-6
    unmasked = value.copy()
    unmasked[0] = 0
    assert compare_values(value, unmasked).error >= 1


def test_numbers_whose_squares_are_infinite_are_compared() -> None:
    value = np.array([1.0, -2.0, 3.0]) * 1e200
    found = compare_values(value, value * 3)
    assert found.error > 1
    assert found.snr_db == pytest.approx(-20 * math.log10(2))
    assert found.cosine == pytest.approx(1)
    assert scale(np.array([1e308, -1e308])) == pytest.approx(1e308)

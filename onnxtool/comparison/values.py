"""Two values of one output: how far they are apart, in units that do not depend on its scale.

The verdict rests on one number, `error`: the largest difference over the reference's standard
deviation. There is no "absolute or relative": one bad element cannot hide behind a large one, nor a
constant offset behind a small one. Values far out of the ordinary, such as the -3e38 of a mask, are
measured against themselves, and do not count in the deviation: all else would hide behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
# Features and logits stay below 100; masks are at -1e4 (float16) and beyond. The second tells them
# from an output that is large as a whole: times the median of what is smaller.
LARGE, FAR = 1e4, 1e3


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How a candidate's value differs from the reference's.

    Attributes:
        elements: Number of elements of the reference.
        differing: Number of elements that are not equal; NaN equals NaN.
        max_abs: Largest absolute difference of finite elements, in the output's unit.
        error: Largest difference over the reference's standard deviation (over its magnitude where
            it is constant, over 1 where it is zero), of values far out of the ordinary over their
            own magnitude; infinite where the two cannot be compared.
        snr_db: Power of the reference over power of the difference, in dB; infinite if equal.
        cosine: Of the two as vectors; 1 if equal.
        nonfinite: Elements where one is NaN or infinite and the other is not the same.
        problem: Why they cannot be compared: another shape or dtype; else empty.
        where: Index of the largest difference, or of the first non-finite one; empty if equal.
    """

    elements: int
    differing: int = 0
    max_abs: float = 0.0
    error: float = 0.0
    snr_db: float = math.inf
    cosine: float = 1.0
    nonfinite: int = 0
    problem: str = ""
    where: tuple[int, ...] = ()


def compare_values(reference: Array, candidate: Array) -> ValueDifference:
    """Compare two tensors element by element, in float64.

    Integers, Booleans and strings are equal or not: any difference is an error of infinity for
    strings and Booleans, and of its size for integers.
    """
    if reference.dtype != candidate.dtype:
        return _incomparable(reference, f"{reference.dtype} in one, {candidate.dtype} in the other")
    if reference.shape != candidate.shape:
        return _incomparable(
            reference, f"{list(reference.shape)} in one, {list(candidate.shape)} in the other"
        )
    if reference.dtype.kind in "OSUb":
        return _exact(reference, candidate)
    # Infinities are compared, and large numbers subtracted, on purpose.
    with np.errstate(all="ignore"):
        if reference.dtype.kind == "c":
            return _numeric(_parts(reference), _parts(candidate))
        return _numeric(reference, candidate)


def _parts(value: Array) -> Array:
    """Real and imaginary parts along one more axis."""
    return np.stack([value.real, value.imag], axis=-1)


def is_exact(dtype: np.dtype[Any]) -> bool:
    """Whether values of this type are equal or not, and never nearly so."""
    # ml_dtypes has integers of four bits, whose kind is another.
    return dtype.kind in "iubOSU" or dtype.name.startswith(("int", "uint"))


def count_finite(value: Array) -> int:
    """How many elements say something: neither NaN nor infinite."""
    if is_exact(value.dtype):
        return int(value.size)
    return int(np.count_nonzero(np.isfinite(value)))


def _incomparable(reference: Array, problem: str) -> ValueDifference:
    return ValueDifference(
        reference.size, reference.size, math.inf, math.inf, -math.inf, 0.0, problem=problem
    )


def _exact(reference: Array, candidate: Array) -> ValueDifference:
    different = reference != candidate
    count = int(np.count_nonzero(different))
    if not count:
        return ValueDifference(reference.size)
    return ValueDifference(
        reference.size,
        count,
        math.inf,
        math.inf,
        -math.inf,
        0.0,
        where=_index(different.argmax(), reference.shape),
    )


def _numeric(reference: Array, candidate: Array) -> ValueDifference:
    left, right = reference.astype(np.float64), candidate.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    if reference.dtype.kind in "iu":
        # Large integers that differ may round to one float64.
        same = reference == candidate
    differing = int(np.count_nonzero(~same))
    if not differing:
        return ValueDifference(reference.size)
    broken = ~same & ~(np.isfinite(left) & np.isfinite(right))
    nonfinite = int(np.count_nonzero(broken))
    gaps = np.where(same | broken, 0.0, np.abs(left - right))
    if reference.dtype.kind in "iu":
        gaps = np.where(same, 0.0, np.maximum(gaps, 1.0))
    largest = float(gaps.max())
    finite = np.isfinite(left) & np.isfinite(right)
    return ValueDifference(
        elements=reference.size,
        differing=differing,
        max_abs=largest,
        error=math.inf if nonfinite else _error(left, gaps),
        snr_db=-math.inf if nonfinite else snr_db(left[finite], gaps[finite]),
        cosine=cosine(left[finite], right[finite]),
        nonfinite=nonfinite,
        where=_index((broken if nonfinite else gaps).argmax(), reference.shape),
    )


def _error(reference: Floats, gaps: Floats) -> float:
    """The largest difference in units of the reference, extreme values in units of themselves."""
    far = _is_far(reference)
    usual = float(gaps[~far].max(initial=0.0)) / scale(reference[~far])
    return max(usual, float((gaps[far] / np.abs(reference[far])).max(initial=0.0)))


def _is_far(value: Floats) -> np.ndarray[Any, np.dtype[np.bool]]:
    """Elements that are large, and of another order than all that are not: masks, as a rule."""
    magnitude = np.abs(value)
    usual = magnitude[(magnitude > 0) & (magnitude < LARGE)]
    limit = max(LARGE, FAR * float(np.median(usual))) if usual.size else math.inf
    far: np.ndarray[Any, np.dtype[np.bool]] = np.isfinite(magnitude) & (magnitude >= limit)
    return far


def _index(flat: np.intp, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape))


def scale(value: Floats) -> float:
    """What an error is measured against: the spread of the finite elements.

    Their standard deviation; of a constant its magnitude; of zeros, or of nothing, 1.
    """
    finite = value[np.isfinite(value)]
    largest = float(np.abs(finite).max(initial=0.0))
    if not largest:
        return 1.0
    # Of parts of the largest: squares of large numbers would be infinite.
    return largest * (float((finite / largest).std()) or 1.0)


def snr_db(reference: Floats, difference: Floats) -> float:
    """Power of the reference over power of the difference, in dB (SQNR, for quantization)."""
    signal, noise = _length(reference), _length(difference)
    if noise == 0:
        return math.inf
    return 20 * (math.log10(signal) - math.log10(noise)) if signal else -math.inf


def cosine(left: Floats, right: Floats) -> float:
    """The cosine of the angle between two vectors; 1 for two zeros, 0 for one."""
    lengths = _length(left), _length(right)
    if 0 in lengths:
        return float(lengths == (0, 0))
    return float(np.clip(np.vdot(left / lengths[0], right / lengths[1]), -1.0, 1.0))


def _length(vector: Floats) -> float:
    """The Euclidean length, finite for any finite elements whose length is."""
    largest = float(np.abs(vector).max(initial=0.0))
    return largest * float(np.linalg.norm(vector / largest)) if largest else 0.0


@dataclass(frozen=True, slots=True)
class Flips:
    """Rows of logits whose largest entry is another one.

    Attributes:
        rows: Rows compared.
        flipped: Rows whose argmax differs.
        largest_margin: The largest margin, of the best over the second in the reference, that was
            overcome: a flip at a wide margin is no rounding.
    """

    rows: int
    flipped: int
    largest_margin: float


def argmax_flips(reference: Array, candidate: Array) -> Flips:
    """Compare decisions along the last axis, of at least two entries; shapes must be equal."""
    left = reference.reshape(-1, reference.shape[-1]).astype(np.float64)
    right = candidate.reshape(left.shape)
    flipped = left.argmax(axis=1) != right.argmax(axis=1)
    if not flipped.any():
        return Flips(len(left), 0, 0.0)
    best = np.partition(left[flipped], -2, axis=1)
    return Flips(
        len(left), int(np.count_nonzero(flipped)), float((best[:, -1] - best[:, -2]).max())
    )

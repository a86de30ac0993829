"""What a cache-aware encoder reads of its caches, found by changing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.speech.cache_aware import CHANNEL, FILLED, TIME, CacheAwareEncoder

Array = np.ndarray[Any, np.dtype[Any]]

PREFIX, SUFFIX = "prefix", "suffix"
# Far outside of what a normalized layer gives, so that nothing hides it.
GARBAGE = 100.0
# Where every value has a part in how the others are rounded, the side that is read moves the output
# by so many times what the other one does.
CLEARLY = 4.0


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How much the output changes, at most, when something in a cache does.

    Attributes:
        filled: Frames that the graph was told are in its attention cache, half of its room.
        prefix: Other values in the first `filled` places of it.
        suffix: In the last `filled` places.
        garbage: A large number added everywhere but at the side that is read (see `read`).
        empty: The same with nothing filled: a stream's start.
        context: Other values in the convolution cache.
        written: The side of an empty cache that a first step fills; empty where that does not tell.
    """

    filled: int
    prefix: float
    suffix: float
    garbage: float
    empty: float
    context: float
    written: str

    @property
    def read(self) -> str:
        """The side whose frames count; empty for both, or none."""
        if max(self.prefix, self.suffix) <= CLEARLY * min(self.prefix, self.suffix):
            return ""
        return PREFIX if self.prefix > self.suffix else SUFFIX


def cache_use(encoder: CacheAwareEncoder, length: int) -> CacheUse:
    """Change one thing at a time in the caches of a step with a window of this length."""
    base = encoder.feeds(length)
    generator = np.random.default_rng(1)
    room = encoder.cache_size
    half = max(1, room // 2)
    base[CHANNEL] = noise(base[CHANNEL], generator)
    base[TIME] = noise(base[TIME], generator)
    base[FILLED] = np.full_like(base[FILLED], half)
    other = noise(base[CHANNEL], generator)
    reference = encoder.run(base).output

    def effect(changes: Mapping[str, Array], against: Array = reference) -> float:
        output = encoder.run({**base, **changes}).output
        return float(np.abs(output.astype(np.float64) - against).max(initial=0.0))

    def with_places(values: Array, places: slice) -> Mapping[str, Array]:
        return {CHANNEL: placed(base[CHANNEL], values, places, encoder.cache_axis)}

    prefix = effect(with_places(other, slice(0, half)))
    suffix = effect(with_places(other, slice(room - half, room)))
    unread = slice(half, room) if prefix and not suffix else slice(0, room - half)
    dirty = base[CHANNEL] + np.asarray(GARBAGE, base[CHANNEL].dtype)
    nothing = {FILLED: np.zeros_like(base[FILLED])}
    blank = encoder.run({**base, **nothing}).output
    return CacheUse(
        filled=half,
        prefix=prefix,
        suffix=suffix,
        garbage=effect(with_places(dirty, unread)),
        empty=effect({**nothing, CHANNEL: dirty}, blank),
        context=effect({TIME: noise(base[TIME], generator)}),
        written=_written(encoder, length),
    )


def noise(like: Array, generator: np.random.Generator) -> Array:
    """Random values in the shape and type of others."""
    values: Array = np.asarray(generator.standard_normal(like.shape), like.dtype)
    return values


def placed(cache: Array, other: Array, places: slice, axis: int) -> Array:
    """A cache with the values of another in some places of an axis."""
    changed = cache.copy()
    np.moveaxis(changed, axis, 0)[places] = np.moveaxis(other, axis, 0)[places]
    return changed


def _written(encoder: CacheAwareEncoder, length: int) -> str:
    """Where the frames of a first step are, judged by what is no longer zero."""
    step = encoder.run(encoder.feeds(length))
    places, filled = encoder.occupied(step), step.filled
    room = len(places)
    if not 0 < filled < room:
        return ""
    if places[room - filled :].all() and not places[: room - filled].any():
        return SUFFIX
    if places[:filled].all() and not places[filled:].any():
        return PREFIX
    return ""


def frames_moved(encoder: CacheAwareEncoder, length: int) -> int | None:
    """By how many places a full attention cache moves in a step; None where nothing of it is left.

    What the cache holds, and not what the graph says of it.
    """
    given = encoder.feeds(length)
    given[CHANNEL] = noise(given[CHANNEL], np.random.default_rng(2))
    given[FILLED] = np.full_like(given[FILLED], encoder.cache_size)
    before, after = (
        np.moveaxis(cache, encoder.cache_axis, 0)
        for cache in (given[CHANNEL], encoder.run(given).states[CHANNEL])
    )
    if before.shape != after.shape:
        return None
    for moved in range(encoder.cache_size):
        if np.array_equal(before[moved:], after[: encoder.cache_size - moved]):
            return moved
    return None

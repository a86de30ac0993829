"""How far a cache-aware encoder's frames look back and ahead, found by changing what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.speech.cache_aware import AUDIO, CHANNEL, FILLED, Array, CacheAwareEncoder
from onnxtool.speech.liveness import noise, placed
from onnxtool.speech.probing import MAX_WINDOW, Probe


@dataclass(frozen=True, slots=True)
class Context:
    """What the first frame of a window, and all that it gives, depend on.

    Attributes:
        left: Of a full attention cache, the latest frames that are read.
        ahead: Frames after the first one that change it.
        tried: Frames after the first one that there were.
    """

    left: int
    ahead: int
    tried: int


def context(encoder: CacheAwareEncoder, probe: Probe, window: int, ahead: int) -> Context | None:
    """Look for it: in a window of the stream, and in one with `ahead` frames after the first.

    None where the graph takes no window that long. It must compute masked values as zero, so that
    what is not read changes nothing: one that quantizes by the range of all values does not.
    """
    length = probe.subsampling.shortest(probe.drop_extra_pre_encoded + 1 + ahead)
    if length > MAX_WINDOW:
        return None
    try:
        return Context(_left(encoder, window), _ahead(encoder, probe, length, ahead), ahead)
    except RunRefusedError:
        return None


def _left(encoder: CacheAwareEncoder, window: int) -> int:
    room = encoder.cache_size
    base = encoder.feeds(window)
    generator = np.random.default_rng(3)
    base[CHANNEL] = noise(base[CHANNEL], generator)
    base[FILLED] = np.full_like(base[FILLED], room)
    other = noise(base[CHANNEL], generator)
    reference = encoder.run(base).output

    def unread(left: int) -> bool:
        """Whether nothing before the latest `left` frames is read."""
        before = slice(0, room - left)
        changed = placed(base[CHANNEL], other, before, encoder.cache_axis)
        return np.array_equal(encoder.run({**base, CHANNEL: changed}).output, reference)

    return _least(room, unread)


def _ahead(encoder: CacheAwareEncoder, probe: Probe, length: int, most: int) -> int:
    base = encoder.feeds(length)
    other = noise(base[AUDIO], np.random.default_rng(4))
    reference = _first(encoder.run(base).output)
    factor, late = probe.subsampling.factor, int(probe.subsampling.causal)

    def unseen(ahead: int) -> bool:
        """Whether the first frame sees nothing after the `ahead` frames that follow it."""
        frame = probe.drop_extra_pre_encoded + ahead + 1
        start = factor * (frame - late) + late
        changed = placed(base[AUDIO], other, slice(start, length), 2)
        return np.array_equal(_first(encoder.run({**base, AUDIO: changed}).output), reference)

    return _least(most, unseen)


def _first(output: Array) -> Array:
    return output[:, :, 0]


def _least(most: int, true_of: Callable[[int], bool]) -> int:
    """The least number up to `most` that something is true of, and stays true of larger ones."""
    low, high = -1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true_of(middle) else (middle, high)
    return high

"""Which feature frames a streaming encoder is given, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.contract import StreamingConfig

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sizes in feature frames, each for the first call and for every later one.

    Attributes:
        chunk_size: New frames that a call sees.
        shift_size: Frames by which the next call is further on.
        pre_encode_cache_size: Frames before the chunk, seen again; zeros before the first frame.
    """

    chunk_size: tuple[int, int]
    shift_size: tuple[int, int]
    pre_encode_cache_size: tuple[int, int]

    @property
    def window_sizes(self) -> tuple[int, int]:
        """Frames of the first call, and of every later one."""
        (chunk, later_chunk), (before, later_before) = self.chunk_size, self.pre_encode_cache_size
        return chunk + before, later_chunk + later_before

    def uniform(self) -> Schedule:
        """Every window and every shift alike, zeros before the first: one graph, driven simply.

        Its frames are not those of the offline encoder: they lie between them.
        """
        (_, chunk), (_, shift) = self.chunk_size, self.shift_size
        (_, before) = self.pre_encode_cache_size
        return Schedule((chunk, chunk), (shift, shift), (before, before))

    def padded(self) -> Schedule:
        """The same frames, of one graph that drops the first frames of every window.

        The first window is as long as the others, with zeros before its chunk.
        """
        before = self.window_sizes[1] - self.chunk_size[0]
        return replace(self, pre_encode_cache_size=(before, self.pre_encode_cache_size[1]))


def schedule_of(config: StreamingConfig) -> Schedule | None:
    """The schedule that a configuration says, or None where it leaves something open.

    Raises:
        UnsupportedModelError: It says sizes that make no stream.
    """
    if not (config.chunk_size and config.shift_size and config.pre_encode_cache_size):
        return None
    if min(*config.chunk_size, *config.shift_size) < 1 or min(config.pre_encode_cache_size) < 0:
        raise UnsupportedModelError(
            f"no stream: chunks of {list(config.chunk_size)} feature frames after "
            f"{list(config.pre_encode_cache_size)}, moved on by {list(config.shift_size)}"
        )
    return Schedule(config.chunk_size, config.shift_size, config.pre_encode_cache_size)


def over(config: StreamingConfig, declared: StreamingConfig | None) -> StreamingConfig:
    """A configuration with everything that is declared in place of what was derived."""
    if declared is None:
        return config
    said = {name: getattr(declared, name) for name in StreamingConfig.__slots__}
    return replace(config, **{name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Window:
    """One call: features[start:stop], with zeros where that is before the first or past the last.

    Attributes:
        length: Frames up to the last one there is, those before the first included.
    """

    start: int
    stop: int
    length: int

    def of(self, features: Array) -> Array:
        """Its features [B, D, stop - start], cut from [B, D, T]."""
        before, after = max(0, -self.start), max(0, self.stop - features.shape[-1])
        cut = features[..., max(0, self.start) : self.stop]
        return np.pad(cut, ((0, 0),) * (features.ndim - 1) + ((before, after),))


def windows(total: int, schedule: Schedule) -> Iterator[Window]:
    """The calls for `total` feature frames (NeMo, `CacheAwareStreamingAudioBuffer`).

    The first is frames [0, chunk) after what there is before; a later one stands at a position that
    moves on by the shift, and takes in the end of what came before it.
    """
    position, call = 0, 0
    while position < total:
        later = min(call, 1)
        start = position - schedule.pre_encode_cache_size[later]
        stop = position + schedule.chunk_size[later]
        yield Window(start, stop, min(stop, total) - start)
        position += schedule.shift_size[later]
        call += 1

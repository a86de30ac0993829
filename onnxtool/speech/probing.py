"""Recover the streaming configuration of a cache-aware encoder from the graph alone.

A few calls with windows of different lengths and empty caches tell what was baked in. For a window
of T feature frames let P = sub(T) - drop_extra_pre_encoded; then the graph gives
min(P, valid_out_len) frames, and counts P - cache_drop_size frames in its attention cache, up to
the size of that (NeMo, `ConformerEncoder.setup_streaming_params` and `cache_aware_stream_step`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.contract import StreamingConfig
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.speech.cache_aware import AUDIO, CacheAwareEncoder
from onnxtool.speech.schedule import Schedule
from onnxtool.speech.subsampling import Subsampling

# No window of a streaming encoder is as long: 20 s.
MAX_WINDOW = 2048


@dataclass(frozen=True, slots=True)
class Probe:
    """What the graph itself says of how it is to be driven.

    Attributes:
        shortest: The least number of feature frames that it runs on.
        cache_drop_size: None where what it counts as cached cannot be: nothing ever, or more than
            there is.
        valid_out_len: Frames that a call gives at most; None for all of them.
        last_channel_cache_size: None where the graph takes any.
        conv_cache_size: Likewise.
    """

    subsampling: Subsampling
    shortest: int
    drop_extra_pre_encoded: int
    cache_drop_size: int | None
    valid_out_len: int | None
    last_channel_cache_size: int | None
    conv_cache_size: int | None

    def frames(self, length: int) -> int:
        """Encoder frames that a window of this length makes, before any is left out: P."""
        return self.subsampling.frames(length) - self.drop_extra_pre_encoded

    def schedule(self, valid: int, drop: int) -> Schedule:
        """How NeMo drives an encoder that gives `valid` frames and keeps `drop` out of its cache.

        Each frame is given once: the shift is what `valid` frames stand for. The chunk is as long
        as its frames and the ones they look ahead to. A first chunk ends with its last frame; where
        frames are stacked and not convolved, so that nothing is needed before, with all of it.
        """
        factor = self.subsampling.factor
        chunk, shift = factor * (valid + drop), factor * valid
        rest = 0 if self.stacks else factor - 1
        return Schedule((chunk - rest, chunk), (shift - rest, shift), (0, self.pre_encode_cache))

    @property
    def stacks(self) -> bool:
        """Whether a window needs nothing before it, and gives a frame for all that is in it."""
        return self.starts and not self.subsampling.causal

    @property
    def starts(self) -> bool:
        """Whether it drops nothing, and so may have nothing before its chunk."""
        return not self.drop_extra_pre_encoded

    @property
    def pre_encode_cache(self) -> int:
        """The frames that make as many encoder frames as are dropped; NeMo takes one too many."""
        dropped = self.drop_extra_pre_encoded
        return self.subsampling.factor * (dropped - 1) + 1 if dropped else 0

    @property
    def config(self) -> StreamingConfig:
        """As much of the configuration as it says."""
        valid, drop = self.valid_out_len, self.cache_drop_size
        schedule = self.schedule(valid, drop or 0) if valid else None
        return StreamingConfig(
            chunk_size=schedule.chunk_size if schedule else None,
            shift_size=schedule.shift_size if schedule else None,
            cache_drop_size=drop,
            last_channel_cache_size=self.last_channel_cache_size,
            conv_cache_size=self.conv_cache_size,
            valid_out_len=valid,
            pre_encode_cache_size=(0, self.pre_encode_cache),
            drop_extra_pre_encoded=self.drop_extra_pre_encoded,
        )


def probe(encoder: CacheAwareEncoder) -> Probe:
    """Probe a graph whose caches have the sizes that it needs (see `cache_sizes`).

    Raises:
        UnsupportedModelError: It answers like no cache-aware encoder.
        RunError: A call failed otherwise than for the length of its window.
    """
    if 2 not in encoder.spec(AUDIO).dynamic_axes:
        raise UnsupportedModelError("its windows have one fixed length, which says nothing")
    watch = _Watch(encoder)
    shortest = watch.least(1, lambda seen: seen is not None, "it runs on no window")
    first = watch.next_frame(shortest)
    second = watch.next_frame(first)
    subsampling = _subsampling(first, second - first)
    seen = watch.require(shortest)
    dropped = subsampling.frames(shortest) - seen.frames
    if dropped < 0:
        raise UnsupportedModelError(
            f"{shortest} feature frames give {seen.frames} encoder frames, where {subsampling} is "
            f"{subsampling.frames(shortest)}"
        )
    cache, context = encoder.cache_size, encoder.conv_size
    found = Probe(subsampling, shortest, dropped, 0, None, cache, context)
    return replace(found, cache_drop_size=_drop(watch, found), valid_out_len=_valid(watch, found))


def _subsampling(length: int, factor: int) -> Subsampling:
    """By where another frame begins: at T = 1 modulo the factor, or at T = 2 if it is causal."""
    for candidate in (Subsampling(factor), Subsampling(factor, causal=True)):
        if candidate.frames(length) == candidate.frames(length - 1) + 1:
            return candidate
    raise UnsupportedModelError(
        f"another frame comes every {factor} feature frames, at {length}: a subsampling of no "
        "known kind"
    )


def _drop(watch: _Watch, found: Probe) -> int | None:
    """Frames that a window makes and that its cache does not count; None where that tells nothing.

    A count of nothing for any window, of more frames than it makes, or of others than it puts into
    an empty cache, is no count of its frames.
    """
    counted = _left_out(watch, found, lambda seen: seen.filled)
    kept = _left_out(watch, found, lambda seen: seen.kept if seen.kept < watch.room else 0)
    if counted is None or counted < 0 or (kept is not None and kept != counted):
        return None
    return counted


def _left_out(watch: _Watch, found: Probe, number: Callable[[_Seen], int]) -> int | None:
    """What the least window of which such a number is positive makes beyond it; None for none."""
    try:
        length = watch.least(found.shortest, lambda seen: bool(seen and number(seen) > 0), "")
    except UnsupportedModelError:
        return None
    return found.frames(length) - number(watch.require(length))


def _valid(watch: _Watch, found: Probe) -> int | None:
    """Frames given at most: where a longer window does not give more."""
    frames = 2
    while (
        length := found.subsampling.shortest(frames + found.drop_extra_pre_encoded)
    ) < MAX_WINDOW:
        seen = watch.at(length)
        if seen is None:  # Longer than its positions.
            return None
        if seen.frames < frames:
            return seen.frames
        frames *= 2
    return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of one call: the frames it gave, those it counts as cached, and those in its empty cache."""

    frames: int
    filled: int
    kept: int


class _Watch:
    """Calls with empty caches, each length once."""

    def __init__(self, encoder: CacheAwareEncoder) -> None:
        self.encoder = encoder
        self.room = encoder.cache_size
        self.seen: dict[int, _Seen | None] = {}

    def at(self, length: int) -> _Seen | None:
        """What a window of this length gives; None where it is refused, or gives nothing."""
        if length not in self.seen:
            self.seen[length] = self._call(length)
        return self.seen[length]

    def require(self, length: int) -> _Seen:
        """What a window gives that was seen to give something."""
        seen = self.at(length)
        if seen is None:
            raise UnsupportedModelError(f"it runs on shorter windows, but not on {length} frames")
        return seen

    def next_frame(self, length: int) -> int:
        """The least longer window that makes another frame, by what it gives or by its cache."""
        now = self.require(length)
        return self.least(
            length, lambda seen: seen not in {None, now}, f"windows past {length} make no more"
        )

    def least(self, start: int, wanted: Callable[[_Seen | None], bool], otherwise: str) -> int:
        """The least window of which something is true that stays true of longer ones.

        Raises:
            UnsupportedModelError: It is true of none; `otherwise` says what that means.
        """
        if wanted(self.at(start)):
            return start
        stride = 1
        while not wanted(self.at(start + stride)):
            stride *= 2
            if start + stride > MAX_WINDOW:
                raise UnsupportedModelError(otherwise)
        low, high = start + stride // 2, start + stride
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if wanted(self.at(middle)) else (middle, high)
        return high

    def _call(self, length: int) -> _Seen | None:
        try:
            step = self.encoder.run(self.encoder.feeds(length))
        except RunRefusedError:
            return None
        frames = step.output.shape[2]
        places = self.encoder.occupied(step)
        # What is dropped of too short a window leaves a cache of another size.
        kept = int(places.sum()) if len(places) == self.room else 0
        return _Seen(frames, step.filled, kept) if frames else None

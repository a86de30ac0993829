"""How a cache-aware encoder is to be driven: what graphs imply, and what was declared of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from onnxtool.model.contract import StreamingConfig
from onnxtool.speech.probing import Probe
from onnxtool.speech.schedule import Schedule, over, schedule_of


def driven(own: Probe, first: Probe | None, declared: StreamingConfig | None) -> StreamingConfig:
    """As promised; else as the first chunk's graph beside it implies; else as it implies itself.

    Args:
        own: Of the graph that runs every later chunk.
        first: Of the graph that runs the first chunk for it, if there is one.
        declared: What was promised.
    """
    return over(implied(own, first, None), declared)


def implied(own: Probe, first: Probe | None, declared: StreamingConfig | None) -> StreamingConfig:
    """What the graphs themselves say, and NeMo's way of driving them.

    How many frames a call gives, some graphs do not say: they give all that there are. Then it is
    what most of the declared sizes come to.
    """
    leader = first or own
    valid = leader.valid_out_len or own.valid_out_len or _declared_valid(own, declared)
    if not valid:
        return own.config
    drop = next((p.cache_drop_size for p in (leader, own) if p.cache_drop_size is not None), 0)
    config = replace(own.config, valid_out_len=own.valid_out_len or valid)
    return _scheduled(config, own.schedule(valid, drop))


def nearest(
    config: StreamingConfig, own: Probe, first: Probe | None, declared: StreamingConfig
) -> StreamingConfig:
    """Of the ways to drive the graphs that come to the same, the one that was most likely meant.

    Args:
        config: As implied.
        own: Of the graph that runs every later chunk.
        first: Of the graph that runs the first chunk for it, if there is one.
        declared: What was promised.
    """
    ways = _ways(config, own, first)
    return min(ways, key=lambda way: len(list(contradicted(declared, way))))


def _ways(config: StreamingConfig, own: Probe, first: Probe | None) -> Iterator[StreamingConfig]:
    """NeMo's way first.

    1. As implied.
    2. Where the graph has no other for the first chunk and yet drops frames: with zeros before it,
       in a first window as long as the others, for the same frames, or in one like the others.
    3. Where nothing is needed before a window: a first chunk that ends with its last frame.
    """
    yield config  # 1
    native = schedule_of(config)
    if first or native is None:
        return
    if not own.starts:  # 2
        yield _scheduled(config, native.padded())
        yield _scheduled(config, native.uniform())
    elif own.stacks:  # 3
        rest = own.subsampling.factor - 1
        (chunk, later_chunk), (shift, later_shift) = native.chunk_size, native.shift_size
        sizes = (chunk - rest, later_chunk), (shift - rest, later_shift)
        yield replace(config, chunk_size=sizes[0], shift_size=sizes[1])


def contradicted(declared: StreamingConfig, found: StreamingConfig) -> Iterator[str]:
    """The fields that say something else; nothing is held against what is not known."""
    for name in StreamingConfig.__slots__:
        said, seen = getattr(declared, name), getattr(found, name)
        if said is not None and seen is not None and said != seen:
            yield name


def _scheduled(config: StreamingConfig, schedule: Schedule) -> StreamingConfig:
    return replace(
        config,
        chunk_size=schedule.chunk_size,
        shift_size=schedule.shift_size,
        pre_encode_cache_size=schedule.pre_encode_cache_size,
    )


def _declared_valid(own: Probe, declared: StreamingConfig | None) -> int | None:
    """The frames that a call gives by most of the sizes that are declared, the first in doubt."""
    if declared is None:
        return None
    factor, drop = own.subsampling.factor, own.cache_drop_size or 0
    shifts, chunks = declared.shift_size or (0, 0), declared.chunk_size or (0, 0)
    counts = [
        declared.valid_out_len or 0,
        own.subsampling.frames(shifts[0]),
        shifts[1] // factor,
        own.subsampling.frames(chunks[0]) - drop,
        chunks[1] // factor - drop,
    ]
    votes = Counter(count for count in counts if count > 0)
    return max(votes, key=lambda count: votes[count], default=None)

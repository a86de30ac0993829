"""How a cache-aware encoder is to be driven."""

from __future__ import annotations

from onnxtool.model.contract import StreamingConfig
from onnxtool.speech.probing import Probe
from onnxtool.speech.schedule import over


def driven(own: Probe, first: Probe | None, declared: StreamingConfig | None) -> StreamingConfig:
    """As promised; else as the first chunk's graph beside it implies; else as it implies itself.

    Args:
        own: Of the graph that runs every later chunk.
        first: Of the graph that runs the first chunk for it, if there is one.
        declared: What was promised.
    """
    leader = first or own
    if leader.valid_out_len is None:
        return over(own.config, declared)
    schedule = own.schedule(leader.valid_out_len, leader.cache_drop_size)
    implied = StreamingConfig(schedule.chunk_size, schedule.shift_size)
    return over(over(own.config, implied), declared)

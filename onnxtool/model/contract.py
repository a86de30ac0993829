"""A contract: what a release promises of its graphs, its streaming and its decoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.model.tensors import TensorSpec


@dataclass(frozen=True, slots=True)
class Interface:
    """What one graph is promised to take and give; nothing is said of names that are not here."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class StreamingConfig:
    """How a cache-aware encoder is to be driven, in NeMo's terms; None for what is not said.

    Attributes:
        chunk_size: Feature frames of the first and of every later chunk.
        shift_size: Feature frames by which the window moves on, likewise.
        cache_drop_size: Encoder frames at the end of a chunk that do not enter the cache.
        last_channel_cache_size: Encoder frames in the attention cache, C.
        conv_cache_size: Frames in the convolution cache, K.
        valid_out_len: Encoder frames that a step gives.
        pre_encode_cache_size: Feature frames before the chunk, first and later.
        drop_extra_pre_encoded: Encoder frames that they make, and that the graph drops.
        cache_valid_region: The side of the attention cache that holds frames: `suffix` or `prefix`.
    """

    chunk_size: tuple[int, int] | None = None
    shift_size: tuple[int, int] | None = None
    cache_drop_size: int | None = None
    last_channel_cache_size: int | None = None
    conv_cache_size: int | None = None
    valid_out_len: int | None = None
    pre_encode_cache_size: tuple[int, int] | None = None
    drop_extra_pre_encoded: int | None = None
    cache_valid_region: str | None = None


@dataclass(frozen=True, slots=True)
class Decoding:
    """How tokens are read off the joint's output; None for what is not said."""

    blank_id: int | None = None
    vocab_size: int | None = None
    duration_values: tuple[int, ...] | None = None
    max_symbols: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What was promised.

    Attributes:
        path: Where it was read from.
        interfaces: By file name of the graph.
        streaming: Of the streaming encoder, if anything is said of it.
        decoding: Of the joint's output, if anything is said of it.
    """

    path: Path
    interfaces: Mapping[str, Interface]
    streaming: StreamingConfig | None
    decoding: Decoding | None

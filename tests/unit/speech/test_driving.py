"""What a configuration must say to be true of a graph, judged by what was probed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onnxtool.model.contract import StreamingConfig
from onnxtool.speech.driving import contradicted, implied, nearest
from onnxtool.speech.probing import Probe
from onnxtool.speech.subsampling import Subsampling

# The graphs of the sound sample.
LATER = Probe(Subsampling(8, causal=True), 10, 2, 0, 4, 20, 8)
FIRST = replace(LATER, shortest=1, drop_extra_pre_encoded=0)
TRUE = StreamingConfig(
    chunk_size=(25, 32),
    shift_size=(25, 32),
    cache_drop_size=0,
    last_channel_cache_size=20,
    conv_cache_size=8,
    valid_out_len=4,
    pre_encode_cache_size=(0, 9),
    drop_extra_pre_encoded=2,
)
FIELDS = [name for name in StreamingConfig.__slots__ if name != "cache_valid_region"]


def changed(name: str, by: int) -> StreamingConfig:
    value = getattr(TRUE, name)
    more: Any = tuple(size + by for size in value) if isinstance(value, tuple) else value + by
    return replace(TRUE, **{name: more})


def wrong(declared: StreamingConfig, own: Probe = LATER, first: Probe | None = FIRST) -> list[str]:
    config = implied(own, first, declared)
    return list(contradicted(declared, nearest(config, own, first, declared)))


@pytest.mark.parametrize("by", [1, -1, 8, -100, 10**30])
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_wrong_is_found_alone(name: str, by: int) -> None:
    declared = changed(name, by)
    assert wrong(declared) == [name]
    assert implied(LATER, FIRST, declared) == TRUE


@pytest.mark.parametrize("by", [1, -1, 8, -100, 10**30])
@pytest.mark.parametrize("name", FIELDS)
def test_so_it_is_where_no_graph_says_how_many_frames_a_call_gives(name: str, by: int) -> None:
    later, first = (replace(probe, valid_out_len=None) for probe in (LATER, FIRST))
    assert wrong(changed(name, by), later, first) == [name]
    assert not wrong(TRUE, later, first)


def test_what_the_first_graph_limits_the_other_need_not() -> None:
    assert implied(replace(LATER, valid_out_len=None), FIRST, None) == TRUE


def test_of_stacked_frames_a_chunk_is_whole_or_ends_with_its_last_frame() -> None:
    stacked = replace(FIRST, subsampling=Subsampling(8))
    assert stacked.config.chunk_size == stacked.config.shift_size == (32, 32)
    for sizes in ((32, 32), (25, 32)):
        said = StreamingConfig(chunk_size=sizes, shift_size=sizes, pre_encode_cache_size=(0, 0))
        assert not wrong(said, stacked, None)
    assert wrong(StreamingConfig(chunk_size=(24, 32)), stacked, None) == ["chunk_size"]


def test_a_drop_that_nothing_tells_is_not_held() -> None:
    unknown = replace(LATER, cache_drop_size=None)
    assert not wrong(replace(TRUE, cache_drop_size=3), unknown)
    assert implied(unknown, FIRST, None).chunk_size == TRUE.chunk_size

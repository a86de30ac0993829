"""Probing recovers what was set when a graph was exported, from the graph alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.artifact import load_graph
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.signature import signature
from onnxtool.model.streaming_file import read_streaming
from onnxtool.rules.examples.streaming import encoder as example
from onnxtool.runtime.session import Session
from onnxtool.speech.attention import Context, context
from onnxtool.speech.cache_aware import AUDIO, CacheAwareEncoder, joined, stream
from onnxtool.speech.cache_sizes import sized
from onnxtool.speech.liveness import SUFFIX, cache_use, frames_moved
from onnxtool.speech.probing import MAX_WINDOW, probe
from onnxtool.speech.schedule import over, schedule_of
from onnxtool.speech.subsampling import Subsampling
from tests.support.faults import FIRST, LATER, STREAMING
from tests.support.models import WORDS_TDT, write


@contextmanager
def opened(path: Path) -> Iterator[CacheAwareEncoder]:
    model = load_graph(path)
    with Session(path) as session:
        yield CacheAwareEncoder(model, signature(model), session)


def test_the_sound_sample_says_what_nemo_set() -> None:
    with opened(STREAMING / LATER) as later:
        found = probe(later)
    promised = read_streaming(STREAMING / "streaming.json")
    assert over(found.config, promised) == found.config
    assert found.subsampling == Subsampling(8, causal=True)
    assert found.conv_cache_size == 8


def test_the_graph_of_the_first_chunk_drops_nothing() -> None:
    with opened(STREAMING / FIRST) as first:
        found = probe(first)
    assert (found.drop_extra_pre_encoded, found.shortest) == (0, 1)
    assert found.config.chunk_size == (25, 32)


def test_the_single_graph_of_an_offline_model() -> None:
    with opened(WORDS_TDT / LATER) as later:
        found = probe(later)
    assert found.subsampling == Subsampling(8)
    assert found.shortest == 17
    assert found.config == StreamingConfig(
        chunk_size=(41, 48),
        shift_size=(17, 24),
        cache_drop_size=3,
        last_channel_cache_size=256,
        conv_cache_size=4,
        valid_out_len=3,
        pre_encode_cache_size=(0, 9),
        drop_extra_pre_encoded=2,
    )
    assert schedule_of(found.config).window_sizes == (41, 57)  # type: ignore[union-attr]


def test_caches_of_open_sizes_get_those_that_the_graph_needs(tmp_path: Path) -> None:
    model = onnx.load(STREAMING / LATER)
    for value in model.graph.input:
        for axis, name in {"cache_last_channel": (2, "C"), "cache_last_time": (3, "K")}.items():
            if value.name == axis:
                value.type.tensor_type.shape.dim[name[0]].dim_param = name[1]
    with opened(write(tmp_path / "open.onnx", model)) as later:
        assert later.cache_size == 0
        found = probe(sized(later))
    assert (found.last_channel_cache_size, found.conv_cache_size) == (20, 8)
    assert found.valid_out_len == 4


def test_a_graph_without_caches_is_no_cache_aware_encoder() -> None:
    with (
        pytest.raises(UnsupportedModelError, match="no input `cache_last_channel`"),
        opened(WORDS_TDT / "encoder.onnx"),
    ):
        pass


def test_a_graph_that_gives_all_frames_says_nothing_of_its_chunks(tmp_path: Path) -> None:
    unlimited = example(
        outputs="""
        outputs = Add(convolved, mean)
        most = Constant <value = int64[1] {1000000}> ()"""
    )
    path = write(tmp_path / "unlimited.onnx", onnx.parser.parse_model(unlimited))
    with opened(path) as later:
        found = probe(later)
    assert found.valid_out_len is None
    assert found.config.chunk_size is None
    assert found.config.cache_drop_size == 0


@pytest.mark.parametrize("name", ["000", "005", "007"])
def test_the_closed_loop_equals_the_offline_encoder(name: str) -> None:
    features = np.load(STREAMING / "features_nemo.npz")[name][None]
    with (
        opened(STREAMING / LATER) as later,
        opened(STREAMING / FIRST) as first,
        Session(STREAMING / "encoder.onnx") as offline,
    ):
        schedule = schedule_of(read_streaming(STREAMING / "streaming.json"))
        assert schedule is not None
        streamed = joined(stream(features, schedule, later, first))
        whole = offline.run({AUDIO: features, "length": np.array([features.shape[-1]])})
    frames = whole["encoder_output"][0, :, : int(whole["encoded_lengths"][0])]
    np.testing.assert_allclose(streamed, frames, atol=1e-5)


def test_an_offline_model_sees_all_there_is() -> None:
    with opened(WORDS_TDT / LATER) as later:
        seen = context(later, probe(later), 57, 12)
    assert seen == Context(left=256, ahead=12, tried=12)


def test_a_model_for_streaming_sees_its_chunk_and_its_cache() -> None:
    with opened(STREAMING / LATER) as later:
        found = probe(later)
        assert context(later, found, 41, 8) == Context(left=20, ahead=3, tried=8)
        assert context(later, found, 41, MAX_WINDOW) is None


def test_cached_frames_are_a_suffix_that_alone_is_read() -> None:
    with opened(STREAMING / LATER) as later:
        use = cache_use(later, 41)
        assert frames_moved(later, 41) == 4
    assert use.read == use.written == SUFFIX
    assert use.suffix > 0.1
    assert use.prefix == use.garbage == use.empty == 0

"""The streaming sample, chunk by chunk: what the offline encoder gives, and the tokens of NeMo."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verify import verify
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import Bundle, load
from onnxtool.model.signature import signature
from onnxtool.model.streaming_file import read_streaming
from onnxtool.runtime.session import Session
from onnxtool.speech.cache_aware import CacheAwareEncoder, stream
from onnxtool.speech.evidence import Utterance
from onnxtool.speech.recognizer import Recognizer, token_layout
from onnxtool.speech.schedule import Schedule, schedule_of
from tests.support.faults import FIRST, LATER, STREAMING

FEATURES = np.load(STREAMING / "features_nemo.npz")
ANSWERS = [json.loads(line) for line in (STREAMING / "manifest.jsonl").read_text().splitlines()]


def encoder(name: str) -> CacheAwareEncoder:
    model = load_graph(STREAMING / name)
    return CacheAwareEncoder(model, signature(model), Session(model.path))


@pytest.fixture(scope="module")
def encoders() -> Iterator[tuple[CacheAwareEncoder, CacheAwareEncoder]]:
    later, first = encoder(LATER), encoder(FIRST)
    with later.session, first.session:
        yield later, first


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    bundle = load(STREAMING)
    assert isinstance(bundle, Bundle)
    with Recognizer(bundle, token_layout(bundle)) as opened:
        yield opened


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    found = schedule_of(read_streaming(STREAMING / "streaming.json"))
    assert found is not None
    return found


@pytest.mark.parametrize("index", range(len(ANSWERS)))
def test_chunks_give_what_the_whole_gives(
    index: int,
    encoders: tuple[CacheAwareEncoder, CacheAwareEncoder],
    recognizer: Recognizer,
    schedule: Schedule,
) -> None:
    features = FEATURES[f"{index:03}"]
    decoder = recognizer.decoder()
    steps = list(stream(features[None], schedule, *encoders))
    frames = np.concatenate([step.frames for step in steps], axis=1)
    # Bit for bit on the machine that made them; another CPU may add up in another order.
    np.testing.assert_allclose(frames, recognizer.encode(features), rtol=0, atol=1e-5)
    emitted = [emission for step in steps for emission in decoder.decode(step.frames)]
    assert [emission.token for emission in emitted] == ANSWERS[index]["nemo_tokens"]


def shifted(folder: Path) -> Path:
    """The encoder with its attention cache fed back one frame further on."""
    path = Path(shutil.copy(STREAMING / LATER, folder / LATER))
    model = onnx.load(path)
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            if name == "cache_last_channel_out":
                node.output[index] = "unshifted"
    number = {"one": [1], "zero": [0], "end": [1 << 40], "axis": [2]}
    model.graph.initializer.extend(
        helper.make_tensor(name, onnx.TensorProto.INT64, [1], value)
        for name, value in number.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Slice", ["unshifted", "one", "end", "axis"], ["tail"]),
            helper.make_node("Slice", ["unshifted", "zero", "one", "axis"], ["head"]),
            helper.make_node("Concat", ["tail", "head"], ["cache_last_channel_out"], axis=2),
        ]
    )
    onnx.save(model, path)
    return path


def test_a_cache_that_is_shifted_by_a_slot_is_named(tmp_path: Path) -> None:
    found = verify(STREAMING / LATER, shifted(tmp_path), seeds=1, steps=6)
    assert isinstance(found, Verification)
    assert found.verdict is Verdict.FAILED
    assert found.drift is not None
    assert (found.drift.first_step, found.drift.first_output) == (0, "cache_last_channel_out")
    # What one call alone would not show: the frames are wrong from the second call on.
    failed = {output.name for output in found.outputs if not output.passed}
    assert {"encoder_output", "cache_last_channel_out"} <= failed


def test_a_streaming_encoder_is_tried_on_real_features() -> None:
    utterances = [Utterance("001", FEATURES["001"])]
    found = verify(
        STREAMING / LATER, STREAMING / LATER, seeds=1, steps=2, utterances=utterances, evidence="f"
    )
    assert isinstance(found, Verification)
    assert found.verdict is Verdict.PASSED
    assert found.evidence == "f: 001, random"
    # 263 frames, 32 at a time.
    assert [result.steps for result in found.trials] == [2, 9]

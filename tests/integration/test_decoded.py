"""The tokens and frames that NeMo gave for the sample's recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import Bundle, Member, load
from onnxtool.model.families import Role
from onnxtool.model.signature import signature
from onnxtool.runtime.session import Session
from onnxtool.speech.decoding import GreedyDecoder, TokenLayout
from onnxtool.speech.transducer import CombinedTransducer, SplitTransducer, member
from tests.support.models import WORDS_TDT, decoder_joint, write

LAYOUT = TokenLayout(35, (0, 1, 2, 3, 4))
FEATURES = np.load(WORDS_TDT / "features_nemo.npz")
ANSWERS = [json.loads(line) for line in (WORDS_TDT / "manifest.jsonl").read_text().splitlines()]


def part(bundle: Bundle, role: Role) -> Member:
    found = member(bundle, role)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def encoder() -> Iterator[Session]:
    with Session(WORDS_TDT / "encoder.onnx") as session:
        yield session


@pytest.fixture(scope="module")
def transducer() -> Iterator[SplitTransducer]:
    bundle = load(WORDS_TDT)
    assert isinstance(bundle, Bundle)
    predictor, joint = part(bundle, Role.PREDICTOR), part(bundle, Role.JOINT)
    with Session(predictor.view.path) as first, Session(joint.view.path) as second:
        yield SplitTransducer(predictor.signature, joint.signature, (first, second))


@pytest.mark.parametrize("index", range(len(ANSWERS)))
def test_decoding_gives_what_nemo_gave(
    index: int, encoder: Session, transducer: SplitTransducer
) -> None:
    features = FEATURES[f"{index:03}"][None]
    given = encoder.run({"audio_signal": features, "length": np.array([features.shape[2]])})
    frames = given["encoder_output"][0][:, : given["encoded_lengths"][0]]
    emitted = GreedyDecoder(transducer, LAYOUT).decode(frames)
    assert [emission.token for emission in emitted] == ANSWERS[index]["nemo_tokens"]
    assert [emission.frame for emission in emitted] == ANSWERS[index]["nemo_frames"]


def test_predictor_and_joint_in_one_graph_give_the_same(tmp_path: Path, encoder: Session) -> None:
    path = write(tmp_path / "decoder_joint.onnx", decoder_joint())
    known = signature(load_graph(path))
    assert known.role is Role.DECODER_JOINT
    with Session(path) as session:
        transducer = CombinedTransducer(known, session)
        for index in (1, 5):
            features = FEATURES[f"{index:03}"][None]
            given = encoder.run({"audio_signal": features, "length": np.array([features.shape[2]])})
            emitted = GreedyDecoder(transducer, LAYOUT).decode(given["encoder_output"][0])
            assert [emission.token for emission in emitted] == ANSWERS[index]["nemo_tokens"]

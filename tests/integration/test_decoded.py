"""The tokens and frames that NeMo gave for the sample's recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from onnxtool.model.bundle import Bundle, Member, load
from onnxtool.model.families import Role
from onnxtool.runtime.session import Session
from onnxtool.speech.decoding import GreedyDecoder, TokenLayout
from onnxtool.speech.transducer import SplitTransducer, member
from tests.support.models import WORDS_TDT

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

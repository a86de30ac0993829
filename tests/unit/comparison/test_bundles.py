"""A folder that is to stand in for another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnxtool.comparison.bundles import BundleVerification
from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verify import verify
from onnxtool.errors import UnsupportedModelError
from onnxtool.speech.evidence import Utterance, read_features
from tests.support.models import WORDS_TDT

UTTERANCES = list(read_features(WORDS_TDT / "features_nemo.npz"))
# The decoder alone is quick; the encoder is judged by itself elsewhere.
PARTS = ("encoder.onnx", "predictor.onnx", "joint.onnx", "model_meta.json", "vocab.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def copied(name: str) -> Path:
        (tmp_path / name).mkdir()
        for part in PARTS:
            shutil.copy(WORDS_TDT / part, tmp_path / name / part)
        return tmp_path / name

    return copied


def change(path: Path, weight: str, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    proto = onnx.load(path)
    (tensor,) = (t for t in proto.graph.initializer if t.name == weight)
    tensor.CopyFrom(numpy_helper.from_array(edit(numpy_helper.to_array(tensor)), weight))
    onnx.save(proto, path)


def judged(reference: Path, candidate: Path, *utterances: Utterance) -> BundleVerification:
    found = verify(reference, candidate, utterances=utterances, evidence="features.npz")
    assert isinstance(found, BundleVerification)
    return found


def test_a_copy_gives_the_same_tokens(folder: Callable[[str], Path]) -> None:
    found = judged(folder("a"), folder("b"), *UTTERANCES[:3])
    assert found.verdict is Verdict.PASSED
    assert found.agreement is not None
    assert found.agreement.tokens == 11
    assert {verification.verdict for _, verification in found.graphs} == {Verdict.PASSED}


def test_a_decoder_that_prefers_another_word_parts_at_a_token(
    folder: Callable[[str], Path],
) -> None:
    reference, candidate = folder("a"), folder("b")
    bias = next(
        t.name
        for t in onnx.load(candidate / "joint.onnx").graph.initializer
        if list(t.dims) == [41]
    )

    def prefer(value: np.ndarray) -> np.ndarray:
        value = value.copy()
        value[7] += 30
        return value

    change(candidate / "joint.onnx", bias, prefer)
    found = judged(reference, candidate, *UTTERANCES[:2])
    assert found.verdict is Verdict.FAILED
    assert found.agreement is not None
    assert found.agreement.edits
    part = found.agreement.utterances[0].divergence
    assert part is not None
    assert part.candidate is not None
    assert part.candidate.token == 7
    verdicts = {name: verification.verdict for name, verification in found.graphs}
    assert verdicts["joint.onnx"] is Verdict.FAILED
    assert verdicts["encoder.onnx"] is verdicts["predictor.onnx"] is Verdict.PASSED


def test_a_lost_graph_fails(folder: Callable[[str], Path]) -> None:
    reference, candidate = folder("a"), folder("b")
    (candidate / "joint.onnx").unlink()
    found = judged(reference, candidate)
    assert found.missing == ("joint.onnx",)
    assert found.verdict is Verdict.FAILED
    assert "joint" in found.no_agreement


def test_silence_proves_nothing(folder: Callable[[str], Path]) -> None:
    silence = Utterance("silence", np.full((80, 100), -3, np.float32))
    found = judged(folder("a"), folder("b"), silence)
    assert found.agreement is not None
    assert found.agreement.tokens == 0
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_graph_and_a_folder_cannot_be_compared() -> None:
    with pytest.raises(UnsupportedModelError, match="one is a graph"):
        verify(WORDS_TDT, WORDS_TDT / "joint.onnx")


def test_an_encoder_is_tried_on_real_features() -> None:
    path = WORDS_TDT / "encoder.onnx"
    found = verify(path, path, seeds=1, utterances=UTTERANCES[:2], evidence="f.npz")
    assert isinstance(found, Verification)
    assert found.evidence == "f.npz: 000, f.npz: 001, random"
    assert [result.trial.sizes["time"] for result in found.trials] == [64, 64, 263]


def test_a_failure_is_followed_to_its_node(tmp_path: Path) -> None:
    path = tmp_path / "predictor.onnx"
    shutil.copy(WORDS_TDT / "predictor.onnx", path)
    weight = next(t.name for t in onnx.load(path).graph.initializer if "embed" in t.name)
    change(path, weight, lambda value: value * np.float32(1.01))
    found = verify(WORDS_TDT / "predictor.onnx", path, seeds=1, steps=5, find_node=True)
    assert isinstance(found, Verification)
    assert found.bisection is not None
    assert found.bisection.operator == "Gather"


def test_other_words_for_the_same_ids_fail(folder: Callable[[str], Path]) -> None:
    reference, candidate = folder("a"), folder("b")
    vocabulary = candidate / "vocab.txt"
    words = vocabulary.read_text().splitlines()
    words[0], words[1] = f"{words[1].split()[0]} 0", f"{words[0].split()[0]} 1"
    vocabulary.write_text("\n".join(words))
    found = judged(reference, candidate, *UTTERANCES[:1])
    assert found.verdict is Verdict.FAILED
    assert found.misfits == ("token 0 is `one`, was `zero`, and 1 more differ",)


def test_utterances_that_nothing_recognizes_prove_nothing(folder: Callable[[str], Path]) -> None:
    reference, candidate = folder("a"), folder("b")
    for path in (reference, candidate):
        (path / "encoder.onnx").unlink()
    assert judged(reference, candidate, *UTTERANCES[:1]).verdict is Verdict.INCONCLUSIVE
    assert judged(reference, candidate).verdict is Verdict.PASSED


def test_utterances_that_the_encoder_refuses_prove_nothing() -> None:
    path = WORDS_TDT / "encoder.onnx"
    wrong = Utterance("64 mels", np.zeros((64, 100), np.float32))
    found = verify(path, path, seeds=1, utterances=[wrong], evidence="f.npz")
    assert found.verdict is Verdict.INCONCLUSIVE

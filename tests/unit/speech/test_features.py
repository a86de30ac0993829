"""Features against those that NeMo computed from the same recordings."""

from __future__ import annotations

import wave
from dataclasses import replace

import numpy as np
import pytest

from onnxtool.speech.features import FeatureSettings, log_mel
from tests.support.models import WORDS_TDT

NEMO = np.load(WORDS_TDT / "features_nemo.npz")
# Of features with standard deviation 1: NeMo's Fourier transform is in float32.
TOLERANCE = 2e-4


def recording(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with wave.open(str(WORDS_TDT / "audio" / f"{name}.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.astype(np.float32) / np.float32(32768)


@pytest.mark.parametrize("name", NEMO.files)
def test_features_are_those_of_nemo(name: str) -> None:
    features = log_mel(recording(name))
    assert features.dtype == np.float32
    assert features.shape == NEMO[name].shape
    assert np.abs(features - NEMO[name]).max() < TOLERANCE


def test_normalized_features_have_mean_0_and_deviation_1() -> None:
    features = log_mel(recording("001"))
    assert np.abs(features.mean(axis=1)).max() < 1e-4
    assert np.abs(features.std(axis=1, ddof=1) - 1).max() < 1e-3


def test_without_normalization_louder_is_more() -> None:
    settings = replace(FeatureSettings(), per_feature=False)
    audio = recording("001")
    louder, softer = log_mel(audio, settings), log_mel(audio / np.float32(2), settings)
    # Power by 4, away from the guard.
    loud = softer > -10
    assert np.allclose((louder - softer)[loud], np.log(4), atol=1e-2)


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 320])
def test_short_audio_gives_as_many_frames_as_it_has_hops(samples: int) -> None:
    features = log_mel(np.ones(samples, np.float32))
    assert features.shape == (80, samples // 160)
    assert np.isfinite(features).all()

"""Log-mel features as NeMo's `AudioToMelSpectrogramPreprocessor` computes them, without dither.

Source: NeMo `FilterbankFeatures` (parts/preprocessing/features.py): pre-emphasis 0.97; short-time
Fourier transform with a symmetric Hann window, centered, padded with zeros; power; Slaney's mel
filters, each of area one; log(x + 2^-24); and, if asked for, each feature to mean 0 and standard
deviation 1 over the utterance.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
PREEMPHASIS = 0.97
LOG_GUARD = 2.0**-24
STD_GUARD = 1e-5
# Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
_LINEAR_HZ = 200 / 3
_CORNER_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How audio becomes features.

    Attributes:
        sample_rate_hz: Of the audio.
        n_fft: Points of the Fourier transform.
        window_samples: Of the Hann window, centered in the transform.
        hop_samples: From one frame to the next.
        n_mels: Features a frame.
        per_feature: Whether to normalize each feature over the utterance.
    """

    sample_rate_hz: int = 16_000
    n_fft: int = 512
    window_samples: int = 400
    hop_samples: int = 160
    n_mels: int = 80
    per_feature: bool = True


def log_mel(audio: Floats, settings: FeatureSettings = FeatureSettings()) -> Floats:
    """Features of one utterance.

    Args:
        audio: Samples in [-1, 1], [N].
        settings: How.

    Returns:
        float32 [n_mels, N // hop_samples].
    """
    emphasized = np.concatenate([audio[:1], audio[1:] - np.float32(PREEMPHASIS) * audio[:-1]])
    padded = np.pad(emphasized, settings.n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)
    frames = frames[:: settings.hop_samples][: audio.size // settings.hop_samples]
    power = np.abs(np.fft.rfft(frames * _window(settings), axis=1)).astype(np.float32) ** 2
    features = np.log(_mel_filters(settings) @ power.T + np.float32(LOG_GUARD))
    return _normalized(features) if settings.per_feature and features.size else features


def _normalized(features: Floats) -> Floats:
    mean = features.mean(axis=1, keepdims=True)
    # One frame has no deviation, and NeMo divides by the guard alone.
    deviation = features.std(axis=1, keepdims=True, ddof=min(1, features.shape[1] - 1))
    normalized: Floats = ((features - mean) / (deviation + STD_GUARD)).astype(np.float32)
    return normalized


def _window(settings: FeatureSettings) -> Floats:
    window = np.hanning(settings.window_samples)
    left = (settings.n_fft - settings.window_samples) // 2
    padded: Floats = np.pad(window, (left, settings.n_fft - settings.window_samples - left)).astype(
        np.float32
    )
    return padded


@functools.cache
def _mel_filters(settings: FeatureSettings) -> Floats:
    """Triangular filters [n_mels, n_fft / 2 + 1], each divided by half its width in Hz."""
    highest = settings.sample_rate_hz / 2
    bins = np.linspace(0, highest, settings.n_fft // 2 + 1)
    edges = _hertz(np.linspace(0, _mel(highest), settings.n_mels + 2))
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (center - left), (right - bins) / (right - center)
    filters: Floats = (np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)).astype(
        np.float32
    )
    return filters


def _mel(hertz: float) -> float:
    if hertz < _CORNER_HZ:
        return hertz / _LINEAR_HZ
    return float(_CORNER_HZ / _LINEAR_HZ + np.log(hertz / _CORNER_HZ) / _LOG_STEP)


def _hertz(mel: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    corner = _CORNER_HZ / _LINEAR_HZ
    above: np.ndarray[Any, np.dtype[np.float64]] = _CORNER_HZ * np.exp(_LOG_STEP * (mel - corner))
    return np.where(mel < corner, mel * _LINEAR_HZ, above)


def settings_of(fields: Mapping[str, object]) -> FeatureSettings:
    """What a `model_meta.json` says of the features, and NeMo's defaults for what it does not."""
    usual = FeatureSettings()
    block = fields.get("features")
    block = block if isinstance(block, dict) else {}

    def number(source: Mapping[str, object], name: str, default: int) -> int:
        value = source.get(name)
        return value if isinstance(value, int) and value > 0 else default

    return replace(
        usual,
        sample_rate_hz=number(fields, "sample_rate", usual.sample_rate_hz),
        n_fft=number(block, "n_fft", usual.n_fft),
        n_mels=number(block, "n_mels", usual.n_mels),
        hop_samples=number(block, "hop_length", usual.hop_samples),
        window_samples=number(block, "win_length", usual.window_samples),
        per_feature=block.get("normalize", "per_feature") == "per_feature",
    )

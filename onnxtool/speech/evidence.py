"""Real utterances to try a model on: features from a file, or recordings with a manifest."""

from __future__ import annotations

import hashlib
import json
import wave
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.speech.features import FeatureSettings, log_mel

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Features of one utterance.

    Attributes:
        name: For people.
        features: [n_mels, T], float32.
        text: What is said, if that is known; else empty.
        sha256: Of the samples of a recording; else empty.
    """

    name: str
    features: Array
    text: str = ""
    sha256: str = ""


def read_features(path: Path) -> Iterator[Utterance]:
    """Utterances of an .npz file: one array [n_mels, T] each.

    Raises:
        OnnxToolError: It is no such file.
    """
    try:
        # Opened here, since NumPy leaves a damaged archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            for name in file.files:
                value = file[name]
                if value.ndim != 2 or value.dtype.kind != "f" or not value.size:
                    raise OnnxToolError(
                        f"{path}: `{name}` is {value.dtype} {list(value.shape)}",
                        hint="features are floats [n_mels, T]",
                    )
                if not np.isfinite(value).all():
                    raise OnnxToolError(
                        f"{path}: `{name}` has values that are not finite",
                        hint="leave it out, or compute it again",
                    )
                yield Utterance(name, value.astype(np.float32))
    except (OSError, TypeError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise OnnxToolError(
            f"{path}: no features can be read: {error}", hint="write them with numpy.savez"
        ) from None


def read_recordings(manifest: Path, settings: FeatureSettings) -> Iterator[Utterance]:
    """Utterances of a manifest: one JSON object a line, with `audio_filepath` and `text`.

    Raises:
        OnnxToolError: A recording cannot be read, or has another rate or more channels.
        MetadataError: A line is no such object.
    """
    for number, line in enumerate(_lines(manifest), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            file, text = entry["audio_filepath"], entry.get("text", "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MetadataError(
                manifest,
                f"no entry of a manifest: {_misfit(error)}",
                line=number,
                hint='as in {"audio_filepath": "audio/000.wav", "text": "bird"}',
            ) from None
        audio = read_wave(manifest.parent / str(file), settings.sample_rate_hz)
        if audio.size < settings.hop_samples:
            raise OnnxToolError(f"{manifest.parent / str(file)}: shorter than one feature frame")
        name, digest = Path(str(file)).stem, hashlib.sha256(audio.tobytes()).hexdigest()
        yield Utterance(name, log_mel(audio, settings), str(text), digest)


def _misfit(error: Exception) -> str:
    if isinstance(error, ValueError):
        return f"not JSON: {error}"
    return "no `audio_filepath`" if isinstance(error, KeyError) else "no object"


def _told(error: Exception) -> str:
    """What went wrong, without the path, which is told besides."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OnnxToolError(
            f"{path}: cannot be read: {_told(error)}", hint="pass a manifest"
        ) from None


def read_wave(path: Path, sample_rate_hz: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Samples of a 16-bit mono WAV file, in [-1, 1).

    Raises:
        OnnxToolError: It is no such file, or has another sample rate.
    """
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise OnnxToolError(f"{path}: not a WAV file that can be read: {_told(error)}") from None
    if (rate, channels, width) != (sample_rate_hz, 1, 2):
        raise OnnxToolError(
            f"{path}: {rate} Hz, {channels} channels, {8 * width} bits",
            hint=f"convert it: ffmpeg -i {path.name} -ar {sample_rate_hz} -ac 1 -c:a pcm_s16le",
        )
    samples: np.ndarray[Any, np.dtype[np.float32]] = np.frombuffer(content, "<i2").astype(
        np.float32
    ) / np.float32(32768)
    return samples

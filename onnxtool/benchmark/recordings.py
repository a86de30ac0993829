"""Recordings to decode: a manifest, and WAV files."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.errors import MetadataError, OnnxToolError

Floats = np.ndarray[Any, np.dtype[np.float32]]


def read_manifest(path: Path) -> tuple[Path, ...]:
    """The recordings of a NeMo manifest: a JSON object a line, with `audio_filepath`.

    Raises:
        MetadataError: It cannot be read, is no manifest, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MetadataError(path, f"cannot be read: {error}") from None
    recordings = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            name = json.loads(line)["audio_filepath"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise MetadataError(path, "no JSON object with `audio_filepath`", line=number) from None
        if not isinstance(name, str):
            raise MetadataError(path, "`audio_filepath` is no text", line=number)
        recordings.append(path.parent / name)
    if not recordings:
        raise MetadataError(path, "no recordings in it")
    return tuple(recordings)


def read_wave(path: Path, sample_rate_hz: int) -> Floats:
    """The samples of a mono WAV file of 16 bit, in [-1, 1].

    Raises:
        OnnxToolError: It is something else.
    """
    try:
        with wave.open(str(path)) as file:
            found = file.getnchannels(), file.getsampwidth() * 8, file.getframerate()
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise OnnxToolError(f"{path}: no WAV file: {error}") from None
    if found != (1, 16, sample_rate_hz):
        channels, bits, rate = found
        raise OnnxToolError(
            f"{path}: {channels} channels of {bits} bit at {rate} Hz",
            hint=f"convert it to one channel of 16 bit at {sample_rate_hz} Hz",
        )
    return np.frombuffer(content, "<i2").astype(np.float32) / np.float32(32768)

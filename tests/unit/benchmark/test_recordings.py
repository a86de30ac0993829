"""Recordings that cannot be read are told with what is wrong with them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from onnxtool.benchmark.decoding import token_layout
from onnxtool.benchmark.recordings import read_manifest, read_wave
from onnxtool.errors import MetadataError, OnnxToolError, UnsupportedModelError
from onnxtool.model.bundle import Bundle, load_bundle
from onnxtool.model.metadata import Metadata
from onnxtool.speech.transducer import member
from tests.support.models import WORDS_TDT


def written(path: Path, samples: list[int], *, channels: int = 1, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.array(samples, "<i2").tobytes())
    return path


def test_samples_are_between_minus_one_and_one(tmp_path: Path) -> None:
    audio = read_wave(written(tmp_path / "a.wav", [-32768, 0, 16384]), 16_000)
    assert audio.tolist() == [-1, 0, 0.5]


@pytest.mark.parametrize(
    ("channels", "rate", "told"),
    [(2, 16_000, "2 channels of 16 bit at 16000 Hz"), (1, 8000, "1 channels of 16 bit at 8000 Hz")],
)
def test_another_kind_of_recording_is_refused(
    tmp_path: Path, channels: int, rate: int, told: str
) -> None:
    path = written(tmp_path / "a.wav", [0, 0], channels=channels, rate=rate)
    with pytest.raises(OnnxToolError, match=told) as caught:
        read_wave(path, 16_000)
    assert "convert it" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(OnnxToolError, match="no WAV file"):
        read_wave(tmp_path / "a.wav", 16_000)


def test_recordings_are_found_beside_the_manifest() -> None:
    recordings = read_manifest(WORDS_TDT / "manifest.jsonl")
    assert len(recordings) == 12
    assert recordings[0] == WORDS_TDT / "audio" / "000.wav"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no recordings in it"),
        ("{}", ":1: no JSON object with `audio_filepath`"),
        ("\n[1]", ":2: no JSON object"),
        ('{"audio_filepath": 3}', "is no text"),
        ("nonsense", ":1: no JSON object"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "m.jsonl").write_text(content)
    with pytest.raises(MetadataError, match=told):
        read_manifest(tmp_path / "m.jsonl")


def layout_with(**changes: object) -> tuple[int, tuple[int, ...]]:
    bundle = load_bundle(WORDS_TDT)
    found = {name: getattr(bundle, name) for name in Bundle.__dataclass_fields__}
    joint = member(bundle, *(m.signature.role for m in bundle.models if m.name == "joint.onnx"))
    assert joint is not None
    layout = token_layout(Bundle(**{**found, **changes}), joint.signature)
    return layout.blank_id, layout.durations


def test_durations_that_nobody_names_are_counted_off_the_joint() -> None:
    assert layout_with() == (35, (0, 1, 2, 3, 4))


def test_metadata_names_them_where_it_can() -> None:
    metadata = Metadata(Path("m.json"), {"blank_id": 35, "duration_values": (0, 1, 2, 4, 8)})
    assert layout_with(metadata=metadata, vocabulary=None) == (35, (0, 1, 2, 4, 8))


def test_without_a_blank_nothing_is_decoded() -> None:
    with pytest.raises(UnsupportedModelError, match="which token is blank"):
        layout_with(metadata=None, vocabulary=None)

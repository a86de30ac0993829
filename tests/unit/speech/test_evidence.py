"""Real utterances from files, and files that hold none."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.speech.evidence import read_features, read_recordings, read_wave
from onnxtool.speech.features import FeatureSettings, settings_of
from tests.support.models import WORDS_TDT


def recording(
    path: Path, *, rate: int = 16_000, channels: int = 1, width: int = 2, samples: int = 1600
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.writeframes(bytes(samples * channels * width))
    return path


def test_features_are_read_by_name() -> None:
    found = list(read_features(WORDS_TDT / "features_nemo.npz"))
    assert [u.name for u in found] == [f"{i:03}" for i in range(12)]
    assert all(u.features.shape[0] == 80 for u in found)


@pytest.mark.parametrize(
    "value", [np.zeros(3), np.zeros((2, 3), np.int64), np.zeros((0, 3)), np.array("text")]
)
def test_arrays_that_are_no_features_are_refused(tmp_path: Path, value: np.ndarray) -> None:
    np.savez(tmp_path / "f.npz", bad=value)
    with pytest.raises(OnnxToolError, match="bad"):
        list(read_features(tmp_path / "f.npz"))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut", b"\x93NUMPY"])
def test_files_that_are_no_archive_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(OnnxToolError, match=r"f\.npz"):
        list(read_features(tmp_path / "f.npz"))
    with pytest.raises(OnnxToolError, match="missing"):
        list(read_features(tmp_path / "missing.npz"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    np.savez(tmp_path / "f.npz", bad=np.full((80, 9), value, np.float32))
    with pytest.raises(OnnxToolError, match="not finite"):
        list(read_features(tmp_path / "f.npz"))


def test_one_array_alone_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.zeros((80, 9), np.float32))
    with pytest.raises(OnnxToolError, match=r"f\.npy"):
        list(read_features(tmp_path / "f.npy"))


def test_a_recording_without_a_frame_is_refused(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav", samples=10)
    (tmp_path / "m.jsonl").write_text(json.dumps({"audio_filepath": "a.wav"}))
    with pytest.raises(OnnxToolError, match="shorter than one"):
        list(read_recordings(tmp_path / "m.jsonl", FeatureSettings()))


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", bad=np.array([{}], object))
    with pytest.raises(OnnxToolError):
        list(read_features(tmp_path / "f.npz"))


def test_recordings_are_read_with_their_text() -> None:
    found = list(read_recordings(WORDS_TDT / "manifest.jsonl", FeatureSettings()))
    assert [u.text for u in found][:2] == ["bird", "up four visual follow visual learn"]
    assert [u.features.shape for u in found][:2] == [(80, 64), (80, 263)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no json", "not JSON: Expecting value"),
        ("[]", "no object"),
        ("{}", "no `audio_filepath`"),
        ('"text"', "no object"),
        ("null", "no object"),
    ],
)
def test_a_line_that_is_no_entry_is_refused_by_number(tmp_path: Path, line: str, told: str) -> None:
    recording(tmp_path / "a.wav")
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"audio_filepath": "a.wav"}) + "\n\n" + line)
    with pytest.raises(MetadataError, match=rf"manifest\.jsonl:3.*: {told}"):
        list(read_recordings(manifest, FeatureSettings()))


@pytest.mark.parametrize("options", [{"rate": 8000}, {"channels": 2}, {"width": 1}])
def test_other_audio_is_refused_with_what_converts_it(
    tmp_path: Path, options: dict[str, int]
) -> None:
    with pytest.raises(OnnxToolError) as raised:
        read_wave(recording(tmp_path / "a.wav", **options), 16_000)
    assert "ffmpeg" in raised.value.hint


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    for name, told in (("a.wav", ""), ("missing.wav", "No such file or directory$")):
        with pytest.raises(OnnxToolError, match=f"{name}: not a WAV file that can be read: {told}"):
            read_wave(tmp_path / name, 16_000)


def test_metadata_says_how_audio_becomes_features() -> None:
    fields = {"sample_rate": 8000, "features": {"n_fft": 256, "n_mels": 64, "hop_length": 80}}
    found = settings_of(fields)
    assert (found.sample_rate_hz, found.n_fft, found.n_mels, found.hop_samples) == (
        8000, 256, 64, 80,
    )  # fmt: skip
    assert found.per_feature
    assert not settings_of({"features": {"normalize": "NA"}}).per_feature


@pytest.mark.parametrize("fields", [{}, {"features": None}, {"features": {"n_mels": "x"}}])
def test_what_metadata_does_not_say_is_as_usual(fields: dict[str, object]) -> None:
    assert settings_of(fields) == FeatureSettings()

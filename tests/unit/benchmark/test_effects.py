"""What is asked for and would have no effect is refused; what has one somewhere is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onnxtool.benchmark.effects import check_effects, check_single
from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.errors import UsageError
from onnxtool.model.bundle import load
from onnxtool.runtime.options import SessionOptions
from tests.support.models import WORDS_TDT

ENCODER, JOINT = WORDS_TDT / "encoder.onnx", WORDS_TDT / "joint.onnx"
STREAMING = WORDS_TDT / "encoder_streaming.onnx"


def check(*paths: Path, **asked: object) -> None:
    check_effects(BenchmarkRequest(**asked), [load(path) for path in paths])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"chunk": 57}, "--chunk: no streaming encoder takes chunks here"),
        ({"steps": 40}, "--steps: no streaming encoder takes chunks here"),
        ({"frame_ms": 10.0}, "--frame-ms: no graph takes audio in frames here"),
    ],
)
def test_what_is_about_streams_or_audio_is_refused_where_there_is_none(
    asked: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        check(JOINT, **asked)
    check(STREAMING, **asked)
    check(WORDS_TDT, **asked)
    check(JOINT, STREAMING, **asked)


def test_an_encoder_takes_frames_and_no_steps() -> None:
    check(ENCODER, frame_ms=10.0)
    with pytest.raises(UsageError, match="--steps"):
        check(ENCODER, steps=3)


@pytest.mark.parametrize("option", ["chunk", "steps"])
def test_a_streaming_encoder_that_is_given_its_audio_takes_no_steps(
    tmp_path: Path, option: str
) -> None:
    np.savez(tmp_path / "i.npz", audio_signal=np.ones((1, 80, 57), np.float32))
    with pytest.raises(UsageError, match="is run on what it is given, not in a loop"):
        check(STREAMING, inputs=tmp_path / "i.npz", **{option: 57})
    check(STREAMING, inputs=tmp_path / "i.npz")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"at": {"batch": (1,), "time": (5, 6)}}, "--at: --tune tries one size of `time`"),
        ({"options": (SessionOptions(1), SessionOptions(2))}, "--threads: --tune begins with one"),
    ],
)
def test_one_size_and_one_setting_are_tuned(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_single(BenchmarkRequest(**asked))  # type: ignore[arg-type]
    check_single(BenchmarkRequest(at={"batch": (1,), "time": (5,)}, options=(SessionOptions(1),)))


def test_a_stream_beside_what_is_given_takes_steps(tmp_path: Path) -> None:
    np.savez(tmp_path / "i.npz", targets=np.ones((1, 1), np.int32))
    check(WORDS_TDT, inputs=tmp_path / "i.npz", steps=3)

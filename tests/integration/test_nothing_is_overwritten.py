"""What belongs to a model is never written to, whatever `--output` or `save` are told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

import onnxtool
from onnxtool.errors import UnsupportedModelError

SAMPLE = Path(__file__).parents[2] / "samples" / "words-tdt"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A graph with its weights in a file beside it, and metadata."""
    proto = onnx.load(SAMPLE / "joint.onnx")
    onnx.save(proto, tmp_path / "joint.onnx", save_as_external_data=True, location="w.bin")
    for name in ("model_meta.json", "vocab.txt"):
        shutil.copy(SAMPLE / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["joint.onnx", "w.bin", "model_meta.json", "vocab.txt"])
def test_output_refuses_a_part_of_the_model(export: Path, name: str) -> None:
    before = (export / name).read_bytes()
    command = [sys.executable, "-m", "onnxtool", "inspect", str(export), "-o", str(export / name)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: --output")
    assert (export / name).read_bytes() == before


def test_output_replaces_an_older_report(export: Path) -> None:
    (export / "report.json").write_text("old")
    command = [sys.executable, "-m", "onnxtool", "inspect", str(export), "-f", "json"]
    command += ["-o", str(export / "report.json")]
    assert subprocess.run(command, check=False).returncode == 0
    assert "onnxtool.inspect/1" in (export / "report.json").read_text()


def test_save_refuses_the_weights_of_the_model(export: Path) -> None:
    model = onnxtool.load(export / "joint.onnx")
    assert isinstance(model, onnxtool.ModelView)
    before = (export / "w.bin").read_bytes()
    with pytest.raises(UnsupportedModelError, match="holds weights"):
        onnxtool.save(model, export / "w.bin")
    assert (export / "w.bin").read_bytes() == before


def test_a_state_that_comes_out_too_short_is_named() -> None:
    # 17 frames give one encoder frame, fewer than the three that are dropped from the cache.
    result = onnxtool.inspect(SAMPLE / "encoder_streaming.onnx", at={"time": 17}, hash=False)
    assert isinstance(result, onnxtool.Inspection)
    assert result.cost is not None
    assert result.cost.misfits[0] == (
        "cache_last_channel",
        "cache_last_channel_out",
        (1, 4, 256, 96),
        (1, 4, 2, 96),
    )

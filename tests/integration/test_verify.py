"""`onnxtool verify` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.models import WORDS_TDT, model, write
from tests.unit.render.schema import validate

from .command import Finished, onnxtool

JOINT = WORDS_TDT / "joint.onnx"
TEXT = "g (float[N] x) => (float[N] y) {{ a = Abs(x) y = {}(a) }}"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two graphs that differ in their last node."""
    return (
        write(tmp_path / "a.onnx", model(TEXT.format("Sqrt"))),
        write(tmp_path / "b.onnx", model(TEXT.format("Relu"))),
    )


def verified(*arguments: str | Path, cwd: Path) -> Finished:
    return onnxtool("verify", *arguments, cwd=cwd)


def test_the_same_model_passes(tmp_path: Path) -> None:
    finished = verified(JOINT, JOINT, "--trials", "2", cwd=tmp_path)
    assert (finished.code, finished.stderr) == (0, "")
    assert "passed" in finished.stdout
    assert "weak evidence" in finished.stdout


def test_another_model_fails_and_its_node_is_found(pair: tuple[Path, Path], tmp_path: Path) -> None:
    finished = verified(*pair, "--bisect", "--format", "json", cwd=tmp_path)
    assert (finished.code, finished.stderr) == (1, "")
    written = json.loads(finished.stdout)
    validate(written, "verify-1")
    assert written["verdict"] == "failed"
    assert written["graphs"][0]["first_node"]["value"] == "y"
    assert written["graphs"][0]["first_node"]["last_good"] == "a"


def test_a_large_tolerance_lets_it_pass(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert verified(*pair, "--tolerance", "100", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["joint.onnx", "."], "one is a graph"),
        (["joint.onnx", "missing.onnx"], "missing.onnx: no such file"),
        (["joint.onnx", "joint.onnx", "--features", "f", "--audio", "m"], "exclude each other"),
        (["joint.onnx", "joint.onnx", "--features", "vocab.txt"], "vocab.txt"),
        (["joint.onnx", "joint.onnx", "--features", "empty.npz"], "empty.npz"),
        ([".", ".", "--audio", "missing.jsonl"], "missing.jsonl"),
        (["predictor.onnx", "predictor.onnx", "--features", "features_nemo.npz"], "no cache-aware"),
        (["joint.onnx", "joint.onnx", "--tolerance", "-1"], "tolerance"),
        (["joint.onnx", "joint.onnx", "--trials", "0"], "trials"),
        (["joint.onnx"], "CANDIDATE"),
    ],
)
def test_trouble_is_exit_code_2_and_one_line(
    arguments: list[str], problem: str, tmp_path: Path
) -> None:
    for path in WORDS_TDT.iterdir():
        if path.is_file():
            (tmp_path / path.name).symlink_to(path)
    np.savez(tmp_path / "empty.npz")
    finished = verified(*arguments, cwd=tmp_path)
    assert finished.code == 2
    assert finished.stdout == ""
    assert problem in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_model_that_hangs_is_stopped(tmp_path: Path) -> None:
    """The reference is what it is: nothing was proved."""
    endless = write(
        tmp_path / "endless.onnx",
        model("""g (float[1] x) => (float[1] y) {
            n = Constant <value = int64 {9000000000}> ()
            c = Constant <value = bool {1}> ()
            y = Loop(n, c, x) <body = b (int64 i, bool go, float[1] v) => (bool again, float[1] w) {
                again = Identity(go) w = Cos(v) }>
        }"""),
    )
    finished = verified(endless, endless, "--time-limit", "1", "--trials", "1", cwd=tmp_path)
    assert finished.code == 1
    assert "took more than 1 s" in finished.stdout
    assert "inconclusive" in finished.stdout

"""`onnxtool manifest` and `onnxtool repack` as a user runs them: output, files, exit codes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.support.models import SAMPLES, WORDS_TDT

from .command import COMMAND, environment, onnxtool

SCHEMAS = SAMPLES.parent / "docs" / "json-schemas"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A small release."""
    folder = tmp_path / "release"
    folder.mkdir()
    for name in ("joint.onnx", "predictor.onnx", "model_meta.json", "vocab.txt"):
        shutil.copy(WORDS_TDT / name, folder)
    return folder


def validated(text: str, schema: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(text)
    jsonschema.validate(document, json.loads((SCHEMAS / schema).read_text()))
    return document


def test_a_release_is_locked_verified_and_repacked(release: Path) -> None:
    written = onnxtool("manifest", "write", release, "--format", "json")
    assert (written.code, written.stderr) == (0, "")
    lock = release / "onnxtool.manifest.json"
    assert validated(written.stdout, "manifest-1.json") == json.loads(lock.read_text())
    verified = onnxtool("manifest", "verify", release, "-f", "json")
    assert verified.code == 0
    assert validated(verified.stdout, "manifest-verify-1.json")["identical"] is True
    packed = release.with_name("packed")
    repacked = onnxtool("repack", release, "-o", packed, "-f", "json")
    assert (repacked.code, repacked.stderr) == (0, "")
    assert validated(repacked.stdout, "repack-1.json")["left_behind"] == [lock.name]
    command = ("manifest", "verify", packed, "--manifest", lock)
    assert onnxtool(*command).code == 1
    assert "repacked, tensors identical" in onnxtool(*command, "-f", "markdown").stdout
    assert onnxtool(*command, "--allow-repacked").code == 0
    (packed / "vocab.txt").write_text("other 0\n")
    assert onnxtool(*command, "--allow-repacked").code == 1


def times(folder: Path) -> dict[Path, int | None]:
    """When each file was written; of folders, that they are there."""
    return {path: None if path.is_dir() else path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("manifest", "write", "{}/gone"), "no such file"),
        (("manifest", "write", "{}/release/joint.onnx"), "not a folder"),
        (("manifest", "write", "{}/release", "-m", "{}/release/vocab.txt"), "is no manifest"),
        (("manifest", "verify", "{}/release"), "onnxtool.manifest.json: cannot be read"),
        (("manifest", "verify", "{}/release", "-m", "{}/release/vocab.txt"), "vocab.txt:1:1: "),
        (("repack", "{}/release/vocab.txt", "-o", "{}/out.onnx"), "text file"),
        (("repack", "{}/release", "-o", "{}/release"), "exists"),
        (("repack", "{}/release/joint.onnx", "-o", "{}/release/predictor.onnx"), "exists"),
        (("repack", "{}/release/joint.onnx", "-o", "{}/out"), "not the name of a graph"),
        (("repack", "{}/release/joint.onnx", "-o", "{}/gone/out.onnx"), "cannot be written"),
        (("repack", "{}/release/joint.onnx", "-o", "{}/o.onnx", "--shard-size", "x"), "not a size"),
    ],
)
def test_trouble_is_one_line_and_nothing_is_written(
    release: Path, command: tuple[str, ...], says: str
) -> None:
    before = times(release.parent)
    finished = onnxtool(*(part.format(release.parent) for part in command))
    assert (finished.code, finished.stdout) == (2, "")
    assert says in finished.stderr
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1
    assert times(release.parent) == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupted_run_leaves_all_or_nothing(release: Path) -> None:
    out = release.parent / "out"
    command = [*COMMAND, "repack", str(WORDS_TDT), "-o", str(out)]
    for delay_s in (0.1, 0.3, 0.5, 0.7):
        with subprocess.Popen(
            command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(delay_s)
            process.send_signal(signal.SIGINT)
        if out.exists():  # It was done, or all but.
            assert len(list(out.iterdir())) == 13
            shutil.rmtree(out)
        assert [path.name for path in release.parent.iterdir()] == ["release"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
def test_a_full_disk_leaves_nothing(release: Path) -> None:
    """A limit on the size of files stands for the disk."""
    out = release.parent / "out.onnx"
    arguments = ["onnxtool", "repack", str(release / "predictor.onnx"), "-o", str(out)]
    limited = (
        "import resource, runpy, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000));"
        f"sys.argv = {arguments};"
        "runpy.run_module('onnxtool', run_name='__main__')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", limited],
        env=environment(),
        cwd=SAMPLES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2, finished.stderr
    assert "cannot be written: File too large" in finished.stderr
    assert [path.name for path in release.parent.iterdir()] == ["release"]

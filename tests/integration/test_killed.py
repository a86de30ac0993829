"""A run that is killed at any moment leaves everything, or nothing that anybody would open."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnxtool.model.artifact import load_graph
from onnxtool.model.tensor_digest import digest_tensors
from tests.support.models import WORDS_TDT, parse, write

from .command import COMMAND, ROOT, environment, onnxtool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")

ROUNDS = 12


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights take a moment to write."""
    proto = parse("g (float[4] x) => (float[4] y) { y = Relu(x) }")
    rng = np.random.default_rng(0)
    for index in range(40):
        array = rng.standard_normal(1 << 18).astype(np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(array, f"w{index}"))
    return write(tmp_path_factory.mktemp("killed") / "m.onnx", proto)


def run_time_s(command: list[str]) -> float:
    start_s = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=True)
    return time.perf_counter() - start_s


def kill_after(command: list[str], delay_s: float) -> None:
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)


def test_repack_of_a_graph(source: Path, tmp_path: Path) -> None:
    """Either there is no graph, or it is whole; and the next run succeeds and leaves no trace."""
    out = tmp_path / "out.onnx"
    command = [*COMMAND, "repack", str(source), "-o", str(out)]
    longest_s = run_time_s(command)
    expected = digest_tensors(load_graph(source))
    delays = random.Random(0)
    for _ in range(ROUNDS):
        for path in tmp_path.glob("out*"):
            path.unlink()
        kill_after(command, delays.uniform(0.3, 1.1) * longest_s)
        if out.exists():
            assert digest_tensors(load_graph(out)) == expected
        finished = onnxtool(*command[len(COMMAND) :])
        assert finished.code == 0, finished.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.onnx", "out.onnx.data"]


def test_repack_of_a_folder(source: Path, tmp_path: Path) -> None:
    """Either there is no folder, or it is whole."""
    (tmp_path / "in").mkdir()
    shutil.copy(source, tmp_path / "in")
    (tmp_path / "in" / "vocab.txt").write_text("a 0\n")
    out = tmp_path / "out"
    command = [*COMMAND, "repack", str(tmp_path / "in"), "-o", str(out)]
    longest_s = run_time_s(command)
    delays = random.Random(1)
    for _ in range(ROUNDS // 2):
        shutil.rmtree(out, ignore_errors=True)
        kill_after(command, delays.uniform(0.3, 1.1) * longest_s)
        names = sorted(path.name for path in out.iterdir()) if out.exists() else None
        assert names in (None, ["m.onnx", "m.onnx.data", "vocab.txt"])


def test_manifest(tmp_path: Path) -> None:
    """The old manifest or the new one, never half of one."""
    for name in ("encoder.onnx", "joint.onnx"):
        shutil.copy(WORDS_TDT / name, tmp_path)
    lock = tmp_path / "onnxtool.manifest.json"
    command = [*COMMAND, "manifest", "write", str(tmp_path)]
    run_time_s(command)
    old = lock.read_bytes()
    proto = onnx.load(tmp_path / "joint.onnx")
    proto.doc_string = "changed"
    onnx.save(proto, tmp_path / "joint.onnx")
    longest_s = run_time_s(command)
    new = lock.read_bytes()
    assert old != new
    delays = random.Random(2)
    for _ in range(ROUNDS // 2):
        lock.write_bytes(old)
        kill_after(command, delays.uniform(0.5, 1.1) * longest_s)
        assert lock.read_bytes() in (old, new)

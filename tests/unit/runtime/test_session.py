"""Whatever a graph does to ONNX Runtime ends its own process, and is told as one kind of error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import ml_dtypes
import numpy as np
import pytest

from onnxtool.runtime import worker
from onnxtool.runtime.run_errors import (
    RunCrashError,
    RunMemoryError,
    RunRefusedError,
    RunTimeoutError,
)
from onnxtool.runtime.session import Limits, Session, SessionSettings
from tests.support.models import write

DOUBLE = "g (float[N] x) => (float[N] y) { y = Add(x, x) }"
ENDLESS = """
    g (float[1] x) => (float[1] y) {
        trips = Constant <value = int64 {4611686018427387904}> ()
        go = Constant <value = bool {1}> ()
        y = Loop (trips, go, x) <body = b (int64 i, bool c, float[1] a) => (bool d, float[1] z) {
            d = Identity(c)
            z = Sin(a)
        }>
    }"""
# Sixteen GiB of numbers, in one operator.
HUGE = """
    g (int64[1] size) => (float s) {
        all = ConstantOfShape (size)
        s = ReduceSum <keepdims = 0> (all)
    }"""
X = {"x": np.array([1.0, 2.0], np.float32)}


def test_a_run_gives_every_output_by_name(tmp_path: Path) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        assert session.run(X)["y"].tolist() == [2.0, 4.0]
        assert session.run(X, ["y"]).keys() == {"y"}


def test_a_session_starts_with_its_first_run(tmp_path: Path) -> None:
    session = Session(tmp_path / "missing.onnx")
    session.close()
    with pytest.raises(RunRefusedError, match="doesn't exist"):
        session.run(X)


def test_a_process_that_was_prepared_loads_the_model(tmp_path: Path) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        session.prepare()
        pid = session._child.pid
        assert pid is not None
        session.prepare()
        assert session.run(X)["y"].tolist() == [2.0, 4.0]
        assert session._child.pid == pid
    assert session._child.pid is None


def test_a_process_that_died_after_it_was_prepared_is_a_crash(tmp_path: Path) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        session.prepare()
        assert session._child.pid is not None
        os.kill(session._child.pid, signal.SIGSEGV)
        with pytest.raises(RunCrashError):
            session.run(X)
        assert session.run(X)["y"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("feeds", "told"),
    [
        ({}, "Required inputs"),
        ({"z": X["x"]}, "z"),
        ({"x": X["x"].astype(np.float64)}, "Unexpected input data type"),
        ({"x": X["x"].reshape(1, 2)}, "Invalid rank for input: x"),
    ],
)
def test_a_refusal_is_told_on_one_line(
    feeds: dict[str, np.ndarray], told: str, tmp_path: Path
) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        with pytest.raises(RunRefusedError, match=told) as caught:
            session.run(feeds)
        assert "\n" not in str(caught.value)
        assert "ONNXRuntimeError" not in str(caught.value)
        assert session.run(X)["y"].tolist() == [2.0, 4.0]


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    with (
        Session(write(tmp_path / "m.onnx", b"no model")) as session,
        pytest.raises(RunRefusedError, match="Protobuf parsing failed"),
    ):
        session.open()


def test_what_does_not_end_is_stopped(tmp_path: Path) -> None:
    with Session(write(tmp_path / "m.onnx", ENDLESS), limits=Limits(time_s=2.0)) as session:
        with pytest.raises(RunTimeoutError, match="a run took more than 2 s"):
            session.run({"x": X["x"][:1]})
        assert session._child.pid is None


@pytest.mark.skipif(os.name == "nt", reason="of POSIX systems")
def test_what_does_not_end_ends_with_the_program(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", ENDLESS)
    program = f"""
import numpy as np
from pathlib import Path
from onnxtool.runtime.session import (Session)
session = Session(Path({os.fspath(path)!r}))
session.open()
print(session._child.pid, flush=True)
session.run({{"x": np.ones(1, np.float32)}})
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout as told:
        child = int(told.readline())
    time.sleep(0.5)  # Until the graph runs.
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not _is_running(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the session's process is left behind")


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # Where nobody waits for the children of others, an ended one stays in the list.
    status = Path(f"/proc/{number}/stat")
    return not status.exists() or status.read_text().rpartition(") ")[2][0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits private memory")
def test_memory_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    limits = Limits(memory_bytes=2 << 30)
    with (
        Session(write(tmp_path / "m.onnx", HUGE), limits=limits) as session,
        pytest.raises(RunMemoryError, match="needs more memory than it may have"),
    ):
        session.run({"size": np.array([1 << 32])})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits private memory")
def test_memory_that_is_too_little_for_onnx_runtime_itself_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", DOUBLE)
    with (
        Session(path, limits=Limits(memory_bytes=1 << 10)) as session,
        pytest.raises(RunMemoryError, match="loading it needs more memory than it may have"),
    ):
        session.open()


@pytest.mark.parametrize(
    ("way", "kind", "told"),
    [
        ("SIGSEGV", RunCrashError, r"a run crashed ONNX Runtime \(SIGSEGV\)"),
        ("SIGABRT", RunCrashError, r"\(SIGABRT\)"),
        ("SIGKILL", RunMemoryError, "killed by the system"),
        ("exit", RunCrashError, "exit code 3"),
        ("half", RunCrashError, "exit code 0"),
    ],
)
def test_a_crash_is_told_by_how_the_process_ended(
    way: str, kind: type[Exception], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "__name__", "tests.support.dying_worker")
    with (
        Session(write(tmp_path / "m.onnx", DOUBLE)) as session,
        pytest.raises(kind, match=told),
    ):
        session.run({"way": np.array(way)})


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_a_name_that_onnx_runtime_cannot_open_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / os.fsdecode(b"\xff.onnx"), DOUBLE)
    with Session(path) as session, pytest.raises(RunRefusedError, match="is not UTF-8"):
        session.run(X)


def test_a_session_starts_again_after_a_crash(tmp_path: Path) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        session.open()
        assert session._child.pid is not None
        os.kill(session._child.pid, signal.SIGSEGV)
        with pytest.raises(RunCrashError):
            session.run(X)
        assert session.run(X)["y"].tolist() == [2.0, 4.0]


def test_a_reply_that_comes_with_the_time_limit_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        session.run(X)
        receive = worker.receive

        def late(stream: IO[bytes]) -> object:
            reply = receive(stream)
            time.sleep(0.3)
            return reply

        with monkeypatch.context() as patch:
            patch.setattr(worker, "receive", late)
            patch.setattr(session._child, "time_s", 0.2)
            with pytest.raises(RunTimeoutError):
                session.run(X)
        assert session.run(X)["y"].tolist() == [2.0, 4.0]


def test_types_that_numpy_has_not_go_in_and_out(tmp_path: Path) -> None:
    text = "g (bfloat16[N] x, float[N] u) => (bfloat16[N] y, float[N] v) { {} }".replace(
        "{}", "y = Cast <to = 16> (u) v = Cast <to = 1> (x)"
    )
    x, u = np.array([1.5, -2.0], ml_dtypes.bfloat16), np.array([0.25, 3.0], np.float32)
    with Session(write(tmp_path / "m.onnx", text)) as session:
        given = session.run({"x": x, "u": u})
    assert given["y"].dtype == ml_dtypes.bfloat16
    assert given["y"].tolist() == [0.25, 3.0]
    assert given["v"].tolist() == [1.5, -2.0]


def test_the_optimized_graph_can_be_kept(tmp_path: Path) -> None:
    optimized = tmp_path / "optimized.onnx"
    settings = SessionSettings(optimize=False, threads=1, optimized_path=optimized)
    with Session(write(tmp_path / "m.onnx", DOUBLE), settings) as session:
        session.open()
    assert optimized.is_file()


def test_what_a_library_prints_stays_out_of_the_frames(tmp_path: Path) -> None:
    # An operator that prints is not at hand; the process itself may say something at its start.
    (tmp_path / "sitecustomize.py").write_text("print('hello')\n")
    with Session(write(tmp_path / "m.onnx", DOUBLE)) as session:
        assert session.run(X)["y"].tolist() == [2.0, 4.0]

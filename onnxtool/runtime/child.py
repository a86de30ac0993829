"""Processes of ours that run graphs, and how they end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from onnxtool.runtime import worker
from onnxtool.runtime.run_errors import (
    RunCrashError,
    RunError,
    RunMemoryError,
    RunRefusedError,
    RunTimeoutError,
)
from onnxtool.runtime.signals import unbroken, uninterrupted

# Of a message of ONNX Runtime, which may print whole shapes and signatures.
MAX_TOLD = 300


class Child:
    """A process of ours that answers requests; see `worker` for what goes between.

    Args:
        module: What it runs.
        time_s: Seconds for each answer.
    """

    def __init__(self, module: str, time_s: float) -> None:
        self.module = module
        self.time_s = time_s
        self._process: subprocess.Popen[bytes] | None = None
        self._has_answered = False

    @property
    def is_started(self) -> bool:
        """Whether it has answered its first request, and has not died."""
        return self._process is not None and self._has_answered

    @property
    def pid(self) -> int | None:
        """Its process number."""
        return self._process.pid if self._process else None

    def launch(self) -> None:
        """Start its process, if there is none."""
        if self._process is not None:
            return
        with uninterrupted():
            # -P: a folder of models is the usual working directory, and must not shadow a module.
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )

    def start(self, request: object) -> Any:
        """Give it its first request.

        Raises:
            RunError: It refuses that, or dies of it.
        """
        self.launch()
        try:
            answer = self.ask(request, "loading it")
        except RunError:
            self.close()
            raise
        self._has_answered = True
        return answer

    def ask(self, message: object, doing: str) -> Any:
        """Its answer.

        Args:
            message: The request; anything that can be pickled.
            doing: What it asks for, as errors call it: `a run`.

        Raises:
            RunRefusedError, RunMemoryError: It says so, and can be asked again.
            RunMemoryError, RunCrashError, RunTimeoutError: It died or took too long, and is closed.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise AssertionError("asked before it was opened")
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.time_s, stop)
        timer.daemon = True
        timer.start()
        try:
            with unbroken():
                worker.send(process.stdin, message)
            kind, content = worker.receive(process.stdout)
        except (EOFError, OSError):
            status = process.wait()
            self.close()
            if not late.is_set():
                raise _death(status, doing) from None
            kind, content = "", None
        finally:
            timer.cancel()
        # Stopped, maybe just after it replied: the process is gone either way.
        if late.is_set():
            self.close()
            raise RunTimeoutError(f"{doing} took more than {self.time_s:g} s")
        if kind == worker.REFUSED:
            raise RunRefusedError(_told(content))
        if kind == worker.OUT_OF_MEMORY:
            raise RunMemoryError(f"{doing} needs more memory than it may have: {_told(content)}")
        return content

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        self._has_answered = False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _environment() -> dict[str, str]:
    """Ours, with the same import path: it may have been changed since the start."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _death(status: int, doing: str) -> RunError:
    if status >= 0:
        return RunCrashError(f"{doing} ended ONNX Runtime's process with exit code {status}")
    name = signal.Signals(-status).name
    if name == "SIGKILL":
        return RunMemoryError(f"{doing} was killed by the system, which ran out of memory")
    return RunCrashError(f"{doing} crashed ONNX Runtime ({name})")


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            with unbroken():
                pipe.close()
    except OSError:  # What was left in it has no reader any more.
        return


def _told(text: str) -> str:
    """What ONNX Runtime says, on one line, without its error number and source position."""
    line = " ".join(text.split())
    line = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", line)
    line = re.sub(r"/\S+/onnxruntime/\S+?:\d+ ", "", line)
    return line if len(line) <= MAX_TOLD else line[:MAX_TOLD] + "…"

"""Sessions of ONNX Runtime's CPU provider, each in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from onnxtool.errors import OnnxToolError
from onnxtool.runtime import worker
from onnxtool.runtime.signals import unbroken, uninterrupted

# Of a message of ONNX Runtime, which may print whole shapes and signatures.
MAX_TOLD = 300

Array = np.ndarray[Any, np.dtype[Any]]


class RunError(OnnxToolError):
    """The graph was not run to its end; `message` says what ONNX Runtime says."""


class RunRefusedError(RunError):
    """ONNX Runtime gave an error: of the model, or of what it was fed."""


class RunMemoryError(RunError):
    """A run needed more memory than there is, or than it may have."""


class RunCrashError(RunError):
    """The process that ran the graph died."""


class RunTimeoutError(RunError):
    """The graph did not come to an end in time, and was stopped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may take.

    Attributes:
        time_s: Seconds for loading the model, and for each run.
        memory_bytes: Private memory of its process, 0 for no limit; Linux alone enforces it.
    """

    time_s: float = 60.0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a session runs, so that a result can say so.

    Attributes:
        optimize: Whether ONNX Runtime may rewrite the graph; without, a shared fusion bug shows.
        threads: Threads within an operator, 0 for one a core.
        optimized_path: Where to write the graph that is really run, if anywhere.
    """

    optimize: bool = True
    threads: int = 0
    optimized_path: Path | None = None


class Session:
    """A model loaded in another process. It starts with the first run, and again after a crash.

    Args:
        path: The .onnx file.
        settings: How to run it.
        limits: What it may take.
        content: The model itself, instead of what is at `path`; its weights are where that is.
    """

    def __init__(
        self,
        path: Path,
        settings: SessionSettings = SessionSettings(),
        limits: Limits = Limits(),
        content: bytes = b"",
    ) -> None:
        self.path = path
        self.settings = settings
        self.limits = limits
        self.content = content
        self._child = Child(worker.__name__, limits.time_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self) -> None:
        """Start the process, without waiting for it: it takes a while until it can load a model."""
        self._child.launch()

    def open(self) -> None:
        """Load the model, if it is not.

        Raises:
            RunRefusedError: ONNX Runtime does not take it.
            RunMemoryError, RunCrashError, RunTimeoutError: Loading it took too much.
        """
        if self._child.is_started:
            return
        require_readable_name(self.path)
        request = {
            "path": os.fspath(self.path),
            "content": self.content,
            "folder": os.fspath(self.path.parent.resolve()),
            "optimize": self.settings.optimize,
            "threads": self.settings.threads,
            "optimized_path": os.fspath(self.settings.optimized_path or ""),
            "memory_bytes": self.limits.memory_bytes,
        }
        self._child.start(request)

    def run(
        self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """Run the model once.

        Args:
            feeds: A value for each input.
            outputs: Which outputs to compute; None for all.

        Returns:
            Output name -> value.

        Raises:
            RunRefusedError: ONNX Runtime does not take the model, or what it was fed.
            RunMemoryError, RunCrashError, RunTimeoutError: The run took too much.
        """
        self.open()
        values: dict[str, Array] = self._child.ask(
            (list(outputs) if outputs else None, feeds), "a run"
        )
        return values

    def close(self) -> None:
        """End the process."""
        self._child.close()


def require_readable_name(path: Path) -> None:
    """ONNX Runtime says nothing that helps of a name that it cannot open.

    Raises:
        RunRefusedError: It is not UTF-8.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise RunRefusedError(
            "ONNX Runtime opens no file whose path is not UTF-8", hint="rename it"
        ) from None


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

"""Sessions of ONNX Runtime's CPU provider, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from onnxtool.runtime import worker
from onnxtool.runtime.child import Child
from onnxtool.runtime.run_errors import RunRefusedError

Array = np.ndarray[Any, np.dtype[Any]]


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

"""The process that is timed: `python -m onnxtool.benchmark.worker`.

Requests and replies are framed as in `runtime.worker`. The first request opens the sessions; then
each is a number of passes to time, or nothing, to end profiling.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.benchmark.tasks import Sessions, Task, Timings
from onnxtool.runtime.native import NativeSession, pin
from onnxtool.runtime.options import SessionOptions
from onnxtool.runtime.parent import end_with_parent
from onnxtool.runtime.worker import READY, VALUES, failure, receive, send


@dataclass(frozen=True, slots=True)
class Opening:
    """The first request.

    Attributes:
        graphs: Name -> path of the graphs to open.
        options: How to run them.
        task: What a pass is.
        trace: What the files of ONNX Runtime's profiler begin with; empty for no profiling.
    """

    graphs: Mapping[str, Path]
    options: SessionOptions
    task: Task
    trace: str = ""


def main() -> None:
    """Serve until stdin closes."""
    end_with_parent()
    replies = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get between the frames.
    os.dup2(2, 1)
    with contextlib.suppress(EOFError):
        opening: Opening = receive(sys.stdin.buffer)
        try:
            sessions, session_s = _open(opening)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            send(replies, failure(error))
            return
        send(replies, (READY, session_s))
        while True:
            passes: int | None = receive(sys.stdin.buffer)
            try:
                answer = _trace(sessions) if passes is None else _time(opening, sessions, passes)
                send(replies, (VALUES, answer))
            except Exception as error:  # noqa: BLE001 - see above
                send(replies, failure(error))


def _open(opening: Opening) -> tuple[Sessions, float]:
    pin(opening.options.cores)
    start_s = time.perf_counter()
    sessions = {
        name: NativeSession(path, opening.options, opening.trace)
        for name, path in opening.graphs.items()
    }
    return sessions, time.perf_counter() - start_s


def _time(opening: Opening, sessions: Sessions, passes: int) -> Timings:
    if passes > 1:
        # What ran before, in another process, has left caches and threads in its own state.
        opening.task.perform(sessions, Timings())
    timings = Timings()
    for _ in range(passes):
        opening.task.perform(sessions, timings)
    return timings


def _trace(sessions: Sessions) -> list[str]:
    return [session.end_profiling() for session in sessions.values()]


if __name__ == "__main__":
    main()

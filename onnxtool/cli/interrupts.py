"""The first Ctrl-C or SIGTERM asks to stop, the second one does."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

TOLD = b"stopping after the current block (Ctrl-C once more: at once, and without a result)\n"
# By a person, and by what limits the time of a job.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def first_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether there was a first one; with it, the handlers of before are in charge again."""
    asked = threading.Event()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        restore()
        # No stream: it may be in the middle of a line.
        with contextlib.suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), TOLD)

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        restore()

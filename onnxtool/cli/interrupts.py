"""The first Ctrl-C asks to stop, the second one does."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

TOLD = b"stopping after the current block (Ctrl-C once more: at once, and without a result)\n"


@contextlib.contextmanager
def first_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether there was a first one; with it, the handler of before is in charge again."""
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def note(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)
        # No stream: it may be in the middle of a line.
        with contextlib.suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), TOLD)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)

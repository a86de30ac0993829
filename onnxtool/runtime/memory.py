"""The memory of another process, its own apart from what it maps from files."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PERIOD_S = 0.005


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory in bytes, as Linux's proc(5) counts it.

    Attributes:
        anonymous_bytes: Of its own: RssAnon.
        file_bytes: Mapped from files, which the system can take back at any time: RssFile.
        peak_bytes: The most of both that there ever was: VmHWM.
    """

    anonymous_bytes: int
    file_bytes: int
    peak_bytes: int


def resident(pid: int, proc: Path = Path("/proc")) -> Resident | None:
    """What a process has in memory; None where the system does not tell."""
    try:
        status = (proc / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = dict(re.findall(r"^(RssAnon|RssFile|VmHWM):\s*(\d+) kB", status, re.MULTILINE))
    if len(fields) < 3:
        return None
    anonymous, mapped, peak = (int(fields[name]) << 10 for name in ("RssAnon", "RssFile", "VmHWM"))
    return Resident(anonymous, mapped, peak)


class MemoryWatch:
    """The most of either kind that a process was seen to have.

    Watching looks every 5 ms from a thread of the watching process, which would disturb what is
    timed: so watch loading and first runs, and look once between the others.

    Args:
        pid: The process, once there is one.
    """

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid = pid
        self.last: Resident | None = None
        self.peak_anonymous_bytes = 0
        self.peak_file_bytes = 0

    def look(self) -> None:
        """Look once."""
        pid = self._pid()
        now = None if pid is None else resident(pid)
        if now is not None:
            self.last = now
            self.peak_anonymous_bytes = max(self.peak_anonymous_bytes, now.anonymous_bytes)
            self.peak_file_bytes = max(self.peak_file_bytes, now.file_bytes)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look all the time."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(PERIOD_S):
                self.look()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.look()

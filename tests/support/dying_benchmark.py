"""A process that is timed, without ONNX Runtime: quick, and it dies when it is told to.

DIES="PATTERN WHEN WAY": what the first request holds of those that die, such as the name of a file;
`loading`, `first` or `later`; and a signal, `exit`, or `hang`. All others take 50 ms for each pass.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import time
from types import ModuleType


class Timings:
    """As the real ones are pickled; importing those would take longer than all else here."""

    __slots__ = ("calls", "parts_s", "samples_s")
    __module__ = "onnxtool.benchmark.tasks"

    def __init__(self, samples_s: list[float]) -> None:
        self.samples_s = samples_s
        self.parts_s: dict[str, list[float]] = {}
        self.calls: dict[str, int] = {}


def receive() -> bytes:
    (length,) = struct.unpack("<Q", sys.stdin.buffer.read(8))
    return sys.stdin.buffer.read(length)


def reply(message: object) -> None:
    content = pickle.dumps(message)
    sys.stdout.buffer.write(struct.pack("<Q", len(content)) + content)
    sys.stdout.buffer.flush()


def die(way: str) -> None:
    if way == "exit":
        os._exit(3)
    if way == "hang":
        time.sleep(600)
    os.kill(os.getpid(), signal.Signals[way])


def main() -> None:
    tasks = ModuleType(Timings.__module__)
    tasks.Timings = Timings  # type: ignore[attr-defined]
    sys.modules[Timings.__module__] = tasks
    pattern, when, way = os.environ.get("DIES", "nobody never exit").split()
    dies = pattern.encode() in receive()
    if dies and when == "loading":
        die(way)
    reply(("ready", 0.01))
    for count in range(1000):
        passes = pickle.loads(receive())
        if dies and (when == "first" or (when == "later" and count == 2)):
            die(way)
        reply(("values", Timings([0.05] * passes)))


if __name__ == "__main__":
    main()

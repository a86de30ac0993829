"""A session's process that ends as the input `way` says, in place of running a model."""

from __future__ import annotations

import os
import signal
import sys

from onnxtool.runtime import worker


def main() -> None:
    worker.receive(sys.stdin.buffer)
    replies = os.fdopen(1, "wb")
    worker.send(replies, (worker.READY, None))
    _, feeds = worker.receive(sys.stdin.buffer)
    way = str(feeds["way"])
    if way == "exit":
        os._exit(3)
    if way == "half":
        replies.write(worker.HEADER.pack(1000) + b"too few")
        replies.flush()
        os._exit(0)
    os.kill(os.getpid(), signal.Signals[way])


if __name__ == "__main__":
    main()

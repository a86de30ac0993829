"""Processes of ours that end with the one that started them."""

from __future__ import annotations

import os
import threading
import time

POLL_S = 1.0


def end_with_parent() -> None:
    """End this process when its parent is gone, whatever it is doing then.

    A parent that is killed closes our stdin, which nobody reads while ONNX Runtime works, maybe for
    ever. The wait is in a thread: ONNX Runtime lets others run while it loads and runs a graph.
    On Windows the number of the parent stays what it was.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os._exit(1)

"""Processes of ours that end with the one that asks them."""

from __future__ import annotations

import os
import select
import sys
import threading


def end_with_parent() -> None:
    """End this process when the one that asks is gone, even amid a run that never ends.

    Nothing is read from stdin here; its closing is told even so. The wait is in a thread: ONNX
    Runtime lets others run while it loads and runs a graph. Where the system does not tell, the end
    comes with the next request.
    """
    if hasattr(select, "poll"):
        threading.Thread(target=_await_hang_up, daemon=True).start()


def _await_hang_up() -> None:
    watched = select.poll()
    watched.register(sys.stdin.buffer.fileno(), 0)
    watched.poll()
    os._exit(1)

"""Signals that processes of ours must not hear, and that must not end the one that asks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A process that is started meanwhile never hears of Ctrl-C, which goes to all of a terminal.

    Nor of SIGTERM, which `timeout` and job schedulers send to all of a group. Both are for the
    process that asks: that decides what becomes of what was found until then.
    """
    with _blocked("SIGINT"), _blocked("SIGTERM"):
        yield


@contextmanager
def unbroken() -> Iterator[None]:
    """Writing to a process that died is an `OSError`, also where a broken pipe ends the program."""
    with _blocked("SIGPIPE") as is_new:
        try:
            yield
        finally:
            if is_new and signal.SIGPIPE in signal.sigpending():
                signal.sigwait({signal.SIGPIPE})


@contextmanager
def _blocked(name: str) -> Iterator[bool]:
    """Block a signal; whether that is new. Windows has none to block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield False
        return
    number = signal.Signals[name]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield number not in before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

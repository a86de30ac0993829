"""What is timed, in the process that runs it: a run of a graph, or a stream of steps.

Kept apart from `utterances`, which imports more than a process of which memory is measured should.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from onnxtool.runtime.native import NativeSession

Array = np.ndarray[Any, np.dtype[Any]]
Sessions = Mapping[str, NativeSession]


@dataclass(slots=True)
class Timings:
    """What was timed.

    Attributes:
        samples_s: One duration a sample, in order.
        parts_s: What parts of them took, likewise.
        calls: How often each part ran.
    """

    samples_s: list[float] = field(default_factory=list)
    parts_s: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)


class Task(Protocol):
    """Something that is done over and over."""

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """Do it once: one pass, of one sample or more."""


@dataclass(frozen=True, slots=True)
class RunTask:
    """One run of one graph with the same inputs every time."""

    graph: str
    feeds: Mapping[str, Array]

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample."""
        session, feeds = sessions[self.graph], self.feeds
        start_s = time.perf_counter()
        session.values(feeds)
        timings.samples_s.append(time.perf_counter() - start_s)


@dataclass(frozen=True, slots=True)
class StreamTask:
    """A stream in a closed loop: what a step gives as states is what the next one takes.

    Attributes:
        chunks: What each step is fed besides.
        start: The states at the beginning.
        states: Input -> output of each state.
    """

    graph: str
    chunks: Sequence[Mapping[str, Array]]
    start: Mapping[str, Array]
    states: Mapping[str, str]

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample a step; moving the states from one to the next is no part of it."""
        session = sessions[self.graph]
        places = {name: session.output_names.index(given) for name, given in self.states.items()}
        state = dict(self.start)
        for chunk in self.chunks:
            feeds = {**chunk, **state}
            start_s = time.perf_counter()
            values = session.values(feeds)
            timings.samples_s.append(time.perf_counter() - start_s)
            state = {name: values[place] for name, place in places.items()}

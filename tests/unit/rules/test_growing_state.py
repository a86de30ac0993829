"""Whether steps get slower, by a clock that only moves when a step is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from onnxtool.rules.streaming.loop import SLOWER, _slower
from onnxtool.rules.subject import GraphSubject
from onnxtool.speech.closed_loop import Loop

LOOP = Loop((), "", {"count": np.array(0)}, {}, {"count": np.array(100)}, {})


@dataclass
class Machine:
    """Runs a step in so many seconds, fresh and late; what else it does comes on top."""

    fresh_s: float
    late_s: float
    busy_s: tuple[float, ...] = ()
    now: float = 0.0
    runs: list[int] = field(default_factory=list)

    def run(self, feeds: Mapping[str, Any]) -> None:
        busy = self.busy_s[len(self.runs)] if len(self.runs) < len(self.busy_s) else 0.0
        self.runs.append(int(feeds["count"]))
        self.now += (self.late_s if feeds["count"] else self.fresh_s) + busy

    def slower(self) -> float:
        graph = cast("GraphSubject", SimpleNamespace(session=self))
        return _slower(graph, LOOP, lambda: self.now)


def test_steps_that_take_longer_and_longer() -> None:
    assert Machine(0.1, 0.5).slower() == pytest.approx(5.0)


def test_a_machine_that_does_something_else_now_and_then() -> None:
    busy = Machine(0.1, 0.1, busy_s=(0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1))
    assert busy.slower() < SLOWER


def test_the_two_take_turns() -> None:
    machine = Machine(0.1, 0.1)
    machine.slower()
    assert machine.runs == [100, *[0, 100] * 7]


def test_a_large_model_is_run_less_often() -> None:
    machine = Machine(5.0, 5.0)
    machine.slower()
    assert machine.runs == [100, *[0, 100] * 3]


def test_steps_too_short_to_time_are_not_told_apart() -> None:
    assert Machine(0.0001, 0.001).slower() == 1.0

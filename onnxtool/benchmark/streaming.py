"""A streaming encoder in a closed loop, and what a step of it costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from onnxtool.benchmark.feeding import MAX_ELEMENTS, made_up
from onnxtool.benchmark.graph import Graph
from onnxtool.benchmark.request import STEPS
from onnxtool.benchmark.result import Kind, Measurement, Scenario
from onnxtool.benchmark.statistics import Interval, median_interval
from onnxtool.benchmark.tasks import StreamTask
from onnxtool.benchmark.windows import window
from onnxtool.errors import UnsupportedModelError, UsageError
from onnxtool.model.states import StateKind
from onnxtool.runtime.options import SessionOptions


def stream(
    graph: Graph, sizes: Mapping[str, int], options: SessionOptions
) -> tuple[StreamTask, Scenario, float]:
    """The closed loop of a streaming encoder; of one that runs the first chunk only, that chunk.

    Returns:
        What to do, what it is, and about how many seconds it takes: 0 where nobody knows.

    Raises:
        OnnxToolError: Its states cannot be fed back, no window works, or an input cannot be made
            up.
    """
    view, known, request = graph.view, graph.signature, graph.request
    broken = [pair for pair in known.states if pair.kind is StateKind.MISMATCHED]
    if broken:
        raise UnsupportedModelError(f"no closed loop: {broken[0].input}: {broken[0].problem}")
    found = window(graph, sizes)
    count = 1 if found.leads else request.steps or STEPS
    first = made_up(view, known, found.sizes, request.seed)
    states = {pair.input: pair.output for pair in known.states}
    chunk = {name: value for name, value in first.items() if name not in states}
    if count * sum(value.size for value in chunk.values()) > MAX_ELEMENTS:
        raise UsageError(f"{count:,} steps of such chunks", hint="ask for fewer steps")
    # Of large states, those of every step would not fit into memory: only the first begins so.
    others = (made_up(view, known, found.sizes, request.seed + step) for step in range(1, count))
    task = StreamTask(
        graph=view.path.name,
        chunks=[chunk, *({name: feeds[name] for name in chunk} for feeds in others)],
        start={name: value for name, value in first.items() if name in states},
        states=states,
    )
    scenario = Scenario(
        kind=Kind.STREAM,
        graph=view.path.name,
        role=known.role.value,
        sizes=found.sizes,
        shapes={name: value.shape for name, value in {**chunk, **first}.items()},
        options=options,
        steps=count,
        audio_s=(found.new * graph.frame_s,) * count if found.new and graph.frame_s else (),
    )
    return task, scenario, count * found.step_s


def deadline_misses(measurement: Measurement) -> int | None:
    """Steps that took longer than their audio lasts; None where that is not known."""
    audio_s = measurement.scenario.audio_s
    if not audio_s:
        return None
    steps = measurement.scenario.steps
    return sum(
        sample > audio_s[index % steps] for index, sample in enumerate(measurement.samples_s)
    )


def slope(measurement: Measurement) -> tuple[float, Interval] | None:
    """By how many seconds a step takes longer than the one before it, over a stream; 95 %.

    The least-squares line through the median of each step, by process.
    """
    steps = measurement.scenario.steps
    if steps < 3:
        return None
    slopes = [[_slope(block, steps) for block in p.blocks_s] for p in measurement.processes]
    if sum(map(len, slopes)) < 2:  # No interval, and without one it says nothing.
        return None
    return statistics.median(value for group in slopes for value in group), median_interval(slopes)


def _slope(block_s: Sequence[float], steps: int) -> float:
    typical = np.median(np.reshape(block_s, (-1, steps)), axis=0)
    return float(np.polynomial.polynomial.polyfit(np.arange(steps), typical, 1)[1])

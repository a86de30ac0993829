"""A streaming encoder in a closed loop: which window it takes, and what a step of it costs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.benchmark.feeding import audio_axis, made_up
from onnxtool.benchmark.graph import Graph
from onnxtool.benchmark.result import Kind, Measurement, Scenario
from onnxtool.benchmark.statistics import Interval, median_interval
from onnxtool.benchmark.tasks import StreamTask
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.signature import Signature
from onnxtool.model.states import StateKind
from onnxtool.runtime.options import SessionOptions
from onnxtool.runtime.session import RunError, Session, SessionSettings

Array = np.ndarray[Any, np.dtype[Any]]
# Windows to try, in feature frames: what an export for a cache of 256 frames takes, then others.
WINDOWS = (57, 17, 25, 33, 41, 49, 65, 73, 81, 105, 121, 137)
# Feature frames that make one encoder frame of a FastConformer.
SUBSAMPLING = 8
# Steps after which a loop is taken to be sound.
PROBE_STEPS = 3


def stream(
    graph: Graph, sizes: Mapping[str, int], options: SessionOptions
) -> tuple[StreamTask, Scenario]:
    """The closed loop of a streaming encoder.

    Raises:
        UnsupportedModelError: Its states cannot be fed back, or no window works.
        UsageError: An input cannot be made up.
    """
    view, known, request = graph.view, graph.signature, graph.request
    broken = [pair for pair in known.states if pair.kind is StateKind.MISMATCHED]
    if broken:
        raise UnsupportedModelError(f"no closed loop: {broken[0].input}: {broken[0].problem}")
    axis = audio_axis(known)
    if axis is None:
        raise UnsupportedModelError("no closed loop: no input of features with a dynamic length")
    name = next(s for s in known.inputs if s.name == axis[0]).axis_name(axis[1])
    chunk, shift = _window(graph, sizes, name)
    steps = [
        made_up(view, known, {**sizes, name: chunk}, request.seed + step)
        for step in range(request.steps)
    ]
    states = {pair.input: pair.output for pair in known.states}
    task = StreamTask(
        graph=view.path.name,
        chunks=[{k: v for k, v in feeds.items() if k not in states} for feeds in steps],
        start={k: v for k, v in steps[0].items() if k in states},
        states=states,
    )
    scenario = Scenario(
        kind=Kind.STREAM,
        graph=view.path.name,
        role=known.role.value,
        sizes={**sizes, name: chunk},
        shapes={k: v.shape for k, v in steps[0].items()},
        options=options,
        steps=request.steps,
        audio_s=(shift * graph.frame_s,) * request.steps if shift and graph.frame_s else (),
    )
    return task, scenario


def _window(graph: Graph, sizes: Mapping[str, int], name: str) -> tuple[int, int | None]:
    """Feature frames of a step, and how many of them are new: told, declared, or found out."""
    request = graph.request
    told = request.chunk or sizes.get(name)
    declared = None if told else declared_window(graph.view.path.parent)
    if declared:
        return declared[0], request.shift or declared[1]
    with Session(graph.view.path, SessionSettings(threads=1)) as session:
        for chunk in (told,) if told else WINDOWS:
            at = {**sizes, name: chunk}
            feeds = made_up(graph.view, graph.signature, at, request.seed)
            frames = probed_frames(session, graph.signature, feeds)
            if frames is not None:
                return chunk, request.shift or frames * SUBSAMPLING
    raise UnsupportedModelError(
        f"no closed loop with {f'{told} feature frames' if told else 'any window that was tried'}",
        hint="give the window with --chunk FRAMES",
    )


def declared_window(folder: Path) -> tuple[int, int] | None:
    """Window and shift of every step after the first, of the `streaming.json` beside a graph."""
    try:
        fields = json.loads((folder / "streaming.json").read_text(encoding="utf-8"))
        chunk, shift, before = (
            int(fields[key][1]) for key in ("chunk_size", "shift_size", "pre_encode_cache_size")
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return None
    return (chunk + before, shift) if chunk > 0 and shift > 0 and before >= 0 else None


def probed_frames(session: Session, known: Signature, feeds: Mapping[str, Array]) -> int | None:
    """Encoder frames of the last of some steps; None if the loop breaks, or gives none."""
    given, frames = dict(feeds), 0
    features = [s.name for s in known.free_outputs if "float" in s.dtype]
    lengths = [s.name for s in known.free_outputs if "int" in s.dtype]
    try:
        for _ in range(PROBE_STEPS):
            values = session.run(given)
            given |= {pair.input: values[pair.output] for pair in known.states}
            if lengths:
                frames = int(values[lengths[0]].reshape(-1)[0])
            elif features:
                frames = values[features[0]].shape[-1]
    except RunError:
        return None
    return frames if frames > 0 else None


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
    return statistics.median(value for group in slopes for value in group), median_interval(slopes)


def _slope(block_s: Sequence[float], steps: int) -> float:
    typical = np.median(np.reshape(block_s, (-1, steps)), axis=0)
    return float(np.polynomial.polynomial.polyfit(np.arange(steps), typical, 1)[1])

"""Which window a streaming encoder takes, and how much of it is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter

from onnxtool.benchmark.feeding import made_up
from onnxtool.benchmark.graph import Graph
from onnxtool.benchmark.request import audio_name
from onnxtool.errors import OnnxToolError, UnsupportedModelError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.signature import signature
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming
from onnxtool.model.view import ModelView
from onnxtool.runtime.session import Session
from onnxtool.speech.cache_aware import CacheAwareEncoder
from onnxtool.speech.cache_sizes import sized
from onnxtool.speech.closed_loop import run_loop
from onnxtool.speech.driving import driven
from onnxtool.speech.probing import Probe, probe
from onnxtool.speech.schedule import schedule_of

# Steps after which a loop is taken to be sound.
SOUND_STEPS = 3
WAY_OUT = "give the window with --chunk FRAMES,NEW"


@dataclass(frozen=True, slots=True)
class Window:
    """What a step of a stream is given.

    Attributes:
        sizes: Of dynamic axes: the window's, those of the caches, and what was asked for.
        new: Feature frames that the step before did not see; None where that is not known.
        leads: Whether it is the first of a stream, after which another graph goes on.
        step_s: About how long a step takes; 0 where nobody looked.
    """

    sizes: Mapping[str, int]
    new: int | None
    leads: bool = False
    step_s: float = 0.0


def window(graph: Graph, sizes: Mapping[str, int]) -> Window:
    """The window of a streaming encoder.

    1. The one window that the graph takes, if its size is fixed.
    2. As told; what is new of it is what the graph makes encoder frames of.
    3. As `streaming.json` declares; else as the graph, and the one beside it, imply.

    Raises:
        OnnxToolError: There is none, or the loop breaks with it.
    """
    time, request = audio_name(graph.signature), graph.request
    told = request.chunk or sizes.get(time)
    if not time:  # 1
        return Window(sizes, request.shift)
    with graph.watch.session(graph.view.path, graph.limits) as session:
        if told and request.shift:
            found = Window({**sizes, time: told}, request.shift)
        elif told:  # 2
            found = _told(graph, session, sizes, time, told)
        else:  # 3
            found = _found(graph, session, sizes, time)
        return replace(found, step_s=_check(graph, session, found))


def _told(
    graph: Graph, session: Session, sizes: Mapping[str, int], time: str, frames: int
) -> Window:
    with suppress(UnsupportedModelError):
        encoder = _encoder(graph.view, session)
        own = probe(encoder)
        given = min(own.frames(frames), own.valid_out_len or frames)
        return Window({**encoder.sizes, **sizes, time: frames}, own.subsampling.factor * given)
    return Window({**sizes, time: frames}, None)


def _found(graph: Graph, session: Session, sizes: Mapping[str, int], time: str) -> Window:
    try:
        encoder = _encoder(graph.view, session)
        own = probe(encoder)
        declared = _declared(graph.view)
        others = [] if declared else list(_probes_beside(graph))
        first = next((other for other in others if other.starts and not own.starts), None)
        later = next((other for other in others if own.starts and not other.starts), None)
        schedule = schedule_of(driven(later or own, own if later else first, declared))
    except UnsupportedModelError as error:
        raise UnsupportedModelError(str(error), hint=WAY_OUT) from None
    if schedule is None:
        raise UnsupportedModelError("nothing says how long its chunks are", hint=WAY_OUT)
    leads = own.starts and bool(later or (declared and declared.drop_extra_pre_encoded))
    call = 0 if leads else 1
    at = {**encoder.sizes, **sizes, time: schedule.window_sizes[call]}
    return Window(at, graph.request.shift or schedule.shift_size[call], leads)


def _encoder(view: ModelView, session: Session) -> CacheAwareEncoder:
    session.open()
    return sized(CacheAwareEncoder(view, signature(view), session))


def _declared(view: ModelView) -> StreamingConfig | None:
    path = view.folder / STREAMING_NAME
    return read_streaming(path) if path.is_file() else None


def _probes_beside(graph: Graph) -> Iterator[Probe]:
    """Of the streaming encoders of its folder that take the same inputs."""
    names = {spec.name for spec in graph.signature.inputs}
    for other in graph.folder.models if graph.folder else ():
        is_alike = {spec.name for spec in other.signature.inputs} == names
        if is_alike and other.view.path != graph.view.path:
            # One that cannot be probed is reported when it is its turn.
            with (
                suppress(OnnxToolError),
                graph.watch.session(other.view.path, graph.limits) as session,
            ):
                yield probe(_encoder(other.view, session))


def _check(graph: Graph, session: Session, found: Window) -> float:
    """Run some steps; how many seconds one took.

    Raises:
        UnsupportedModelError: They do not follow on one another.
    """
    feeds = made_up(graph.view, graph.signature, found.sizes, graph.request.seed)
    steps = 1 if found.leads else SOUND_STEPS
    start_s = perf_counter()
    loop = run_loop(session, graph.signature, lambda _: feeds, steps_at_most=steps)
    if loop.refusal:
        at = ", ".join(f"{name}={size}" for name, size in found.sizes.items())
        raise UnsupportedModelError(f"no closed loop at {at}: {loop.refusal}", hint=WAY_OUT)
    return (perf_counter() - start_s) / steps

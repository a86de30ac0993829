"""What there is to measure about a model, by what its graphs do.

1. An encoder is run over lengths of audio.
2. A streaming encoder is run in a closed loop of chunks.
3. Encoder, predictor and joint of a folder decode utterances, end to end.
4. Any other graph is run at the sizes that are asked for; of a folder, a single step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from onnxtool.benchmark.decoding import is_transducer, utterances
from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.feeding import made_up
from onnxtool.benchmark.given import check_named, check_sizes, digest_of, given_values
from onnxtool.benchmark.graph import Graph
from onnxtool.benchmark.request import (
    AUDIO_FRAMES,
    WITH_AUDIO,
    BenchmarkRequest,
    audio_axis,
    audio_name,
    axis_names,
    combinations,
    frame_seconds,
    views_of,
)
from onnxtool.benchmark.result import Failure, Kind, Scenario, Subject
from onnxtool.benchmark.streaming import stream
from onnxtool.benchmark.tasks import RunTask, Task
from onnxtool.benchmark.watch import Watch
from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView

Array = np.ndarray[Any, np.dtype[Any]]


def plan(
    model: ModelView | Bundle,
    request: BenchmarkRequest,
    subject: Subject,
    watch: Watch = Watch(),  # noqa: B008 - immutable
) -> Iterator[Work | Failure]:
    """Everything to measure about a model, and what of it is not possible.

    Args:
        model: A graph, or a folder of graphs.
        request: At which sizes, with which settings, on what.
        subject: Whose it is.
        watch: Who looks on while it is found out how to run a graph.

    Raises:
        UsageError: A file that does not have values, or that fits no graph.
    """
    folder = model if isinstance(model, Bundle) else None
    frame_s = frame_seconds(request, model)
    _check(model, request)
    for name, error in folder.unreadable if folder else ():
        yield Failure(subject, name, {}, told(error))
    if folder and request.manifest:
        yield from _decoding(folder, request, subject, frame_s)
        return
    for view in (model,) if isinstance(model, ModelView) else [m.view for m in model.models]:
        graph = Graph(view, signature(view), frame_s, folder, request, subject, watch)
        yield from _of_graph(graph)
    if folder:
        yield from _decoding(folder, request, subject, frame_s)


def _check(model: ModelView | Bundle, request: BenchmarkRequest) -> None:
    """Refuse what has nothing to do with any graph.

    Raises:
        UsageError: With what there is.
    """
    graphs = [signature(view) for view in views_of(model)]
    if request.manifest and isinstance(model, ModelView):
        raise UsageError(
            f"{model.path}: recordings are decoded by encoder, predictor and joint",
            hint="pass the folder of the three, or leave out --on",
        )
    if request.inputs:
        check_named(request.inputs, graphs)


def _of_graph(graph: Graph) -> Iterator[Work | Failure]:
    request = graph.request
    values = given_values(request.inputs, graph.signature) if request.inputs else {}
    check_sizes(request.at, _sizes_of(graph, values))
    for sizes in combinations(_sizes(graph, values)):
        try:
            if graph.signature.role is Role.STREAMING_ENCODER and not values:  # 2
                task, scenario, pass_s = stream(graph, sizes, request.settings[0])
                work = replace(_work(graph, scenario, task), pass_s=pass_s)
            else:  # 1, 4
                work = _run(graph, sizes, values)
        except OnnxToolError as error:
            yield Failure(graph.subject, graph.name, sizes, told(error))
        else:
            yield from _at_each_setting(work, request)


def _at_each_setting(work: Work, request: BenchmarkRequest) -> Iterator[Work]:
    for options in request.settings:
        yield replace(work, scenario=replace(work.scenario, options=options))


def told(error: OnnxToolError) -> str:
    """An error as the message of a failure: what happened, and what to do."""
    return f"{error} ({error.hint})" if error.hint else str(error)


def _run(graph: Graph, sizes: Mapping[str, int], values: Mapping[str, Array]) -> Work:
    known = {**sizes, **_sizes_of(graph, values)}
    feeds = {**made_up(graph.view, graph.signature, known, graph.request.seed, values), **values}
    features = audio_axis(graph.signature)
    audio_s: tuple[float, ...] = ()
    if features and graph.frame_s and graph.signature.role in WITH_AUDIO:
        shape = feeds[features[0].name].shape
        audio_s = (shape[features[1]] * shape[0] * graph.frame_s,)
    scenario = Scenario(
        kind=Kind.RUN,
        graph=graph.name,
        role=graph.signature.role.value,
        sizes=sizes,
        shapes={name: value.shape for name, value in feeds.items()},
        options=graph.request.settings[0],
        audio_s=audio_s,
        real_audio=bool(values),
        inputs_sha256=digest_of(values.values()) if values else None,
    )
    return _work(graph, scenario, RunTask(graph.name, feeds))


def _work(graph: Graph, scenario: Scenario, task: Task) -> Work:
    paths = {graph.name: graph.view.path}
    return Work(graph.subject, scenario, paths, task, graph.request.time_limit_s)


def _sizes_of(graph: Graph, values: Mapping[str, Array]) -> dict[str, int]:
    return graph.signature.sizes_of({name: value.shape for name, value in values.items()})


def _sizes(graph: Graph, values: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """The sizes that are asked for, as far as the graph has them; lengths of audio if none are."""
    known, at = graph.signature, graph.request.at
    has_audio = known.role in WITH_AUDIO
    audio = audio_name(known)
    sizes = {
        name: tuple(at[name])
        for name in axis_names(known)
        if name in at
        # In a folder, the length of the audio is none of the predictor's and the joint's business.
        and (has_audio or name not in _audio_names(graph.folder))
    }
    if has_audio and audio and audio not in sizes and not values:
        sizes[audio] = AUDIO_FRAMES
    return sizes


def _audio_names(folder: Bundle | None) -> frozenset[str]:
    """What the encoders of a folder call the length of the audio."""
    graphs = [member.signature for member in folder.models] if folder else []
    return frozenset(audio_name(known) for known in graphs if known.role in WITH_AUDIO)


def _decoding(
    folder: Bundle, request: BenchmarkRequest, subject: Subject, frame_s: float | None
) -> Iterator[Work | Failure]:
    """The utterances of a folder (3), if it has what it takes."""
    if not (is_transducer(folder) or request.manifest):
        return
    try:
        task, scenario, graphs = utterances(folder, request, request.settings[0], frame_s)
    except OnnxToolError as error:
        yield Failure(subject, "", {}, told(error))
    else:
        work = Work(subject, scenario, graphs, task, request.time_limit_s)
        yield from _at_each_setting(work, request)

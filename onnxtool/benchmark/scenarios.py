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
from onnxtool.benchmark.feeding import audio_axis, check_named, given_values, made_up, sizes_of
from onnxtool.benchmark.graph import Graph
from onnxtool.benchmark.request import (
    AUDIO_FRAMES,
    BenchmarkRequest,
    axis_names,
    combinations,
    frame_seconds,
    views_of,
)
from onnxtool.benchmark.result import Failure, Kind, Scenario, Subject
from onnxtool.benchmark.streaming import stream
from onnxtool.benchmark.tasks import RunTask
from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView

Array = np.ndarray[Any, np.dtype[Any]]
WITH_AUDIO = frozenset({Role.ENCODER, Role.CTC})


def plan(
    model: ModelView | Bundle, request: BenchmarkRequest, subject: Subject
) -> Iterator[Work | Failure]:
    """Everything to measure about a model, and what of it is not possible."""
    folder = model if isinstance(model, Bundle) else None
    frame_s = frame_seconds(request, model)
    _check_files(model, request)
    if folder and request.manifest:
        yield from _decoding(folder, request, subject, frame_s)
        return
    for view in (model,) if isinstance(model, ModelView) else [m.view for m in model.models]:
        graph = Graph(view, signature(view), frame_s, folder, request, subject)
        yield from _of_graph(graph)
    if folder:
        yield from _decoding(folder, request, subject, frame_s)


def _check_files(model: ModelView | Bundle, request: BenchmarkRequest) -> None:
    """Refuse files that have nothing for any graph.

    Raises:
        UsageError: With what there is.
    """
    if request.manifest and isinstance(model, ModelView):
        raise UsageError(
            f"{model.path}: recordings are decoded by encoder, predictor and joint",
            hint="pass the folder of the three, or leave out --on",
        )
    if request.inputs:
        check_named(request.inputs, [signature(view) for view in views_of(model)])


def _of_graph(graph: Graph) -> Iterator[Work | Failure]:
    request = graph.request
    values = given_values(request.inputs, graph.signature) if request.inputs else {}
    for sizes in combinations(_sizes(graph, values)):
        try:
            if graph.signature.role is Role.STREAMING_ENCODER and not values:  # 2
                task, scenario = stream(graph, sizes, request.settings[0])
                work = Work(graph.subject, scenario, {graph.name: graph.view.path}, task)
            else:  # 1, 4
                work = _run(graph, sizes, values)
        except OnnxToolError as error:
            yield Failure(graph.subject, graph.name, sizes, _told(error))
        else:
            yield from _at_each_setting(work, request)


def _at_each_setting(work: Work, request: BenchmarkRequest) -> Iterator[Work]:
    for options in request.settings:
        yield replace(work, scenario=replace(work.scenario, options=options))


def _told(error: OnnxToolError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _run(graph: Graph, sizes: Mapping[str, int], values: Mapping[str, Array]) -> Work:
    known = {**sizes_of(values, graph.signature), **sizes}
    feeds = {**made_up(graph.view, graph.signature, known, graph.request.seed, values), **values}
    axis = audio_axis(graph.signature)
    audio_s: tuple[float, ...] = ()
    if axis and graph.frame_s and graph.signature.role in WITH_AUDIO:
        shape = feeds[axis[0]].shape
        audio_s = (shape[axis[1]] * shape[0] * graph.frame_s,)
    scenario = Scenario(
        kind=Kind.RUN,
        graph=graph.name,
        role=graph.signature.role.value,
        sizes=sizes,
        shapes={name: value.shape for name, value in feeds.items()},
        options=graph.request.settings[0],
        audio_s=audio_s,
        real_audio=bool(values),
    )
    return Work(graph.subject, scenario, {graph.name: graph.view.path}, RunTask(graph.name, feeds))


def _sizes(graph: Graph, values: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """The sizes that are asked for, as far as the graph has them; lengths of audio if none are."""
    known, at = graph.signature, graph.request.at
    has_audio = known.role in WITH_AUDIO
    axis = audio_axis(known)
    audio = _axis_name(known, axis) if axis else ""
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
    encoders = [known for known in graphs if known.role in WITH_AUDIO]
    return frozenset(_axis_name(known, axis) for known in encoders if (axis := audio_axis(known)))


def _axis_name(known: Signature, axis: tuple[str, int]) -> str:
    """What `at` calls an axis; empty for one of fixed size."""
    spec = next(spec for spec in known.inputs if spec.name == axis[0])
    return spec.axis_name(axis[1]) if axis[1] in spec.dynamic_axes else ""


def _decoding(
    folder: Bundle, request: BenchmarkRequest, subject: Subject, frame_s: float | None
) -> Iterator[Work | Failure]:
    """The utterances of a folder (3), if it has what it takes."""
    if not (is_transducer(folder) or request.manifest):
        return
    try:
        task, scenario, graphs = utterances(folder, request, request.settings[0], frame_s)
    except OnnxToolError as error:
        yield Failure(subject, "", {}, _told(error))
    else:
        yield from _at_each_setting(Work(subject, scenario, graphs, task), request)

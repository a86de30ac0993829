"""What is asked for: sizes, settings, inputs, the time base."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from onnxtool.benchmark.environment import in_order, physical_cores, usable_cores
from onnxtool.errors import MetadataError, UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.metadata import METADATA_NAMES, read_metadata
from onnxtool.model.pairing import time_axis
from onnxtool.model.signature import Signature, signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.runtime.options import SessionOptions

# Feature frames of 1, 4 and 10 s, at 10 ms each.
AUDIO_FRAMES = (100, 400, 1000)
# Loading 2.4 GB from a cold disk, or a run of it over an hour of audio.
TIME_LIMIT_S = 600.0
STEPS = 40
WITH_AUDIO = frozenset({Role.ENCODER, Role.CTC})


@dataclass(frozen=True)
class BenchmarkRequest:
    """What to measure.

    Attributes:
        at: Sizes of dynamic axes to measure at, by symbol or `input:axis`: each with each.
        options: Settings to measure with, one after the other; none for the default.
        inputs: A file (.npz) of values to feed instead of made-up ones.
        manifest: Recordings to decode: a JSON object a line, with `audio_filepath`.
        frame_ms: Milliseconds of audio in a feature frame; None for what the metadata says.
        chunk: Feature frames of each step of a streaming encoder; None to find out.
        shift: Those of them that are new; None to find out.
        steps: Steps of a stream; None for 40.
        seed: Of made-up inputs.
        time_limit_s: Seconds for loading a model, and for each block of runs: what takes longer
            hangs, and is a failure.
    """

    at: Mapping[str, Sequence[int]] = field(default_factory=dict)
    options: tuple[SessionOptions, ...] = ()
    inputs: Path | None = None
    manifest: Path | None = None
    frame_ms: float | None = None
    chunk: int | None = None
    shift: int | None = None
    steps: int | None = None
    seed: int = 0
    time_limit_s: float = TIME_LIMIT_S

    @property
    def settings(self) -> tuple[SessionOptions, ...]:
        """The settings, each with its processes pinned; 0 threads are one a physical core."""
        given = self.options or (SessionOptions(threads=0),)
        cores = physical_cores()
        return tuple(pinned(replace(each, threads=each.threads or cores)) for each in given)


def pinned(options: SessionOptions) -> SessionOptions:
    """As many cores as threads."""
    cores = in_order(usable_cores())[: options.threads]
    return replace(options, cores=tuple(sorted(cores)))


def axis_names(known: Signature) -> tuple[str, ...]:
    """What `at` may name: dynamic axes of the inputs that are no state."""
    names = (spec.axis_name(axis) for spec in known.inputs for axis in spec.dynamic_axes)
    return tuple(dict.fromkeys(names))


def audio_axis(known: Signature) -> tuple[TensorSpec, int] | None:
    """The input and the axis of the length of the audio: of features [B, D, T] or [B, T, D]."""
    return time_axis(known.free_inputs, rank=3)


def audio_name(known: Signature) -> str:
    """What `at` calls the length of the audio; empty where that is fixed."""
    found = audio_axis(known)
    return found[0].axis_name(found[1]) if found else ""


def checked(request: BenchmarkRequest, models: Sequence[ModelView | Bundle]) -> BenchmarkRequest:
    """The same request with its sizes by symbol, where they stand under `input:axis`.

    Raises:
        UsageError: A size of an axis that no graph has, or two of one; with what there is. Or a
            number that makes no sense.
    """
    steps = STEPS if request.steps is None else request.steps
    if min([steps, *itertools.chain.from_iterable(request.at.values())]) < 1:
        raise UsageError("sizes and steps are at least 1")
    known = [signature(view) for model in models for view in views_of(model)]
    sizes: dict[str, Sequence[int]] = {}
    names = {
        f"{spec.name}:{axis}": spec.axis_name(axis)
        for graph in known
        for spec in graph.inputs
        for axis in spec.dynamic_axes
    }
    for given, asked in request.at.items():
        name = names.get(given, given)
        if name in sizes:
            raise UsageError(f"`{given}` is `{name}`", hint="give the sizes of one of them")
        sizes[name] = asked
    _check_axes(sizes, known)
    symbols = {symbol for name, symbol in names.items() if symbol != name}
    for name, _ in (pair for each in request.options for pair in each.free_dimensions):
        if name not in symbols:
            there = ", ".join(sorted(symbols)) or "none"
            raise UsageError(f"no symbol `{name}` to fix", hint=f"there is {there}")
    return replace(request, at=sizes)


def _check_axes(at: Mapping[str, Sequence[int]], known: Sequence[Signature]) -> None:
    """Refuse a size of an axis that no graph has.

    Raises:
        UsageError: With what there is.
    """
    names = {name for graph in known for name in axis_names(graph)}
    for name in at:
        if name not in names:
            there = ", ".join(sorted(names)) or "nothing: all sizes are fixed"
            raise UsageError(f"no input has an axis called `{name}`", hint=f"there is {there}")


def views_of(model: ModelView | Bundle) -> tuple[ModelView, ...]:
    """The graphs of a model."""
    if isinstance(model, Bundle):
        return tuple(member.view for member in model.models)
    return (model,)


def combinations(at: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    """Each size with each."""
    for sizes in itertools.product(*at.values()):
        yield dict(zip(at, sizes, strict=True))


def frame_seconds(request: BenchmarkRequest, model: ModelView | Bundle) -> float | None:
    """Seconds of audio in a feature frame: as told, or as the metadata says, or None.

    The metadata of a graph is that of its folder.
    """
    if request.frame_ms is not None:
        return request.frame_ms / 1000
    fields = _metadata(model)
    features = fields.get("features")
    hop = features.get("hop_length") if isinstance(features, dict) else None
    rate = fields.get("sample_rate")
    if isinstance(hop, int | float) and isinstance(rate, int | float) and hop > 0 and rate > 0:
        return hop / rate
    return None


def _metadata(model: ModelView | Bundle) -> Mapping[str, object]:
    if isinstance(model, Bundle):
        return model.metadata.fields if model.metadata else {}
    for path in (model.folder / name for name in METADATA_NAMES):
        # A graph runs without it: what is wrong with it is for `check` to say.
        with suppress(MetadataError):
            if path.is_file():
                return read_metadata(path).fields
    return {}

"""What is asked for: sizes, settings, inputs, the time base."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from onnxtool.benchmark.environment import usable_cores
from onnxtool.errors import UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.runtime.options import SessionOptions

# Feature frames of 1, 4 and 10 s, at 10 ms each.
AUDIO_FRAMES = (100, 400, 1000)


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
        steps: Steps of a stream.
        seed: Of made-up inputs.
    """

    at: Mapping[str, Sequence[int]] = field(default_factory=dict)
    options: tuple[SessionOptions, ...] = ()
    inputs: Path | None = None
    manifest: Path | None = None
    frame_ms: float | None = None
    chunk: int | None = None
    shift: int | None = None
    steps: int = 40
    seed: int = 0

    @property
    def settings(self) -> tuple[SessionOptions, ...]:
        """The settings, each with its processes pinned; 0 threads are one a core."""
        given = self.options or (SessionOptions(threads=0),)
        cores = len(usable_cores())
        return tuple(pinned(replace(each, threads=each.threads or cores)) for each in given)


def pinned(options: SessionOptions) -> SessionOptions:
    """As many cores as threads, from the last on: systems keep the first busier."""
    cores = usable_cores()
    return replace(options, cores=cores[-options.threads :])


def axis_names(known: Signature) -> tuple[str, ...]:
    """What `at` may name: dynamic axes of the inputs that are no state."""
    names = (spec.axis_name(axis) for spec in known.inputs for axis in spec.dynamic_axes)
    return tuple(dict.fromkeys(names))


def check_axes(at: Mapping[str, Sequence[int]], models: Sequence[ModelView | Bundle]) -> None:
    """Refuse a size of an axis that no graph has.

    Raises:
        UsageError: With what there is.
    """
    views = [view for model in models for view in views_of(model)]
    known = {name for view in views for name in axis_names(signature(view))}
    for name in at:
        if name not in known:
            there = ", ".join(sorted(known)) or "nothing: all sizes are fixed"
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
    """Seconds of audio in a feature frame: as told, or as the metadata says, or None."""
    if request.frame_ms is not None:
        return request.frame_ms / 1000
    if not isinstance(model, Bundle) or model.metadata is None:
        return None
    fields = model.metadata.fields
    features = fields.get("features")
    hop = features.get("hop_length") if isinstance(features, dict) else None
    rate = fields.get("sample_rate")
    if isinstance(hop, int | float) and isinstance(rate, int | float) and hop > 0 and rate > 0:
        return hop / rate
    return None

"""Refuse what is asked for and would have no effect: whoever asks for it believes that it has."""

from __future__ import annotations

from collections.abc import Sequence

from onnxtool.benchmark.given import given_values
from onnxtool.benchmark.request import WITH_AUDIO, BenchmarkRequest, audio_axis, views_of
from onnxtool.errors import UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView


def check_effects(request: BenchmarkRequest, models: Sequence[ModelView | Bundle]) -> None:
    """Refuse options of streams and of audio where there is none.

    Args:
        request: What is asked for.
        models: To measure: what a graph of one of them takes has an effect.

    Raises:
        UsageError: With the option, and why it would have no effect.
    """
    graphs = [signature(view) for model in models for view in views_of(model)]
    streams = [known for known in graphs if known.role is Role.STREAMING_ENCODER]
    for option, value in (("--chunk", request.chunk), ("--steps", request.steps)):
        if value is not None and not streams:
            raise UsageError(
                f"{option}: no streaming encoder takes chunks here", hint="leave it out"
            )
        if value is not None and not any(_is_run_in_a_loop(each, request) for each in streams):
            raise UsageError(
                f"{option}: the streaming encoder is run on what it is given, not in a loop",
                hint="leave out this or --inputs",
            )
    if request.frame_ms is not None and not any(map(_has_frames, graphs)):
        raise UsageError("--frame-ms: no graph takes audio in frames here", hint="leave it out")


def check_single(request: BenchmarkRequest) -> None:
    """Refuse several sizes and settings where one is tuned.

    Raises:
        UsageError: With the option.
    """
    for name, sizes in request.at.items():
        if len(set(sizes)) > 1:
            raise UsageError(
                f"--at: --tune tries one size of `{name}`", hint="leave out the others"
            )
    if len(set(request.options)) > 1:
        raise UsageError(
            "--threads: --tune begins with one number and tries others",
            hint="leave out all, or all but one",
        )


def _is_run_in_a_loop(streaming: Signature, request: BenchmarkRequest) -> bool:
    return not (request.inputs and given_values(request.inputs, streaming))


def _has_frames(known: Signature) -> bool:
    is_encoder = known.role in WITH_AUDIO and audio_axis(known) is not None
    return is_encoder or known.role is Role.STREAMING_ENCODER

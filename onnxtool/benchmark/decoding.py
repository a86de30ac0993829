"""Utterances, end to end: what a folder of encoder, predictor and joint is decoded with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.benchmark.feeding import audio_axis, made_up
from onnxtool.benchmark.recordings import read_manifest, read_wave
from onnxtool.benchmark.request import AUDIO_FRAMES, BenchmarkRequest
from onnxtool.benchmark.result import Kind, Scenario
from onnxtool.benchmark.utterances import PARTS, UtterancesTask
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import LENGTH_NAME
from onnxtool.runtime.options import SessionOptions
from onnxtool.speech.decoding import TokenLayout
from onnxtool.speech.features import FeatureSettings, log_mel
from onnxtool.speech.transducer import is_features, member

Array = np.ndarray[Any, np.dtype[Any]]
Planned = tuple[UtterancesTask, Scenario, dict[str, Path]]


def utterances(
    folder: Bundle, request: BenchmarkRequest, options: SessionOptions, frame_s: float | None
) -> Planned | None:
    """Decode recordings, or made-up features where there are none.

    Returns:
        What to do; None if the folder has no offline encoder, predictor and joint.

    Raises:
        OnnxToolError: They cannot be driven, or the recordings cannot be read.
    """
    members = [member(folder, role) for role in (Role.ENCODER, Role.PREDICTOR, Role.JOINT)]
    found = [each for each in members if each is not None]
    if len(found) < len(PARTS):
        return None
    encoder, predictor, joint = found
    if request.manifest:
        feeds, audio_s = _recorded(encoder, request, request.manifest)
    else:
        feeds, audio_s = _made_up(encoder, request, frame_s)
    features = next(s.name for s in encoder.signature.free_outputs if is_features(s))
    lengths = [s.name for s in encoder.signature.free_outputs if re.fullmatch(LENGTH_NAME, s.name)]
    task = UtterancesTask(
        signatures=(predictor.signature, joint.signature),
        utterances=feeds,
        features=features,
        lengths=lengths[0] if lengths else "",
        layout=token_layout(folder, joint.signature),
    )
    scenario = Scenario(
        kind=Kind.UTTERANCES,
        graph="",
        role="bundle",
        sizes={} if request.manifest else {"frames": _frames(request, encoder.signature)},
        shapes={},
        options=options,
        steps=len(feeds),
        audio_s=audio_s,
        real_audio=request.manifest is not None,
    )
    paths = {part: each.view.path for part, each in zip(PARTS, found, strict=True)}
    return task, scenario, paths


def token_layout(folder: Bundle, joint: Signature) -> TokenLayout:
    """How the joint's output is divided, as vocabulary, metadata and its width say.

    Raises:
        UnsupportedModelError: Nothing says which token is the blank.
    """
    fields: Mapping[str, object] = folder.metadata.fields if folder.metadata else {}
    blank = folder.vocabulary.blank_id if folder.vocabulary else None
    if blank is None and isinstance(fields.get("blank_id"), int):
        blank = int(str(fields["blank_id"]))
    if blank is None:
        raise UnsupportedModelError("neither vocabulary nor metadata says which token is blank")
    durations = fields.get("duration_values")
    if isinstance(durations, tuple) and durations:
        return TokenLayout(blank, tuple(int(value) for value in durations))
    width = (joint.free_outputs[0].shape or (None,))[-1]
    # The export leaves them out: NeMo's are 0, 1, 2, … wherever they were not changed.
    return TokenLayout(blank, tuple(range(width - blank - 1)) if isinstance(width, int) else ())


def _made_up(
    encoder: Member, request: BenchmarkRequest, frame_s: float | None
) -> tuple[list[dict[str, Array]], tuple[float, ...]]:
    frames = _frames(request, encoder.signature)
    feeds = _encoder_feeds(encoder, frames, request.seed)
    return [feeds], (frames * frame_s,) if frame_s else ()


def _frames(request: BenchmarkRequest, encoder: Signature) -> int:
    axis = audio_axis(encoder)
    names = [s.axis_name(axis[1]) for s in encoder.inputs if axis and s.name == axis[0]]
    return max(request.at.get(names[0], AUDIO_FRAMES)) if names else AUDIO_FRAMES[-1]


def _encoder_feeds(encoder: Member, frames: int, seed: int) -> dict[str, Array]:
    axis = audio_axis(encoder.signature)
    if axis is None:
        raise UnsupportedModelError("the encoder has no input of features with a dynamic length")
    spec = next(spec for spec in encoder.signature.inputs if spec.name == axis[0])
    sizes = {spec.axis_name(axis[1]): frames}
    return made_up(encoder.view, encoder.signature, sizes, seed)


def _recorded(
    encoder: Member, request: BenchmarkRequest, manifest: Path
) -> tuple[list[dict[str, Array]], tuple[float, ...]]:
    axis = audio_axis(encoder.signature)
    if axis is None:
        raise UnsupportedModelError("the encoder has no input of features with a dynamic length")
    spec = next(spec for spec in encoder.signature.inputs if spec.name == axis[0])
    n_mels = (spec.shape or ())[3 - axis[1]]
    if not isinstance(n_mels, int):
        raise UnsupportedModelError(f"`{spec.name}` does not say how many features a frame has")
    settings = FeatureSettings(n_mels=n_mels)
    feeds, audio_s = [], []
    for path in read_manifest(manifest):
        audio = read_wave(path, settings.sample_rate_hz)
        features = log_mel(audio, settings)[None].astype(spec.dtype)
        given = _encoder_feeds(encoder, features.shape[2], request.seed)
        given[spec.name] = features if axis[1] == 2 else features.transpose(0, 2, 1)
        feeds.append(given)
        audio_s.append(audio.size / settings.sample_rate_hz)
    return feeds, tuple(audio_s)

"""Utterances, end to end: what a folder of encoder, predictor and joint is decoded with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.benchmark.feeding import made_up
from onnxtool.benchmark.request import AUDIO_FRAMES, BenchmarkRequest, audio_name
from onnxtool.benchmark.result import Kind, Scenario
from onnxtool.benchmark.utterances import UtterancesTask
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import Role
from onnxtool.runtime.options import SessionOptions
from onnxtool.speech.evidence import read_recordings
from onnxtool.speech.features import settings_of
from onnxtool.speech.recognizer import EncoderPorts, decoder_parts, part, token_layout
from onnxtool.speech.transducer import layout_of, member

Array = np.ndarray[Any, np.dtype[Any]]
Planned = tuple[UtterancesTask, Scenario, dict[str, Path]]


@dataclass(frozen=True)
class Utterances:
    """What there is to decode.

    Attributes:
        features: [n_mels, T] of each.
        audio_s: How long each lasts; empty where the time base is not known.
        sizes: As asked for; none for recordings.
        sha256: Of the samples of recordings.
    """

    features: tuple[Array, ...]
    audio_s: tuple[float, ...]
    sizes: Mapping[str, int]
    sha256: str | None = None


def is_transducer(folder: Bundle) -> bool:
    """Whether a folder has what it takes to decode."""
    has_joint = bool(member(folder, Role.PREDICTOR) and member(folder, Role.JOINT))
    has_decoder = has_joint or bool(member(folder, Role.DECODER_JOINT))
    return has_decoder and member(folder, Role.ENCODER) is not None


def utterances(
    folder: Bundle, request: BenchmarkRequest, options: SessionOptions, frame_s: float | None
) -> Planned:
    """Decode recordings, or made-up features where there are none.

    Raises:
        OnnxToolError: The graphs cannot be driven, or the recordings cannot be read.
    """
    encoder, decoder = part(folder, Role.ENCODER), decoder_parts(folder)
    ports = EncoderPorts(encoder.signature)
    if request.manifest:
        spoken = _recorded(folder, request.manifest, ports)
    else:
        spoken = _made_up(encoder, ports, request, frame_s)
    task = UtterancesTask(
        encoder=ports,
        decoder={each.signature.role.value: each.signature for each in decoder},
        utterances=[ports.feeds(features) for features in spoken.features],
        layout=token_layout(folder),
    )
    scenario = Scenario(
        kind=Kind.UTTERANCES,
        graph="",
        role="bundle",
        sizes=spoken.sizes,
        shapes={},
        options=options,
        steps=len(spoken.features),
        audio_s=spoken.audio_s,
        real_audio=request.manifest is not None,
        inputs_sha256=spoken.sha256,
    )
    return task, scenario, {m.signature.role.value: m.view.path for m in (encoder, *decoder)}


def _recorded(folder: Bundle, manifest: Path, ports: EncoderPorts) -> Utterances:
    settings = settings_of(folder.metadata.fields if folder.metadata else {})
    n_mels = (ports.features.shape or ())[layout_of(ports.features).feature_axis]
    if n_mels != settings.n_mels:
        raise UnsupportedModelError(
            f"the encoder takes {n_mels} features a frame, the metadata says {settings.n_mels}",
            hint="mend n_mels in model_meta.json",
        )
    recordings = tuple(read_recordings(manifest, settings))
    if not recordings:
        raise UnsupportedModelError(f"{manifest}: no recordings in it")
    frame_s = settings.hop_samples / settings.sample_rate_hz
    audio_s = tuple(each.features.shape[1] * frame_s for each in recordings)
    digests = hashlib.sha256(" ".join(each.sha256 for each in recordings).encode()).hexdigest()
    return Utterances(tuple(each.features for each in recordings), audio_s, {}, digests)


def _made_up(
    encoder: Member, ports: EncoderPorts, request: BenchmarkRequest, frame_s: float | None
) -> Utterances:
    frames = max(_lengths(encoder, request))
    axis = 3 - layout_of(ports.features).feature_axis
    sizes = {ports.features.axis_name(axis): frames}
    values = made_up(encoder.view, encoder.signature, sizes, request.seed)
    features = layout_of(ports.features).frames(values[ports.features.name])
    return Utterances((features,), (frames * frame_s,) if frame_s else (), {"frames": frames})


def _lengths(encoder: Member, request: BenchmarkRequest) -> tuple[int, ...]:
    name = audio_name(encoder.signature)
    if not name:
        raise UnsupportedModelError("the encoder has no input of features with a dynamic length")
    return tuple(request.at.get(name, AUDIO_FRAMES))

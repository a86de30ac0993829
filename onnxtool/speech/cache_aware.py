"""Cache-aware encoders (NeMo): run a step, and a whole utterance, feeding caches back unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.runtime.inputs import feeds
from onnxtool.runtime.session import Session
from onnxtool.speech.schedule import Schedule, windows

Array = np.ndarray[Any, np.dtype[Any]]
States = Mapping[str, Array]

# Inputs, by the names that NeMo gives them and every export of it keeps.
AUDIO, LENGTH = "audio_signal", "length"
CHANNEL, TIME, FILLED = "cache_last_channel", "cache_last_time", "cache_last_channel_len"
# [B, layers, C, D] and [B, layers, D, K]; some exports have the layers first.
CACHE_AXIS, CONV_AXIS = 2, 3


@dataclass(frozen=True, slots=True)
class Step:
    """What one call gave.

    Attributes:
        output: Encoder frames [B, D, T].
        lengths: How many of them are valid, for each utterance.
        states: What to feed to the next call, by name of input.
    """

    output: Array
    lengths: Array
    states: States

    @property
    def frames(self) -> Array:
        """The valid frames [D, T] of the first utterance."""
        return self.output[0, :, : max(0, int(self.lengths[0]))]

    @property
    def filled(self) -> int:
        """Frames in the first utterance's attention cache, as the graph counts them."""
        return int(self.states[FILLED][0])


@dataclass(frozen=True)
class CacheAwareEncoder:
    """An encoder with an attention cache, a convolution cache, and a count of cached frames.

    Attributes:
        sizes: Of dynamic axes of the caches, by symbol or `input:axis`.
    """

    model: ModelView
    signature: Signature
    session: Session
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = {AUDIO, LENGTH, CHANNEL, TIME, FILLED} - {s.name for s in self.signature.inputs}
        unpaired = {CHANNEL, TIME, FILLED} - {pair.input for pair in self.signature.states}
        if missing:
            raise UnsupportedModelError(f"no cache-aware encoder: no input `{min(missing)}`")
        if unpaired:
            raise UnsupportedModelError(f"`{min(unpaired)}` has no output that feeds it")
        for name, rank in ((AUDIO, 3), (CHANNEL, 4), (TIME, 4)):
            if len(self.spec(name).shape or ()) != rank:
                raise UnsupportedModelError(
                    f"no cache-aware encoder: `{name}` is not of rank {rank}"
                )
        if len(self.signature.free_outputs) < 2:
            raise UnsupportedModelError("no cache-aware encoder: no encoded lengths")

    def spec(self, name: str) -> TensorSpec:
        """The declaration of an input."""
        return next(spec for spec in self.signature.inputs if spec.name == name)

    @property
    def cache_size(self) -> int:
        """Frames that the attention cache has room for, C."""
        return self._size(CHANNEL, CACHE_AXIS)

    @property
    def conv_size(self) -> int:
        """Frames in the convolution cache, K."""
        return self._size(TIME, CONV_AXIS)

    def _size(self, name: str, axis: int) -> int:
        spec = self.spec(name)
        size = (spec.shape or ())[axis]
        return size if isinstance(size, int) else self.sizes.get(spec.axis_name(axis), 0)

    def feeds(self, length: int, *, batch: int = 1, seed: int = 0) -> dict[str, Array]:
        """Random features of `length` frames, and caches as at the start of a stream."""
        sizes = {**self.sizes, self.spec(AUDIO).axis_name(2): length}
        for name in (AUDIO, LENGTH, CHANNEL, TIME, FILLED):
            sizes[self.spec(name).axis_name(self.batch_axis(name))] = batch
        return feeds(self.model, self.signature, sizes, seed=seed)

    def batch_axis(self, name: str) -> int:
        """The axis of an input that is the batch: of the first two, the one that is dynamic."""
        return min((axis for axis in self.spec(name).dynamic_axes if axis < 2), default=0)

    def run(self, given: Mapping[str, Array]) -> Step:
        """One call."""
        values = self.session.run(given)
        output = next(s for s in self.signature.free_outputs if s.shape and len(s.shape) == 3)
        lengths = next(s for s in self.signature.free_outputs if "int" in s.dtype)
        states = {pair.input: values[pair.output] for pair in self.signature.states}
        return Step(values[output.name], values[lengths.name], states)

    def step(self, features: Array, states: States, length: int | None = None) -> Step:
        """One call with features [1, D, T] of which `length` are valid, and states."""
        given = self.feeds(features.shape[-1])
        given[AUDIO] = features.astype(given[AUDIO].dtype)
        if length is not None:
            given[LENGTH] = np.full_like(given[LENGTH], length)
        return self.run({**given, **states})

    def fresh(self) -> States:
        """States as at the start of a stream."""
        given = self.feeds(1)
        return {pair.input: given[pair.input] for pair in self.signature.states}


def stream(
    features: Array, schedule: Schedule, later: CacheAwareEncoder, first: CacheAwareEncoder
) -> Iterator[Step]:
    """Run an utterance through in a closed loop: every state is fed back unchanged.

    Args:
        features: [1, D, T].
        schedule: Which frames each call sees.
        later: The encoder of every call but the first.
        first: Of the first; the same where one graph does both.
    """
    states = first.fresh()
    for call, window in enumerate(windows(features.shape[-1], schedule)):
        encoder = later if call else first
        step = encoder.step(window.of(features), states, window.length)
        states = step.states
        yield step


def joined(steps: Iterator[Step]) -> Array:
    """The valid frames [D, T] of all steps, one after the other."""
    return np.concatenate([step.frames for step in steps], axis=1)

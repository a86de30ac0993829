"""Cache-aware encoders (NeMo): run a step, and a whole utterance, feeding caches back unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import Dimension, Shape, TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.runtime.inputs import feeds
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.runtime.session import Session
from onnxtool.speech.axes import CACHE_AXIS, CONV_AXIS, FRAMES_AXIS, frames_axis, own_axis
from onnxtool.speech.schedule import Schedule, windows

Array = np.ndarray[Any, np.dtype[Any]]
States = Mapping[str, Array]

# Inputs, by the names that NeMo gives them and every export of it keeps.
AUDIO, LENGTH = "audio_signal", "length"
CHANNEL, TIME, FILLED = "cache_last_channel", "cache_last_time", "cache_last_channel_len"
# Feature frames of a window to see with which way its output lies.
WINDOW = 64


@dataclass(frozen=True, slots=True)
class Step:
    """What one call gave.

    Attributes:
        output: Encoder frames [B, D, T], however the graph gives them.
        lengths: How many of them are valid, for each utterance [B].
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
        return int(self.states[FILLED].flat[0])


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
        for spec in self.signature.inputs:
            if spec.shape is None:
                raise UnsupportedModelError(f"`{spec.name}` has no rank: nothing can be fed to it")
        for name, rank in ((AUDIO, 3), (CHANNEL, 4), (TIME, 4)):
            if len(self.spec(name).shape or ()) != rank:
                raise UnsupportedModelError(
                    f"no cache-aware encoder: `{name}` is not of rank {rank}"
                )
        if self.spec(AUDIO).dynamic_axes.keys() & {1, 2} == {1}:
            raise UnsupportedModelError(f"`{AUDIO}` has its time on axis 1, and not on axis 2")
        if not frame_outputs(self.signature) or not length_outputs(self.signature):
            raise UnsupportedModelError("no cache-aware encoder: no frames and their lengths")

    def spec(self, name: str) -> TensorSpec:
        """The declaration of an input."""
        return next(spec for spec in self.signature.inputs if spec.name == name)

    @cached_property
    def cache_axis(self) -> int:
        """The axis of the attention cache that its frames are on."""
        return own_axis(self._shape(CHANNEL), self._shape(TIME), CACHE_AXIS)

    @cached_property
    def conv_axis(self) -> int:
        """The axis of the convolution cache that its frames are on."""
        return own_axis(self._shape(TIME), self._shape(CHANNEL), CONV_AXIS)

    @property
    def cache_size(self) -> int:
        """Frames that the attention cache has room for, C."""
        return self._size(CHANNEL, self.cache_axis)

    @property
    def conv_size(self) -> int:
        """Frames in the convolution cache, K."""
        return self._size(TIME, self.conv_axis)

    @property
    def layers(self) -> int:
        """Layers, each with caches of its own; 1 where their number is not fixed."""
        others = {0, 1, 2, 3} - {self.cache_axis, self.batch_axis(CHANNEL)}
        size = self._shape(CHANNEL)[min(others)]
        return size if isinstance(size, int) else 1

    def _shape(self, name: str) -> Shape:
        return self.spec(name).shape or ()

    def _size(self, name: str, axis: int) -> int:
        size = self._shape(name)[axis]
        return size if isinstance(size, int) else self.sizes.get(self.spec(name).axis_name(axis), 0)

    def feeds(self, length: int, *, batch: int = 1, seed: int = 0) -> dict[str, Array]:
        """Random features of `length` frames, and caches as at the start of a stream."""
        sizes = {**self.sizes, self.spec(AUDIO).axis_name(2): length}
        for name in (AUDIO, LENGTH, CHANNEL, TIME, FILLED):
            if self._shape(name):
                sizes[self.spec(name).axis_name(self.batch_axis(name))] = batch
        given = feeds(self.model, self.signature, sizes, seed=seed)
        # Of a window of one fixed length, nothing else says that all of it is valid.
        return {**given, LENGTH: np.full_like(given[LENGTH], length)}

    def batch_axis(self, name: str) -> int:
        """The axis of an input that is the batch: of the first two, the one that is dynamic."""
        if name not in {CHANNEL, TIME}:
            return 0
        frames = self.cache_axis if name == CHANNEL else self.conv_axis
        dynamic = self.spec(name).dynamic_axes.keys() - {frames}
        return min((axis for axis in dynamic if axis < 2), default=0)

    def run(self, given: Mapping[str, Array]) -> Step:
        """One call."""
        values = self.session.run(given)
        output = np.moveaxis(self._output(values), self._frames_axis, FRAMES_AXIS)
        states = {pair.input: values[pair.output] for pair in self.signature.states}
        _require_rank(CHANNEL, states[CHANNEL], 4)
        _require_count(FILLED, states[FILLED])
        return Step(output, self._encoded(values), states)

    @cached_property
    def _frames_axis(self) -> int:
        spec = frame_outputs(self.signature)[0]
        axis = frames_axis(spec, (0, 0, 0), 0)
        if len(spec.dynamic_axes.keys() - {0}) == 1:
            return axis
        try:
            values = self.session.run(self.feeds(WINDOW))
        except RunRefusedError:
            return axis
        return frames_axis(spec, self._output(values).shape, int(self._encoded(values).max()))

    def _output(self, values: Mapping[str, Array]) -> Array:
        name = frame_outputs(self.signature)[0].name
        return _require_rank(name, values[name], 3)

    def _encoded(self, values: Mapping[str, Array]) -> Array:
        name = length_outputs(self.signature)[0].name
        return _require_count(name, values[name]).reshape(-1)

    def step(self, features: Array, states: States, length: int | None = None) -> Step:
        """One call with features [1, D, T] of which `length` are valid, and states."""
        given = self.feeds(features.shape[-1])
        given[AUDIO] = features.astype(given[AUDIO].dtype)
        if length is not None:
            given[LENGTH] = np.full_like(given[LENGTH], length)
        return self.run({**given, **states})

    def occupied(self, step: Step) -> Array:
        """Whether there is something in each place of the attention cache [C] that a step gave."""
        others = tuple(axis for axis in range(4) if axis != self.cache_axis)
        occupied: Array = (step.states[CHANNEL] != 0).any(axis=others)
        return occupied

    def fresh(self) -> States:
        """States as at the start of a stream."""
        given = self.feeds(1)
        return {pair.input: given[pair.input] for pair in self.signature.states}


def _require_rank(name: str, value: Array, rank: int) -> Array:
    if value.ndim != rank:
        raise RunRefusedError(f"`{name}` comes out with {value.ndim} axes, and not {rank}")
    return value


def _require_count(name: str, value: Array) -> Array:
    if not value.size:
        raise RunRefusedError(f"`{name}` comes out empty, and counts nothing")
    return value


def conv_context(signature: Signature) -> tuple[int, Dimension] | None:
    """The axis of the convolution cache that its frames are on, and its size; None without one."""
    shapes = {spec.name: spec.shape for spec in signature.inputs}
    channel, time = shapes.get(CHANNEL), shapes.get(TIME)
    if not channel or not time or len(time) <= CONV_AXIS:
        return None
    axis = own_axis(time, channel, CONV_AXIS)
    return axis, time[axis]


def frame_outputs(signature: Signature) -> Sequence[TensorSpec]:
    """Outputs that may be the encoder's frames."""
    outputs = [spec for spec in signature.free_outputs if "float" in spec.dtype]
    return [spec for spec in outputs if len(spec.shape or ()) == 3]


def length_outputs(signature: Signature) -> Sequence[TensorSpec]:
    """Outputs that may say how many of them there are."""
    return [spec for spec in signature.free_outputs if "int" in spec.dtype]


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

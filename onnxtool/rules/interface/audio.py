"""Runs of an encoder with audio of a length, in a batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.pairing import is_features
from onnxtool.model.state_names import LENGTH_NAME
from onnxtool.model.tensors import TensorSpec
from onnxtool.rules.answer import Skipped
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.inputs import feeds
from onnxtool.speech.axes import frames_axis

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a run gave.

    Attributes:
        features: What it was fed: [B, D, T] or [B, T, D].
        output: Encoder frames, likewise.
        lengths: How many of them are valid: [B].
        time_axis: Of `output`, 1 or 2.
    """

    features: Array
    output: Array
    lengths: Array
    time_axis: int

    def frames(self, utterance: int) -> Array:
        """The valid frames of an utterance, the time last."""
        value = np.moveaxis(self.output[utterance], self.time_axis - 1, -1)
        valid: Array = value[..., : int(self.lengths[utterance])]
        return valid


class Encoder:
    """A graph that takes features [B, D, T] or [B, T, D] and their lengths, and gives the same.

    Raises:
        Skipped: It does not.
        RunError: It cannot be loaded.
    """

    def __init__(self, graph: GraphSubject) -> None:
        self.graph = graph
        graph.session.open()
        signature = graph.signature
        audio = next((spec for spec in signature.free_inputs if is_features(spec, rank=3)), None)
        length = next((spec for spec in signature.free_inputs if _is_length(spec)), None)
        output = next((spec for spec in signature.free_outputs if is_features(spec, rank=3)), None)
        lengths = next((spec for spec in signature.free_outputs if "int" in spec.dtype), None)
        if not (audio and length and output and lengths):
            raise Skipped("it does not take audio and its length, and give the like")
        self.spec = audio
        self.audio, self.length, self.output, self.lengths = (
            spec.name for spec in (audio, length, output, lengths)
        )
        times = [axis for axis in audio.dynamic_axes if axis > 0]
        if not times:
            raise Skipped("its audio has a fixed length")
        self.time_axis = times[0]
        self.given = output

    def require_batch(self) -> None:
        """Raises `Skipped` where the batch is fixed."""
        if 0 not in self.spec.dynamic_axes:
            raise Skipped("its batch is fixed")

    def run(
        self,
        time: int,
        *,
        lengths: Sequence[int] = (),
        batch: int = 0,
        like: Encoded | None = None,
        padded: bool = True,
    ) -> Encoded:
        """Run it on seeded features.

        Args:
            time: Feature frames.
            lengths: Of each utterance; all of them, if there are none.
            batch: Number of utterances; as many as lengths, if it is 0.
            like: Take the beginning of the last utterance of this run as features.
            padded: Whether features past each length are zero.

        Raises:
            Skipped: It gives no frames [B, D, T] with lengths.
            RunError: It does not run so.
        """
        count = batch or max(1, len(lengths))
        given = self._feeds(time, count)
        features = given[self.audio]
        if like is not None:
            features = np.take(like.features[-1:], range(time), axis=self.time_axis)
        for utterance, length in enumerate(lengths if padded else ()):
            np.moveaxis(features[utterance], self.time_axis - 1, 0)[length:] = 0
        given[self.audio] = features
        given[self.length] = np.array(lengths or [time] * count, given[self.length].dtype)
        values = self.graph.session.run(given)
        output, encoded = values[self.output], values[self.lengths]
        if output.ndim != 3 or encoded.ndim != 1 or not encoded.size:
            shapes = f"{list(output.shape)} and lengths {list(encoded.shape)}"
            raise Skipped(f"it gives {shapes}, where [B, D, T] and [B] belong")
        axis = frames_axis(self.given, output.shape, int(encoded.max()))
        return Encoded(features, output, encoded, axis)

    def _feeds(self, time: int, batch: int) -> dict[str, Array]:
        spec, sizes = self.spec, {}
        for state in self.graph.signature.inputs:
            axis = min(state.dynamic_axes, default=None)
            if axis is not None and axis < 2:
                sizes[state.axis_name(axis)] = batch
        sizes.update(self.graph.runs.needed)
        sizes[spec.axis_name(self.time_axis)] = time
        try:
            given = feeds(self.graph.view, self.graph.signature, sizes)
        except UsageError as error:
            raise Skipped(str(error)) from None
        shape = given[self.audio].shape
        if (shape[0], shape[self.time_axis]) != (batch, time):
            raise Skipped(f"its batch and its time cannot be {batch} and {time}: other axes say so")
        return given


def _is_length(spec: TensorSpec) -> bool:
    return bool(re.fullmatch(LENGTH_NAME, spec.name)) and len(spec.shape or ()) == 1

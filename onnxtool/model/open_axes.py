"""The axes whose size a caller chooses, and what they may be of."""

from __future__ import annotations

import math

from onnxtool.model.pairing import is_batch_axis
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec


def open_axes(signature: Signature) -> tuple[str, ...]:
    """The axes that a caller chooses the size of, batches and states left out."""
    return tuple(
        dict.fromkeys(
            spec.axis_name(axis)
            for spec in signature.free_inputs
            for axis in spec.dynamic_axes
            if not is_batch_axis(spec, axis)
        )
    )


def waveform_axis(signature: Signature) -> str | None:
    """The axis of samples, of a graph that may take a waveform; None for others.

    A waveform, [B, T] or [B, 1, T], is all that is open, and nothing but a batch and a channel is
    beside it: Silero VAD, wav2vec 2.0, preprocessors.
    """
    axes = open_axes(signature)
    one = len(axes) == 1 and all(map(_may_be_a_waveform, signature.free_inputs))
    return axes[0] if one else None


def _may_be_a_waveform(spec: TensorSpec) -> bool:
    """Whether nothing but a batch and a channel is beside what is open of a value, if anything."""
    beside = math.prod(size for size in spec.shape or () if isinstance(size, int))
    return not set(spec.dynamic_axes) - {0} or ("float" in spec.dtype and beside == 1)

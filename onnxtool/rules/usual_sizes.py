"""The sizes of a first run, where the interface of a graph leaves them open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnxtool.model.pairing import is_batch_axis
from onnxtool.model.signature import Signature

# One value is too little for what subsamples or halves again and again: this is a second of
# features or a small image, and a large one.
ROOM = (64, 512)
# A second of samples, for what takes a waveform and nothing else that is open.
WAVEFORM = 16_000


def larger_sizes(signature: Signature) -> Iterator[Mapping[str, int]]:
    """By symbol, or by `input:axis`, what to try where the usual sizes are refused."""
    axes = open_axes(signature)
    for size in ROOM if axes else ():
        yield dict.fromkeys(axes, size)
    opened = [spec for spec in signature.free_inputs if set(spec.dynamic_axes) - {0}]
    if len(axes) == 1 and all("float" in s.dtype and len(s.shape or ()) < 4 for s in opened):
        yield dict.fromkeys(axes, WAVEFORM)


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

"""The sizes of a first run, where the interface of a graph leaves them open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from onnxtool.model.open_axes import open_axes, waveform_axis
from onnxtool.model.signature import Signature
from onnxtool.model.wiring import ACOUSTIC
from onnxtool.runtime.inputs import shape_at

# One value is too little for what subsamples or halves again and again: this is a second of
# features or a small image, and a large one.
ROOM = (64, 512)
# Frames of audio that examples are traced with: what bakes one in runs at no other size.
TRACED = (100, 1000, 41, 57)
# A second of samples, for what takes a waveform and nothing else that is open.
WAVEFORM = 16_000
# Of an input: one symbol may name several axes of it.
MOST_ELEMENTS = 1 << 22


def larger_sizes(signature: Signature) -> Iterator[Mapping[str, int]]:
    """By symbol, or by `input:axis`, what to try where the usual sizes are refused.

    Raises:
        UsageError: An input has no rank, or is no tensor.
    """
    axes = open_axes(signature)
    sizes_tried: tuple[int, ...] = ROOM if axes else ()
    if axes and signature.role in ACOUSTIC:
        sizes_tried = (*ROOM, *TRACED)
    if waveform_axis(signature):
        sizes_tried = (*ROOM, WAVEFORM)
    for size in sizes_tried:
        sizes = dict.fromkeys(axes, size)
        shapes = (shape_at(spec, signature, sizes) for spec in signature.inputs)
        if all(math.prod(shape) <= MOST_ELEMENTS for shape in shapes):
            yield sizes

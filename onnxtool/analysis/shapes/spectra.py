"""The shape of a short-time Fourier transform, which onnx's own inference gets wrong.

It takes a missing `onesided` for 0, where the specification and ONNX Runtime take it for 1.
Source: https://onnx.ai/onnx/operators/onnx__STFT.html
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from onnxtool.analysis.shapes.values import UNKNOWN, Value, tensor_type
from onnxtool.model.attributes import integer


def stft(node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Value:
    """[B, L, 1 or 2], a step, and a window or its length N give [B, frames, bins, 2].

    1. A frame begins every step, as long as N samples are left: 1 + (L - N) // step of them.
    2. Onesided, as by default, there are N // 2 + 1 bins, else N.
    """
    signal, step, window, length = (value or UNKNOWN for value in [*inputs, *[None] * 4][:4])
    shape = signal.shape
    if shape is None or len(shape) != 3:
        return UNKNOWN
    size = next(iter(window.shape or ()), None) or length.scalar or 0
    samples, hop = shape[1] or 0, step.scalar or 0
    frames = 1 + (samples - size) // hop if hop > 0 and 0 < size <= samples else None  # 1
    bins = size // 2 + 1 if integer(node, "onesided", 1) else size  # 2
    return Value(tensor_type(signal.elem_type, (shape[0], frames, bins if size > 0 else None, 2)))

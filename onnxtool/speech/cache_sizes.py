"""The sizes of an encoder's caches, where its interface leaves them open."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import onnx

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.attributes import integers
from onnxtool.model.stored_tensors import Storage
from onnxtool.model.view import ModelView
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.speech.cache_aware import CHANNEL, TIME, WINDOW, CacheAwareEncoder

# Of cached frames: what NeMo sets where nothing limits the left context.
MAX_CACHE = 10_000
# Each fails within the first layer, if it fails.
MAX_ATTEMPTS = 500


def sized(encoder: CacheAwareEncoder) -> CacheAwareEncoder:
    """The encoder with sizes for its caches, where the graph leaves open what it needs.

    An export with dynamic caches still has their sizes in its masks and its convolutions: a size
    that is a constant of the graph is tried.

    Raises:
        UnsupportedModelError: No constant of the graph is one.
    """
    caches = [
        (encoder.spec(name).axis_name(axis), candidates)
        for name, axis, candidates in (
            (CHANNEL, encoder.cache_axis, _constants(encoder.model)),
            (TIME, encoder.conv_axis, _contexts(encoder.model)),
        )
        if axis in encoder.spec(name).dynamic_axes
    ]
    if not caches:
        return encoder
    names = [name for name, _ in caches]
    attempts = itertools.product(*(candidates for _, candidates in caches))
    for sizes in itertools.islice(attempts, MAX_ATTEMPTS):
        attempt = replace(encoder, sizes=dict(zip(names, sizes, strict=True)))
        if _runs(attempt):
            return attempt
    raise UnsupportedModelError("its caches have no fixed size, and no constant of the graph fits")


def _runs(encoder: CacheAwareEncoder) -> bool:
    try:
        encoder.run(encoder.feeds(WINDOW))
    except RunRefusedError:
        return False
    return True


def _constants(model: ModelView) -> list[int]:
    """Single integers that may be a number of cached frames, the largest first."""
    values = {
        abs(int(onnx.numpy_helper.to_array(tensor.proto).item()))
        for tensor in model.tensors
        if tensor.elements == 1 and tensor.dtype.name == "int64" and tensor.size_bytes == 8
        if tensor.storage is Storage.INLINE and not tensor.unreadable
    }
    return sorted((value for value in values if 1 < value <= MAX_CACHE), reverse=True)


def _contexts(model: ModelView) -> list[int]:
    """The context to the left of a convolution over time: all of its kernel's, or half."""
    return sorted({context for kernel in kernels(model) for context in (kernel - 1, kernel // 2)})


# The operators that convolve, and which of their inputs is the kernel.
_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}


def kernels(model: ModelView) -> Iterator[int]:
    """The sizes of a Conformer's convolutions over time: depthwise, along one axis, stride 1."""
    stored = _kernel_shapes(model)
    for scope in model.scopes:
        for node in scope.nodes:
            place = _CONVOLUTIONS.get(node.op_type, len(node.input))
            if place >= len(node.input):
                continue
            kernel = integers(node, "kernel_shape") or stored.get(node.input[place], ())
            strides = integers(node, "strides") or (1,)
            if len(kernel) == 1 and kernel[0] > 1 and strides == (1,):
                yield kernel[0]


def _kernel_shapes(model: ModelView) -> dict[str, tuple[int, ...]]:
    """Of weights [out, in, kernel ...], by the name of what holds them, dequantized or not."""
    shapes = {tensor.name: tensor.shape[2:] for tensor in model.tensors}
    for scope in model.scopes:
        for node in scope.nodes:
            if node.op_type == "DequantizeLinear" and node.input[0] in shapes:
                shapes[node.output[0]] = shapes[node.input[0]]
    return shapes

"""Inputs that a graph can run on: seeded, in the range of what each input means.

Random values alone are weak evidence, and for integers mostly out of range: token ids must be in
the vocabulary, lengths must not exceed the audio, caches start at zero, and the sample rate is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.attributes import integer
from onnxtool.model.families import LENGTH_NAME
from onnxtool.model.signature import Signature
from onnxtool.model.states import is_batch_symbol
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView, Scope
from onnxtool.model.wiring import JOINTS

Array = np.ndarray[Any, np.dtype[Any]]

# Sizes of axes that nobody named. A second of speech is 100 feature frames, and a chunk about half
# of that; images and the like have fixed sizes.
TIME, OTHER = 64, 1
# What inputs hold that mean something else than data.
_MEANINGS = {"sr": 16_000, "sample_rate": 16_000, "offset": 0, "use_cache_branch": 0}
# Operators that hand ids through unchanged.
_THROUGH = frozenset(
    {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)


def feeds(
    model: ModelView, signature: Signature, sizes: Mapping[str, int], *, seed: int = 0
) -> dict[str, Array]:
    """A value for each input.

    Args:
        model: The graph; what reads an integer input tells its range.
        signature: Its signature.
        sizes: By symbol, or by `input:axis`; batches that are not given are 1, states start
            empty, and the audio has `TIME` frames.
        seed: Of what is random.

    Raises:
        UsageError: An input has an element type, or a kind, that cannot be made up.
    """
    shapes = {spec.name: shape_at(spec, signature, sizes) for spec in signature.inputs}
    time = _time(signature, shapes)
    states = {pair.input for pair in signature.states}
    generator = np.random.default_rng(seed)
    return {
        spec.name: np.zeros(shapes[spec.name], _numpy(spec))
        if spec.name in states
        else _value(model, spec, shapes[spec.name], time, generator)
        for spec in signature.inputs
    }


def shape_at(spec: TensorSpec, signature: Signature, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of an input at these sizes.

    Raises:
        UsageError: It has no rank.
    """
    if spec.shape is None:
        raise UsageError(f"`{spec.name}` has no rank: no value can be made up for it")
    return tuple(
        size
        if isinstance(size, int)
        else sizes.get(spec.axis_name(axis), _usual(spec, axis, signature))
        for axis, size in enumerate(spec.shape)
    )


def _usual(spec: TensorSpec, axis: int, signature: Signature) -> int:
    symbol = (spec.shape or ())[axis]
    if is_batch_symbol(symbol) if isinstance(symbol, str) else axis == 0:
        return 1
    if any(pair.input == spec.name for pair in signature.states):
        return 0
    is_audio = "float" in spec.dtype and len(spec.shape or ()) == 3
    return TIME if is_audio and signature.role not in JOINTS else OTHER


def _time(signature: Signature, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """The length of the audio: the first dynamic axis of the features that is not the batch."""
    for spec in signature.free_inputs:
        if "float" not in spec.dtype or spec.shape is None or len(spec.shape) < 2:
            continue
        for axis, symbol in spec.dynamic_axes.items():
            if not is_batch_symbol(symbol) if symbol else axis > 0:
                return shapes[spec.name][axis]
    return None


def _value(
    model: ModelView,
    spec: TensorSpec,
    shape: tuple[int, ...],
    time: int | None,
    generator: np.random.Generator,
) -> Array:
    dtype = _numpy(spec)
    if spec.name in _MEANINGS:
        return np.full(shape, _MEANINGS[spec.name], dtype)
    if dtype.kind in "iu":
        if re.fullmatch(LENGTH_NAME, spec.name) and len(shape) < 2:
            # Of audio, its length; of tokens, that of the ids.
            return np.full(shape, 1 if time is None else time, dtype)
        limit = id_limit(model, spec.name) or 2
        return generator.integers(0, min(limit, np.iinfo(dtype).max), shape).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def id_limit(model: ModelView, name: str) -> int | None:
    """How many ids there are, judged by the table that an integer input looks up in; or None."""
    return _table_size(model.roots[0], name)


def _table_size(scope: Scope, name: str) -> int | None:
    """Follow a value to the first `Gather` that uses it as its index into a stored table."""
    tables = {tensor.name: tensor for tensor in scope.initializers}
    known = {name}
    for node in scope.nodes:
        if node.op_type == "Gather" and len(node.input) == 2 and node.input[1] in known:
            table = tables.get(node.input[0])
            if table is not None and table.dims:
                return int(table.dims[integer(node, "axis") % len(table.dims)])
        if node.op_type in _THROUGH and node.input[:1] and node.input[0] in known:
            known.update(node.output)
    return None


def _numpy(spec: TensorSpec) -> np.dtype[Any]:
    """The element type for NumPy.

    Raises:
        UsageError: It has none.
    """
    try:
        return np.dtype(getattr(ml_dtypes, spec.dtype, spec.dtype))
    except TypeError:
        raise UsageError(f"`{spec.name}` is a {spec.dtype}: no value can be made up") from None

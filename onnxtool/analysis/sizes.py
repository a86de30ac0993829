"""Give every axis of the inputs a size, from what the user said and what is assumed otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from onnxtool.analysis.shapes.values import MAX_ELEMENTS, Array, KnownShape
from onnxtool.errors import UsageError
from onnxtool.model.families import LENGTH_NAME
from onnxtool.model.signature import Signature
from onnxtool.model.states import is_batch_symbol
from onnxtool.model.tensors import TensorSpec

ASSUMED_SIZE = 1
# What `--at` can set besides axes, and the largest number there; any but 0 is true.
_LARGEST = {"int64": (1 << 63) - 1, "int32": (1 << 31) - 1, "bool": (1 << 63) - 1}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The inputs of a graph with nothing left open.

    Attributes:
        given: What the user said, by symbol, `input:axis` or name of an integer input.
        assumed: What was assumed for the rest, likewise.
        shapes: The shape of each input.
        contents: What inputs hold that shapes may depend on: lengths, counters, switches.
    """

    given: dict[str, int]
    assumed: dict[str, int]
    shapes: Mapping[str, KnownShape]
    contents: dict[str, Array]


def axis_names(signature: Signature) -> tuple[str, ...]:
    """Everything about the inputs that can be given a size, in order of appearance."""
    names = (spec.axis_name(axis) for spec in signature.inputs for axis in spec.dynamic_axes)
    return tuple(dict.fromkeys(names))


def settable(signature: Signature) -> tuple[str, ...]:
    """Everything that `resolve` takes: axes, and integer inputs of at most one axis."""
    inputs = (spec.name for spec in signature.inputs if _is_counter(spec))
    return tuple(dict.fromkeys((*axis_names(signature), *inputs)))


def resolve(signature: Signature, at: Mapping[str, int]) -> Sizes:
    """Give every dynamic axis a size: as in `at`, else 1.

    Lengths are as long as the audio is, and states as they are at the start of a stream: zero.

    Raises:
        UsageError: `at` has a size that no axis can have, or a number that no input can hold.
    """
    for name, size in at.items():
        if not 0 <= size <= _LARGEST["int64"]:
            raise UsageError(f"the size of `{name}` is {size}", hint="give a number from 0 up")
    names = axis_names(signature)
    assumed = {name: ASSUMED_SIZE for name in names if name not in at}
    known = {**assumed, **at}
    shapes = {
        spec.name: tuple(
            size if isinstance(size, int) else known[spec.axis_name(axis)]
            for axis, size in enumerate(spec.shape)
        )
        for spec in signature.inputs
        if spec.shape is not None
    }
    given = {name: at[name] for name in settable(signature) if name in at}
    contents, lengths = _contents(signature, shapes, at)
    return Sizes(given, {**assumed, **lengths}, shapes, contents)


def check_names(at: Mapping[str, int], settable_names: set[str]) -> None:
    """Refuse a size for something that no graph has.

    Raises:
        UsageError: With what there is.
    """
    for name in at:
        if name not in settable_names:
            known = ", ".join(sorted(settable_names)) or "nothing: all sizes are fixed"
            raise UsageError(f"no input has an axis called `{name}`", hint=f"there is {known}")


def _contents(
    signature: Signature, shapes: Mapping[str, KnownShape], at: Mapping[str, int]
) -> tuple[dict[str, Array], dict[str, int]]:
    """What integer inputs hold, and which of that was assumed from the length of the audio."""
    states = {pair.input for pair in signature.states}
    time = _time(signature, shapes)
    contents: dict[str, Array] = {}
    assumed: dict[str, int] = {}
    for spec in signature.inputs:
        if not _is_counter(spec):
            continue
        if spec.name in at:
            value = at[spec.name]
        elif spec.name in states:
            value = 0
        elif re.fullmatch(LENGTH_NAME, spec.name) and time is not None:
            value = assumed[spec.name] = time
        else:
            continue
        if value > _LARGEST[spec.dtype]:
            raise UsageError(
                f"`{spec.name}` would be {value:,}, too much for {spec.dtype}",
                hint="give a smaller size",
            )
        shape = tuple(max(size or 0, 0) for size in shapes[spec.name])
        if math.prod(shape) <= MAX_ELEMENTS:
            contents[spec.name] = np.full(shape, value, dtype=spec.dtype)
    return contents, assumed


def _is_counter(spec: TensorSpec) -> bool:
    """An integer or a switch per utterance, or one for all."""
    return spec.dtype in _LARGEST and spec.shape is not None and len(spec.shape) < 2


def _time(signature: Signature, shapes: Mapping[str, KnownShape]) -> int | None:
    """The length of the audio: the first dynamic axis of the features that is not the batch."""
    for spec in signature.free_inputs:
        if "float" not in spec.dtype or spec.shape is None or len(spec.shape) < 2:
            continue
        for axis, size in spec.dynamic_axes.items():
            if not is_batch_symbol(size) if size else axis > 0:
                return shapes[spec.name][axis]
    return None

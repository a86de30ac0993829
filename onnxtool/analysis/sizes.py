"""Give every axis of the inputs a size, from what the user said and what is assumed otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from onnxtool.analysis.expressions import evaluate, symbols
from onnxtool.analysis.shapes.values import MAX_ELEMENTS, Array, KnownShape
from onnxtool.errors import UsageError
from onnxtool.model.pairing import time_axis
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import LENGTH_NAME
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
    """Everything about the axes of inputs that can be given a size, in order of appearance."""
    names = (name for dimension in _axes(signature).values() for name in symbols(dimension))
    return tuple(dict.fromkeys(names))


def settable(signature: Signature) -> tuple[str, ...]:
    """Everything that `resolve` takes: axes, and integer inputs of at most one axis.

    Besides, an axis that has a symbol may be named `input:axis`.
    """
    inputs = (spec.name for spec in signature.inputs if _is_counter(spec))
    return tuple(dict.fromkeys((*axis_names(signature), *inputs)))


def resolve(signature: Signature, at: Mapping[str, int]) -> Sizes:
    """Give every dynamic axis a size: as in `at`, else 1.

    Lengths are as long as the audio is, and states as they are at the start of a stream: zero.

    Raises:
        UsageError: `at` has a size that no axis can have, or two for one symbol, or a number that
            no input can hold.
    """
    for name, size in at.items():
        if not 0 <= size <= _LARGEST["int64"]:
            raise UsageError(f"the size of `{name}` is {size}", hint="give a number from 0 up")
    at = _by_symbol(signature, at)
    _refuse_empty(signature, at)
    names = axis_names(signature)
    assumed = {name: ASSUMED_SIZE for name in names if name not in at}
    known = {**assumed, **at}
    shapes = {
        spec.name: tuple(
            size if isinstance(size, int) else _size(spec.axis_name(axis), known)
            for axis, size in enumerate(spec.shape)
        )
        for spec in signature.inputs
        if spec.shape is not None
    }
    given = {name: at[name] for name in settable(signature) if name in at}
    contents, lengths = _contents(signature, shapes, at)
    return Sizes(given, {**assumed, **lengths}, shapes, contents)


def check_names(at: Mapping[str, int], signatures: Iterable[Signature]) -> None:
    """Refuse a size for something that no graph has.

    Raises:
        UsageError: With what there is.
    """
    signatures = tuple(signatures)
    names = {name for known in signatures for name in settable(known)}
    axes = {place: name for known in signatures for place, name in _axes(known).items()}
    for name in at:
        if name in names:
            continue
        if name not in axes:
            known = ", ".join(sorted(names)) or "nothing: all sizes are fixed"
            raise UsageError(f"no input has an axis called `{name}`", hint=f"there is {known}")
        if axes[name] not in names:
            bases = " and ".join(f"`{base}`" for base in symbols(axes[name]))
            raise UsageError(f"`{name}` is {axes[name]}", hint=f"give the size of {bases}")


def _axes(signature: Signature) -> dict[str, str]:
    """Every dynamic axis of the inputs as `input:axis`, and its symbol or expression or itself."""
    return {
        f"{spec.name}:{axis}": spec.axis_name(axis)
        for spec in signature.inputs
        for axis in spec.dynamic_axes
    }


def _by_symbol(signature: Signature, at: Mapping[str, int]) -> dict[str, int]:
    """The sizes in `at` under the names of symbols, where they stand under `input:axis`."""
    axes = _axes(signature)
    names = settable(signature)
    found: dict[str, int] = {}
    for given, size in at.items():
        name = given if given in names else axes.get(given, given)
        if found.setdefault(name, size) != size:
            raise UsageError(
                f"`{name}` would be {found[name]} and {size}",
                hint="give one size: INPUT:AXIS is another name of the symbol there",
            )
    return found


def _refuse_empty(signature: Signature, at: Mapping[str, int]) -> None:
    """Refuse an empty axis of what is no state: a stream starts without a past, not without audio.

    Raises:
        UsageError: With the axis.
    """
    states = {pair.input for pair in signature.states}
    for place, name in _axes(signature).items():
        if at.get(name) == 0 and place.rpartition(":")[0] not in states:
            raise UsageError(
                f"`{name}` is 0, and `{place}` would be empty",
                hint="give a number from 1 up: only a state may be empty",
            )


def _size(dimension: str, known: Mapping[str, int]) -> int:
    """The size of an axis.

    Raises:
        UsageError: It would be negative, or no whole number.
    """
    size = evaluate(dimension, known)
    if size is not None and size.denominator == 1 and 0 <= size <= _LARGEST["int64"]:
        return int(size)
    bases = ", ".join(f"{name}={known[name]}" for name in symbols(dimension))
    result = "no number" if size is None else str(size)
    raise UsageError(f"{dimension} is {result} at {bases}", hint="give another size with --at")


def _contents(
    signature: Signature, shapes: Mapping[str, KnownShape], at: Mapping[str, int]
) -> tuple[dict[str, Array], dict[str, int]]:
    """What integer inputs hold, and which of that was assumed from the length of the audio."""
    states = {pair.input for pair in signature.states}
    features = time_axis(signature.free_inputs)
    time = shapes[features[0].name][features[1]] if features else None
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

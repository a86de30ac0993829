"""State (cache) pairs: which output is fed to which input in the next call."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from onnxtool.model.dtypes import DTYPES
from onnxtool.model.families import Family
from onnxtool.model.pairing import Pair, by_name, by_shape, is_batch_axis, plausible
from onnxtool.model.state_names import HOST_HELD, STATE_NAMES
from onnxtool.model.tensors import Shape, TensorSpec, count_elements


class StateKind(enum.StrEnum):
    """What happens to a state from one call to the next.

    FIXED: the output has the input's shape and can be fed back as it is.
    GROWING: one axis gets longer with every call, or is empty in this one, the first of a stream.
    MISMATCHED: the output cannot be fed back: another dtype, rank or size.
    """

    FIXED = "fixed"
    GROWING = "growing"
    MISMATCHED = "mismatched"


@dataclass(frozen=True, slots=True)
class StatePair:
    """An input and the output that feeds it in the next call.

    Attributes:
        input: Name of the input; its spec says dtype and shape.
        output: Name of the output.
        kind: Whether it can be fed back as it is.
        dtype: Element type of the input.
        shape: Shape of the input.
        zero_bytes: Size of the state that starts a stream, at batch 1, a growing axis empty.
            None where an axis has neither a size nor a meaning.
        found_by: `family` (its table), `name` (a common naming rule) or `shape`.
        problem: Why it is mismatched; else empty.
        note: What a stream that is fed it must know; else empty.
    """

    input: str
    output: str
    kind: StateKind
    dtype: str
    shape: Shape | None
    zero_bytes: int | None
    found_by: str
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class HostInput:
    """An input that carries state, but that no output gives back."""

    input: str
    meaning: str


def pair_states(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], family: Family | None
) -> tuple[StatePair, ...]:
    """Pair state inputs with outputs, in order of input.

    1. by the family's own rules, where the graph belongs to a known family;
    2. by the naming rules that exporters share, among values that may be states;
    3. by dtype, rank and sizes, in order, where an exporter made up both names.

    A graph takes and gives something besides its states, so pairs of 2 and 3 that would leave
    nothing else are none: an image in and an image out.
    """
    grows = family is not None and family.grows
    pairs: dict[str, StatePair] = {}
    left = {spec.name: spec for spec in outputs}

    def claim(found: Iterable[Pair], found_by: str) -> None:
        for source, target in found:
            pairs[source.name] = _judge(source, target, found_by, grows=grows)
            del left[target.name]

    def claim_some(found: Sequence[Pair], found_by: str) -> None:
        if len(pairs) + len(found) < len(inputs) and len(found) < len(left):
            claim(found, found_by)

    claim(by_name(inputs, left, family.states if family else ()), "family")  # 1
    named = by_name(_unpaired(inputs, pairs), left, STATE_NAMES)
    claim_some(plausible(named, inputs), "name")  # 2
    claim_some(by_shape(_unpaired(inputs, pairs), left.values()), "shape")  # 3
    return _with_notes([pairs[source.name] for source in inputs if source.name in pairs])


def host_inputs(
    inputs: Iterable[TensorSpec], states: Iterable[StatePair], family: Family | None = None
) -> tuple[HostInput, ...]:
    """The inputs whose state the host must hold."""
    paired = {pair.input for pair in states}
    return tuple(
        HostInput(spec.name, meaning)
        for spec in inputs
        if spec.name not in paired and (meaning := _held(spec.name, family))
    )


def _held(name: str, family: Family | None) -> str | None:
    for pattern, meaning in family.host if family else ():
        if re.fullmatch(pattern, name):
            return meaning
    return HOST_HELD.get(name)


def _unpaired(inputs: Iterable[TensorSpec], pairs: Mapping[str, StatePair]) -> Iterator[TensorSpec]:
    return (spec for spec in inputs if spec.name not in pairs)


def _judge(source: TensorSpec, target: TensorSpec, found_by: str, *, grows: bool) -> StatePair:
    problem = _contradiction(source, target)
    growing = _growing_axes(source, target, grows=grows)
    kind = StateKind.GROWING if growing else StateKind.FIXED
    if problem:
        kind = StateKind.MISMATCHED
    size = _zero_bytes(source, growing)
    return StatePair(
        source.name, target.name, kind, source.dtype, source.shape, size, found_by, problem
    )


def _with_notes(pairs: Sequence[StatePair]) -> tuple[StatePair, ...]:
    """Mark the states that limit what others would take.

    NeMo's predictor declares the batch of one LSTM state as dynamic and that of the other as 1.
    """
    return tuple(
        replace(pair, note="batch 1 only")
        if any(_is_other_of_batch_1(pair, other) for other in pairs)
        else pair
        for pair in pairs
    )


def _is_other_of_batch_1(pair: StatePair, other: StatePair) -> bool:
    """Whether two states differ in one axis alone: 1 in the first, and dynamic in the other."""
    if pair.shape is None or other.shape is None or len(pair.shape) != len(other.shape):
        return False
    different = [(a, b) for a, b in zip(pair.shape, other.shape, strict=True) if a != b]
    return len(different) == 1 and different[0][0] == 1 and not isinstance(different[0][1], int)


def _contradiction(source: TensorSpec, target: TensorSpec) -> str:
    """Why the output can never be fed back; unknown sizes are no contradiction."""
    if source.dtype != target.dtype:
        return f"{source.dtype} in, {target.dtype} out"
    if source.shape is None or target.shape is None:
        return ""
    if len(source.shape) != len(target.shape):
        return f"{len(source.shape)} axes in, {len(target.shape)} out"
    for axis, (size_in, size_out) in enumerate(zip(source.shape, target.shape, strict=True)):
        fixed = isinstance(size_in, int) and isinstance(size_out, int)
        # The graph of a first chunk takes an empty state, and gives the first that is none.
        if fixed and size_in not in {0, size_out}:
            return f"axis {axis}: {size_in} in, {size_out} out"
    return ""


def _growing_axes(source: TensorSpec, target: TensorSpec, *, grows: bool) -> frozenset[int]:
    """Axes whose symbol changes on the way through; of a family that grows, unknown ones too."""
    if source.shape is None or target.shape is None or len(source.shape) != len(target.shape):
        return frozenset()
    axes = list(enumerate(zip(source.shape, target.shape, strict=True)))
    renamed = {i for i, (a, b) in axes if isinstance(a, str) and isinstance(b, str) and a != b}
    # A state of no length at the start, and of some length later.
    renamed |= {i for i, (a, b) in axes if a == 0 and b != 0}
    if renamed or not grows:
        return frozenset(renamed)
    unknown = {i for i, (a, b) in axes if not isinstance(a, int) and None in {a, b}}
    return frozenset(i for i in unknown if not is_batch_axis(source, i))


def _zero_bytes(spec: TensorSpec, growing: frozenset[int]) -> int | None:
    bits = next((known.bits for known in DTYPES.values() if known.name == spec.dtype), None)
    if bits is None or spec.shape is None:
        return None
    sizes: list[int] = []
    for axis, dimension in enumerate(spec.shape):
        if isinstance(dimension, int):
            sizes.append(dimension)
        elif axis in growing:
            sizes.append(0)
        elif is_batch_axis(spec, axis):
            sizes.append(1)
        else:
            return None
    return count_elements(sizes) * bits // 8

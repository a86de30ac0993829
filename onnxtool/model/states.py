"""State (cache) pairs: which output is fed to which input in the next call."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onnxtool.model.families import (
    GENERATED_NAME,
    HOST_HELD,
    LENGTH_NAME,
    STATE_NAMES,
    Family,
)
from onnxtool.model.tensors import DTYPES, Shape, TensorSpec, count_elements

# More values without names than this are no states, and would take long to compare.
MAX_UNNAMED = 1000


class StateKind(enum.StrEnum):
    """What happens to a state from one call to the next.

    FIXED: the output has the input's shape and can be fed back as it is.
    GROWING: one axis gets longer with every call.
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
    """

    input: str
    output: str
    kind: StateKind
    dtype: str
    shape: Shape | None
    zero_bytes: int | None
    found_by: str
    problem: str = ""


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
    2. by the naming rules that exporters share, among values of the same rank;
    3. by dtype, rank and sizes, in order, where an exporter made up both names.
    """
    grows = family is not None and family.grows
    pairs: dict[str, StatePair] = {}
    left = {spec.name: spec for spec in outputs}

    def claim(source: TensorSpec, target: TensorSpec, found_by: str) -> None:
        pairs[source.name] = _judge(source, target, found_by, grows=grows)
        del left[target.name]

    for source in inputs:  # 1
        rules = family.states if family else ()
        if target := _named(source, rules, left):
            claim(source, target, "family")
    for source in inputs:  # 2
        if source.name in pairs or re.fullmatch(LENGTH_NAME, source.name):
            continue
        target = _named(source, STATE_NAMES, left)
        if target and _rank(source) == _rank(target):
            claim(source, target, "name")
    alike = _by_shape([s for s in inputs if s.name not in pairs], left.values())  # 3
    # A graph takes and gives something besides its states; an image in and an image out are none.
    if len(pairs) + len(alike) < len(inputs) and len(alike) < len(left):
        for source, target in alike:
            claim(source, target, "shape")
    return tuple(pairs[source.name] for source in inputs if source.name in pairs)


def host_inputs(inputs: Iterable[TensorSpec], states: Iterable[StatePair]) -> tuple[HostInput, ...]:
    """The inputs whose state the host must hold."""
    paired = {pair.input for pair in states}
    return tuple(
        HostInput(spec.name, HOST_HELD[spec.name])
        for spec in inputs
        if spec.name in HOST_HELD and spec.name not in paired
    )


def _named(
    source: TensorSpec, rules: Iterable[tuple[str, str]], outputs: dict[str, TensorSpec]
) -> TensorSpec | None:
    for pattern, template in rules:
        match = re.fullmatch(pattern, source.name)
        # An identical name is no state: an input cannot be an output, save by mistake.
        if match and (name := match.expand(template)) in outputs and name != source.name:
            return outputs[name]
    return None


def _rank(spec: TensorSpec) -> int | None:
    return None if spec.shape is None else len(spec.shape)


def _by_shape(
    inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]
) -> list[tuple[TensorSpec, TensorSpec]]:
    """Pairs of values whose names an exporter made up, in order."""
    sources, targets = (
        [spec for spec in specs if re.fullmatch(GENERATED_NAME, spec.name)]
        for specs in (inputs, outputs)
    )
    if max(len(sources), len(targets)) > MAX_UNNAMED:
        return []
    found: list[tuple[TensorSpec, TensorSpec]] = []
    for source in sources:
        if target := next((target for target in targets if _alike(source, target)), None):
            targets.remove(target)
            found.append((source, target))
    return found


def _alike(source: TensorSpec, target: TensorSpec) -> bool:
    """Same dtype and rank, at least a matrix, and no size that contradicts another.

    A static batch of 1 may meet a dynamic one: NeMo's predictor has that.
    """
    if source.dtype != target.dtype:
        return False
    if source.shape is None or target.shape is None or len(source.shape) != len(target.shape):
        return False
    static = [
        (a, b)
        for a, b in zip(source.shape, target.shape, strict=True)
        if isinstance(a, int) and isinstance(b, int)
    ]
    return len(source.shape) >= 2 and bool(static) and all(a == b for a, b in static)


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


def _contradiction(source: TensorSpec, target: TensorSpec) -> str:
    """Why the output can never be fed back; unknown sizes are no contradiction."""
    if source.dtype != target.dtype:
        return f"{source.dtype} in, {target.dtype} out"
    if source.shape is None or target.shape is None:
        return ""
    if len(source.shape) != len(target.shape):
        return f"{len(source.shape)} axes in, {len(target.shape)} out"
    for axis, (size_in, size_out) in enumerate(zip(source.shape, target.shape, strict=True)):
        if isinstance(size_in, int) and isinstance(size_out, int) and size_in != size_out:
            return f"axis {axis}: {size_in} in, {size_out} out"
    return ""


def _growing_axes(source: TensorSpec, target: TensorSpec, *, grows: bool) -> frozenset[int]:
    """Axes whose symbol changes on the way through; of a family that grows, unknown ones too."""
    if source.shape is None or target.shape is None or len(source.shape) != len(target.shape):
        return frozenset()
    axes = list(enumerate(zip(source.shape, target.shape, strict=True)))
    renamed = {i for i, (a, b) in axes if isinstance(a, str) and isinstance(b, str) and a != b}
    # A state of no length at the start, and of some length later.
    renamed |= {i for i, (a, b) in axes if a == 0 and not isinstance(b, int)}
    if renamed or not grows:
        return frozenset(renamed)
    unknown = {i for i, (a, b) in axes if not isinstance(a, int) and None in {a, b}}
    return frozenset(i for i in unknown if not _is_batch(source, i))


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
        elif _is_batch(spec, axis):
            sizes.append(1)
        else:
            return None
    return count_elements(sizes) * bits // 8


BATCH_NAMES = frozenset({"batch", "batch_size", "bs", "n", "b"})


def is_batch_symbol(symbol: str) -> bool:
    """Whether a symbol names the batch axis."""
    return symbol.lower() in BATCH_NAMES or "batch" in symbol.lower()


def _is_batch(spec: TensorSpec, axis: int) -> bool:
    dimension = (spec.shape or ())[axis]
    if isinstance(dimension, str):
        return is_batch_symbol(dimension)
    # An axis without a real name: the first is the batch in every family but LSTM states.
    return axis == 0

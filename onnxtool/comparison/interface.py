"""How two interfaces differ: inputs, outputs, dynamic axes, states.

A caller is served as long as inputs accept no less than before and outputs promise no less:

    what changes                                  input        output
    is gone, or has another name                  breaking     breaking
    is new                                        breaking     cosmetic
    stands in another place (some feed by place)  breaking     breaking
    another element type or number of axes        breaking     breaking
    an axis: another fixed size                   breaking     breaking
    an axis: dynamic, now fixed                   breaking     behavioral
    an axis: nothing known, now fixed             breaking     cosmetic
    an axis: fixed, now dynamic                   cosmetic     breaking
    a symbol: another name on all its axes        cosmetic     cosmetic
    a symbol: its axes no longer share one        behavioral   behavioral
    a state: fed by another output, or unfit      breaking
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.profile import Profile
from onnxtool.model.states import StateKind, StatePair
from onnxtool.model.tensors import Dimension, Shape, TensorSpec, shape_text

BREAKING, BEHAVIORAL, COSMETIC = Impact.BREAKING, Impact.BEHAVIORAL, Impact.COSMETIC
_KINDS = {
    "input": (Kind.INPUT_ADDED, Kind.INPUT_REMOVED, Kind.INPUT_RENAMED),
    "output": (Kind.OUTPUT_ADDED, Kind.OUTPUT_REMOVED, Kind.OUTPUT_RENAMED),
}


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which values of two interfaces correspond.

    Attributes:
        pairs: By name; then, of what is left, by element type and shape, in order.
        lost: Values of the first side without a partner.
        gained: Values of the second side without a partner.
    """

    pairs: tuple[tuple[TensorSpec, TensorSpec], ...]
    lost: tuple[TensorSpec, ...]
    gained: tuple[TensorSpec, ...]


def pair_values(before: Sequence[TensorSpec], after: Sequence[TensorSpec]) -> Pairing:
    """Pair the inputs, or the outputs, of two graphs."""
    left = {spec.name: spec for spec in after}
    found = {spec.name: left.pop(spec.name) for spec in before if spec.name in left}
    lost: list[TensorSpec] = []
    for spec in before:
        if spec.name in found:
            continue
        twin = next((other for other in left.values() if _alike(spec, other)), None)
        if twin is None:
            lost.append(spec)
        else:
            found[spec.name] = left.pop(twin.name)
    pairs = tuple((spec, found[spec.name]) for spec in before if spec.name in found)
    return Pairing(pairs, tuple(lost), tuple(left.values()))


def _alike(one: TensorSpec, other: TensorSpec) -> bool:
    """Whether one may be the other under a new name: the same type and the same fixed sizes."""
    if one.dtype != other.dtype or one.shape is None or other.shape is None:
        return False
    return _fixed(one.shape) == _fixed(other.shape)


def _fixed(shape: Shape) -> list[int | None]:
    return [size if isinstance(size, int) else None for size in shape]


def interface_differences(before: Profile, after: Profile) -> Iterator[Difference]:
    """How what a graph takes and gives differs from what another does."""
    inputs = pair_values(before.inputs, after.inputs)
    outputs = pair_values(before.outputs, after.outputs)
    yield from _values("input", inputs, before.inputs, after.inputs)
    yield from _values("output", outputs, before.outputs, after.outputs)
    yield from _symbols((*inputs.pairs, *outputs.pairs))
    yield from _states(before, after, inputs, outputs)


def _values(
    way: str, paired: Pairing, before: Sequence[TensorSpec], after: Sequence[TensorSpec]
) -> Iterator[Difference]:
    added, removed, renamed = _KINDS[way]
    for spec in paired.lost:
        yield Difference(removed, BREAKING, spec.name, told(spec), None, f"{way} removed")
    for spec in paired.gained:
        impact = BREAKING if way == "input" else COSMETIC
        yield Difference(added, impact, spec.name, None, told(spec), f"{way} added")
    for one, other in paired.pairs:
        if one.name != other.name:
            yield Difference(renamed, BREAKING, one.name, one.name, other.name, f"{way} renamed")
        yield from value_differences(way, one, other, where=one.name)
    if _moved(paired, before, after):
        yield Difference(
            Kind.VALUE_ORDER,
            BREAKING,
            f"{way}s",
            ", ".join(spec.name for spec in before),
            ", ".join(spec.name for spec in after),
            "another order: some runtimes feed and read by place",
        )


def _moved(paired: Pairing, before: Sequence[TensorSpec], after: Sequence[TensorSpec]) -> bool:
    """Whether partners stand in other places; where values are gone, in another order."""
    old = {spec.name: place for place, spec in enumerate(before)}
    new = {spec.name: place for place, spec in enumerate(after)}
    places = [(old[one.name], new[other.name]) for one, other in paired.pairs]
    if paired.lost:
        return [place for _, place in places] != sorted(place for _, place in places)
    return any(one != other for one, other in places)


def value_differences(
    way: str, one: TensorSpec, other: TensorSpec, *, where: str
) -> Iterator[Difference]:
    """How the declared types of two inputs, or of two outputs, differ."""
    if one.dtype != other.dtype:
        yield Difference(
            Kind.DTYPE, BREAKING, where, one.dtype, other.dtype, f"{way} of another element type"
        )
    if one.shape is None or other.shape is None or len(one.shape) != len(other.shape):
        if one.shape != other.shape:
            # Nothing was known of what is given, or nothing is asked of what is taken any more.
            unknown = one.shape if way == "output" else other.shape
            impact = COSMETIC if unknown is None else BREAKING
            shapes = told(one), told(other)
            yield Difference(Kind.RANK, impact, where, *shapes, f"{way} of another rank")
        return
    for axis, (size, new_size) in enumerate(zip(one.shape, other.shape, strict=True)):
        verdict = _axis(way, size, new_size)
        if verdict:
            impact, message = verdict
            place = f"{where}:{axis}"
            yield Difference(Kind.AXIS, impact, place, _size(size), _size(new_size), message)


def _axis(way: str, before: Dimension, after: Dimension) -> tuple[Impact, str] | None:
    """What becomes of an axis; symbols are compared across the interface."""
    match before, after:
        case int(), int() if before != after:
            return BREAKING, f"another size of the {way}"
        case int(), str() | None:
            impact = COSMETIC if way == "input" else BREAKING
            return impact, f"the {way} is no longer of a fixed size"
        case str() | None, int():
            if way == "input":
                return BREAKING, "the input takes one size only"
            impact = COSMETIC if before is None else BEHAVIORAL
            return impact, "the output is declared with one size only"
        case (None, str()) | (str(), None):
            return COSMETIC, "a dynamic axis got or lost its name"
        case _:
            return None


def _symbols(pairs: Sequence[tuple[TensorSpec, TensorSpec]]) -> Iterator[Difference]:
    """Symbols of axes that are dynamic on both sides: renamed, divided, or put together."""
    renamed: defaultdict[str, dict[str, None]] = defaultdict(dict)
    origins: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for one, other in pairs:
        for size, new_size in zip(one.shape or (), other.shape or (), strict=False):
            if isinstance(size, str) and isinstance(new_size, str):
                renamed[size][new_size] = None
                origins[new_size][size] = None
    for symbol, names in renamed.items():
        joined = [name for name in names if len(origins[name]) > 1 and name != symbol]
        if len(names) > 1:
            impact, message = BEHAVIORAL, "axes of one symbol now have several"
        elif joined:
            impact, message = BEHAVIORAL, "axes of several symbols now share one"
        elif symbol not in names:
            impact, message = COSMETIC, "symbol renamed"
        else:
            continue
        yield Difference(Kind.SYMBOL, impact, symbol, symbol, ", ".join(names), message)


def _states(
    before: Profile, after: Profile, inputs: Pairing, outputs: Pairing
) -> Iterator[Difference]:
    """States whose input and output are still there, but that are not fed back as they were."""
    new_input = {one.name: other.name for one, other in inputs.pairs}
    new_output = {one.name: other.name for one, other in outputs.pairs}
    now = {pair.input: pair for pair in after.states}
    for pair in before.states:
        if pair.input not in new_input or pair.output not in new_output:
            continue  # Told already, as a value that is gone.
        other = now.get(new_input[pair.input])
        if other is None or other.output != new_output[pair.output]:
            fed = None if other is None else other.output
            message = "the state is not fed by this output any more"
            yield Difference(Kind.STATE, BREAKING, pair.input, pair.output, fed, message)
        elif pair.kind != other.kind:
            broken = other.kind is StateKind.MISMATCHED
            yield Difference(
                Kind.STATE,
                BREAKING if broken or other.kind is StateKind.GROWING else BEHAVIORAL,
                pair.input,
                _kind(pair),
                _kind(other),
                "the state cannot be fed back" if broken else "the state behaves otherwise",
            )


def _kind(pair: StatePair) -> str:
    return f"{pair.kind.value}: {pair.problem}" if pair.problem else pair.kind.value


def told(spec: TensorSpec) -> str:
    """An input or output in words: `float32 [batch, 80, time]`."""
    return f"{spec.dtype} {shape_text(spec.shape)}"


def _size(size: Dimension) -> str:
    return "?" if size is None else str(size)

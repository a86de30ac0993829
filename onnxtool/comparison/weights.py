"""How the weights of two models differ: by content, and by distance where the content differs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.identity import Content, WeightKey
from onnxtool.comparison.payload import Array, Payloads, is_real
from onnxtool.model.stored_tensors import StoredTensor
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Distance:
    """How far the values of two tensors of one shape are apart.

    Attributes:
        max_abs: The largest |b - a| among values that are finite on both sides.
        relative_frobenius: ‖b - a‖ / ‖a‖; None where a is zero.
        cosine: a·b / (‖a‖ ‖b‖); None where one of them is zero.
        non_finite: Places where one side is NaN or infinite and the other is not the same.
    """

    max_abs: float
    relative_frobenius: float | None
    cosine: float | None
    non_finite: int


@dataclass(frozen=True, slots=True)
class WeightChange:
    """A weight that is not the same on both sides.

    Attributes:
        before: Its name in the first model.
        after: Its name in the second one.
        types: Element type and shape on each side, as `float32 [96, 96]`.
        distance: None where the shapes differ, or the elements are no real numbers.
    """

    before: str
    after: str
    types: tuple[str, str]
    distance: Distance | None


@dataclass(frozen=True, slots=True)
class WeightComparison:
    """What became of the weights.

    Attributes:
        pairs: How many correspond.
        identical: How many of them have the same type, shape and bytes; None if not compared.
        renamed: (before, after) of those that have another name.
        changes: Those that differ.
        removed: Names of those of the first model without a partner.
        added: Names of those of the second model without a partner.
    """

    pairs: int
    identical: int | None
    renamed: tuple[tuple[str, str], ...]
    changes: tuple[WeightChange, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]


# A model and what it stores.
Stored = tuple[ModelView, Content]


def compare_weights(
    before: Stored,
    after: Stored,
    paired: Mapping[WeightKey, WeightKey],
    *,
    values: bool = True,
    progress: Progress = SILENT,
) -> WeightComparison:
    """Compare the weights of two models, tensor by tensor, piece by piece.

    Args:
        before: The first model.
        after: The second one.
        paired: Weights that corresponding nodes read.
        values: Whether to read them; else, types and shapes alone are compared.
        progress: Told about the bytes read.

    Raises:
        ModelLoadError: The bytes of a weight are not there.
    """
    old, new = _flat(before[1]), _flat(after[1])
    payloads = Payloads(before[0]), Payloads(after[0])
    pairs = dict(paired)
    _pair_by_name(old, new, pairs)
    if values:
        _pair_by_content(old, new, pairs, payloads)
    changes: list[WeightChange] = []
    progress.start("Comparing weights", sum(old[key].size_bytes for key in pairs))
    try:
        for key, other in pairs.items():
            change = _change(key, other, (old[key], new[other]), payloads, values=values)
            changes.extend(change)
            progress.advance(old[key].size_bytes)
    finally:
        progress.finish()
    taken = set(pairs.values())
    return WeightComparison(
        pairs=len(pairs),
        identical=len(pairs) - len(changes) if values else None,
        renamed=tuple((_name(a), _name(b)) for a, b in pairs.items() if a[1] != b[1]),
        changes=tuple(changes),
        removed=tuple(_name(key) for key in old if key not in pairs),
        added=tuple(_name(key) for key in new if key not in taken),
    )


def _flat(stored: Content) -> dict[WeightKey, StoredTensor]:
    return {
        (scope, name): tensor
        for scope, named in stored.weights.items()
        for name, tensor in named.items()
    }


def _name(key: WeightKey) -> str:
    scope, name = key
    return name if scope == "main" else f"{scope}:{name}"


def _pair_by_name(
    old: Mapping[WeightKey, StoredTensor],
    new: Mapping[WeightKey, StoredTensor],
    pairs: dict[WeightKey, WeightKey],
) -> None:
    taken = set(pairs.values())
    pairs.update((key, key) for key in old if key not in pairs and key in new and key not in taken)


def _pair_by_content(
    old: Mapping[WeightKey, StoredTensor],
    new: Mapping[WeightKey, StoredTensor],
    pairs: dict[WeightKey, WeightKey],
    payloads: tuple[Payloads, Payloads],
) -> None:
    """Pair what is left where type, shape and SHA-256 agree."""
    taken = set(pairs.values())
    alike: defaultdict[object, list[WeightKey]] = defaultdict(list)
    for key, tensor in new.items():
        if key not in taken:
            alike[tensor.dtype, tensor.shape].append(key)
    hashes: dict[WeightKey, str] = {}
    for key, tensor in old.items():
        candidates = [] if key in pairs else alike.get((tensor.dtype, tensor.shape), [])
        if not candidates:
            continue
        own = payloads[0].sha256(tensor)
        for other in candidates:
            if other not in hashes:
                hashes[other] = payloads[1].sha256(new[other])
            if hashes[other] == own:
                pairs[key] = other
                candidates.remove(other)
                break


def _change(
    key: WeightKey,
    other: WeightKey,
    tensors: tuple[StoredTensor, StoredTensor],
    payloads: tuple[Payloads, Payloads],
    *,
    values: bool,
) -> Iterator[WeightChange]:
    one, two = tensors
    types = _type(one), _type(two)
    distance = None
    if values and one.shape == two.shape:
        if one.dtype == two.dtype and _equal(tensors, payloads):
            return
        if is_real(one) and is_real(two):
            distance = measure(zip(payloads[0].values(one), payloads[1].values(two), strict=True))
    elif types[0] == types[1]:
        return
    yield WeightChange(_name(key), _name(other), types, distance)


def _equal(tensors: tuple[StoredTensor, StoredTensor], payloads: tuple[Payloads, Payloads]) -> bool:
    pieces = (payload.pieces(tensor) for payload, tensor in zip(payloads, tensors, strict=True))
    return all(one == other for one, other in zip(*pieces, strict=True))


def _type(tensor: StoredTensor) -> str:
    return f"{tensor.dtype.name} [{', '.join(map(str, tensor.shape))}]"


def measure(pieces: Iterator[tuple[Array, Array]]) -> Distance:
    """The distance of two tensors whose elements come in pieces, as float64."""
    largest, non_finite = 0.0, 0
    # ‖a‖², ‖b‖², a·b, ‖b - a‖²
    sums = np.zeros(4)
    with np.errstate(all="ignore"):  # Of values near the end of float64; the result says None.
        for one, other in pieces:
            delta = other - one
            if not math.isfinite(delta @ delta):
                finite = np.isfinite(one) & np.isfinite(other)
                same = (one == other) | (np.isnan(one) & np.isnan(other))
                non_finite += int(np.count_nonzero(~finite & ~same))
                one, other, delta = one[finite], other[finite], delta[finite]  # noqa: PLW2901
            largest = max(largest, delta.max(initial=0.0), -delta.min(initial=0.0))
            sums += [one @ one, other @ other, one @ other, delta @ delta]
        squared, other_squared, product, error = map(float, sums)
    norms = math.sqrt(squared) * math.sqrt(other_squared)
    return Distance(
        max_abs=min(float(largest), float(np.finfo(np.float64).max)),
        relative_frobenius=_ratio(math.sqrt(error), math.sqrt(squared)),
        cosine=_ratio(product, norms),
        non_finite=non_finite,
    )


def _ratio(part: float, whole: float) -> float | None:
    ratio = part / whole if whole else math.nan
    return ratio if math.isfinite(ratio) else None


def weight_differences(compared: WeightComparison) -> Iterator[Difference]:
    """What became of the weights, as differences."""
    for change in compared.changes:
        yield Difference(
            Kind.WEIGHT_CHANGED, Impact.BEHAVIORAL, change.after, *change.types, _message(change)
        )
    for name in compared.removed:
        message = "weight removed"
        yield Difference(Kind.WEIGHT_REMOVED, Impact.BEHAVIORAL, name, name, None, message)
    for name in compared.added:
        yield Difference(Kind.WEIGHT_ADDED, Impact.BEHAVIORAL, name, None, name, "weight added")
    if compared.renamed:
        (old, new), number = compared.renamed[0], len(compared.renamed)
        others = f", and {number - 1:,} more" if number > 1 else ""
        message = f"a weight of the same use under another name{others}"
        where = "names of weights"
        yield Difference(Kind.WEIGHTS_RENAMED, Impact.COSMETIC, where, old, new, message)


def _message(change: WeightChange) -> str:
    if change.distance is None:
        return "another type or shape" if change.types[0] != change.types[1] else "other values"
    return f"other values, at most {change.distance.max_abs:.3g} apart"

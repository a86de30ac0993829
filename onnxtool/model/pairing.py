"""Which output may feed which input: by their names, or where those say nothing by their shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from onnxtool.model.state_names import GENERATED_NAME, NO_STATE, STATE_WORD
from onnxtool.model.tensors import TensorSpec

# An input, and the output that may feed it.
Pair = tuple[TensorSpec, TensorSpec]
# More values without names than this are no states, and would take long to compare.
MAX_UNNAMED = 1000
BATCH_NAMES = frozenset({"batch", "batch_size", "bs", "n", "b"})


def by_name(
    inputs: Iterable[TensorSpec],
    outputs: Mapping[str, TensorSpec],
    rules: Iterable[tuple[str, str]],
) -> list[Pair]:
    """Pairs of values whose names follow one of the rules; an output feeds one input alone."""
    left = dict(outputs)
    return [
        (source, left.pop(target.name))
        for source in inputs
        if (target := _named(source, rules, left))
    ]


def plausible(pairs: Sequence[Pair], inputs: Iterable[TensorSpec]) -> list[Pair]:
    """Those that may be states, of the pairs that only their names suggest.

    1. Both have the same rank.
    2. Where the name says that it is a state, it is one.
    3. The name does not say that it is something else: a length, a mask, an image.
    4. Its size does not depend on what a call brings: no axis bears the symbol of another input's,
       other than the batch, and no more than one is dynamic, as height and width are.
    """
    candidates = {source.name for source, _ in pairs}
    others = (spec for spec in inputs if spec.name not in candidates)
    brought = {symbol for spec in others for symbol in _dynamic_sizes(spec) if symbol}
    return [
        (source, target)
        for source, target in pairs
        if _rank(source) == _rank(target)  # 1
        and (re.fullmatch(STATE_WORD, source.name) or _is_like_a_state(source, brought))  # 2
    ]


def _is_like_a_state(spec: TensorSpec, brought: AbstractSet[str]) -> bool:
    if re.fullmatch(NO_STATE, spec.name):  # 3
        return False
    sizes = _dynamic_sizes(spec)  # 4
    return len(sizes) <= 1 and brought.isdisjoint(sizes)


def _dynamic_sizes(spec: TensorSpec) -> list[str | None]:
    """Symbols of the axes without a fixed size, None for one without; the batch left out."""
    return [name for axis, name in spec.dynamic_axes.items() if not is_batch_axis(spec, axis)]


def _named(
    source: TensorSpec, rules: Iterable[tuple[str, str]], outputs: Mapping[str, TensorSpec]
) -> TensorSpec | None:
    for pattern, template in rules:
        match = re.fullmatch(pattern, source.name)
        # An identical name is no state: an input cannot be an output, save by mistake.
        if match and (name := match.expand(template)) in outputs and name != source.name:
            return outputs[name]
    return None


def _rank(spec: TensorSpec) -> int | None:
    return None if spec.shape is None else len(spec.shape)


def by_shape(inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]) -> list[Pair]:
    """Pairs of values whose names an exporter made up, in order."""
    sources, targets = (
        [spec for spec in specs if re.fullmatch(GENERATED_NAME, spec.name)]
        for specs in (inputs, outputs)
    )
    if max(len(sources), len(targets)) > MAX_UNNAMED:
        return []
    found: list[Pair] = []
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


def is_batch_symbol(symbol: str) -> bool:
    """Whether a symbol names the batch axis."""
    return symbol.lower() in BATCH_NAMES or "batch" in symbol.lower()


def is_batch_axis(spec: TensorSpec, axis: int) -> bool:
    """Whether an axis is the batch: by its symbol, or the first where it has none.

    Of several such symbols only the first is one: `N` are samples in `[batch_size, N]`.
    """
    dimension = (spec.shape or ())[axis]
    if isinstance(dimension, str):
        before = {size for size in (spec.shape or ())[:axis] if isinstance(size, str)}
        return is_batch_symbol(dimension) and not any(map(is_batch_symbol, before - {dimension}))
    # So it is in every family but LSTM states.
    return axis == 0


def is_features(spec: TensorSpec, *, rank: int | None = None) -> bool:
    """Whether a value holds a vector of floating-point numbers for each frame.

    Args:
        spec: An input or output.
        rank: How many axes it must have; None for any matrix or more.
    """
    found = len(spec.shape or ())
    return "float" in spec.dtype and (found == rank if rank else found >= 2)


def time_axis(
    inputs: Iterable[TensorSpec], *, rank: int | None = None
) -> tuple[TensorSpec, int] | None:
    """Where the length of the audio is: the first dynamic axis of features that is not the batch.

    Args:
        inputs: Those that are no states, in order.
        rank: Of the features; None for any matrix or more.

    Returns:
        The input and the axis, or None.
    """
    for spec in inputs:
        if is_features(spec, rank=rank):
            for axis in spec.dynamic_axes:
                if not is_batch_axis(spec, axis):
                    return spec, axis
    return None

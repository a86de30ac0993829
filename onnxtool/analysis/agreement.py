"""What a graph declares of its inputs and outputs, against the shapes that come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from onnxtool.analysis.expressions import evaluate, symbols
from onnxtool.analysis.shapes.values import KnownShape
from onnxtool.analysis.sizes import Sizes
from onnxtool.model.signature import Signature
from onnxtool.model.states import StateKind
from onnxtool.model.tensors import Dimension, Shape

Outputs = Mapping[str, KnownShape | None]


@dataclass(frozen=True, slots=True)
class SymbolConflict:
    """One symbol that turned out to have several sizes, as (`value:axis`, size)."""

    symbol: str
    sizes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Misdeclared:
    """An output that comes out in another shape than the graph says."""

    output: str
    declared: Shape
    computed: KnownShape


def conflicts(signature: Signature, sizes: Sizes, outputs: Outputs) -> tuple[SymbolConflict, ...]:
    """Symbols of the interface whose axes turned out to have different sizes.

    Not those that follow from others: an axis that disagrees with these is misdeclared.
    """
    known = {**sizes.assumed, **sizes.given}
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for spec in (*signature.inputs, *signature.outputs):
        shape = sizes.shapes.get(spec.name) or outputs.get(spec.name) or ()
        for axis, symbol in spec.dynamic_axes.items():
            size = shape[axis] if axis < len(shape) else None
            if symbol is None or size is None or _following(symbol, known) is not None:
                continue
            found[symbol][f"{spec.name}:{axis}"] = size
    return tuple(
        SymbolConflict(symbol, tuple(axes.items()))
        for symbol, axes in found.items()
        if len(set(axes.values())) > 1
    )


def misfits(
    signature: Signature, sizes: Sizes, outputs: Outputs
) -> Iterator[tuple[str, str, KnownShape, KnownShape]]:
    """States that do not grow, and yet come out in another shape than they go in."""
    for pair in signature.states:
        taken, given = sizes.shapes.get(pair.input), outputs.get(pair.output)
        if pair.kind is StateKind.GROWING or taken is None or given is None or None in given:
            continue
        if taken != given:
            yield pair.input, pair.output, taken, given


def misdeclared(signature: Signature, sizes: Sizes, outputs: Outputs) -> Iterator[Misdeclared]:
    """Outputs of another rank, or of another size where the graph has a number or an expression.

    A plain symbol that has several sizes is a conflict.
    """
    known = {**sizes.assumed, **sizes.given}
    for spec in signature.outputs:
        computed = outputs.get(spec.name)
        if spec.shape is None or computed is None:
            continue
        axes = zip(spec.shape, computed, strict=False)
        if len(spec.shape) != len(computed) or any(_differ(*pair, known) for pair in axes):
            yield Misdeclared(spec.name, spec.shape, computed)


def _differ(declared: Dimension, computed: int | None, known: Mapping[str, int]) -> bool:
    """Whether both sizes are known, and not the same."""
    if declared is None or computed is None:
        return False
    if isinstance(declared, str):
        return _following(declared, known) not in {None, computed}
    return declared >= 0 and declared != computed


def _following(dimension: str, known: Mapping[str, int]) -> Fraction | None:
    """The size that follows from other symbols, where it does."""
    return None if symbols(dimension) == (dimension,) else evaluate(dimension, known)

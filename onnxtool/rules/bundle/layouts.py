"""What a text such as `y: [B, U], h/c: [L, B, H(=640)]` says of tensors, and whether it is so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from onnxtool.model.tensors import Dimension, TensorSpec

# Sizes of the network, as exporters name them: no run changes them.
_OF_THE_NETWORK = re.compile(r"n_mels|[CDHLV](?:_\w+)?")
_BATCH = frozenset({"b", "bs", "batch", "batch_size", "n"})


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis as described: by a symbol, a number, or both, as in `H(=640)`."""

    symbol: str
    size: int | None

    def __str__(self) -> str:
        if self.symbol and self.size is not None:
            return f"{self.symbol}(={self.size})"
        return self.symbol or str(self.size)

    @property
    def is_of_the_network(self) -> bool:
        """Whether it has one size, whatever is fed."""
        return self.size is not None or _OF_THE_NETWORK.fullmatch(self.symbol) is not None


class Said(NamedTuple):
    """A size, and which layout says it."""

    size: int
    by: str


def described(text: str) -> Iterator[tuple[str, tuple[Axis, ...]]]:
    """Each tensor that a text names, with its axes."""
    for names, axes in re.findall(r"([\w./]+): \[([^\]]*)\]", text):
        for name in names.split("/"):
            yield name, tuple(_axis(axis) for axis in axes.split(","))


def _axis(text: str) -> Axis:
    match = re.fullmatch(r"\s*(?:(\d+)|(\w+)\s*(?:\(=\s*(\d+)\))?)\s*", text)
    if match is None:
        return Axis(text.strip(), None)
    number = match[1] or match[3]
    return Axis(match[2] or "", int(number) if number else None)


def misfit(axes: tuple[Axis, ...], spec: TensorSpec, sizes: Mapping[str, Said]) -> str:
    """How the described axes are not those of the tensor; empty if they are.

    Args:
        axes: As described.
        spec: The tensor; of an axis without a size or a name, nothing is known.
        sizes: What symbols stand for, where something says so.
    """
    shape = spec.shape
    if shape is None:
        return ""
    if len(axes) != len(shape):
        return f"has {len(shape)} axes, not {len(axes)}"
    for index, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if not _fits(axis, size, sizes):
            actual = size if isinstance(size, int) else f"the dynamic `{size}`"
            wanted = sizes.get(axis.symbol) if axis.size is None else None
            meant = f", {wanted.size} by `{wanted.by}`" if wanted else ""
            return f"has {actual} on axis {index}, not {axis}{meant}"
    return ""


def _fits(axis: Axis, actual: Dimension, sizes: Mapping[str, Said]) -> bool:
    """Whether an axis may be the one described.

    1. A number is that number.
    2. A size of the network is not dynamic.
    3. What is called a batch is one.
    """
    if isinstance(actual, int):
        said = sizes[axis.symbol].size if axis.symbol in sizes else actual
        return actual == (said if axis.size is None else axis.size)  # 1
    if actual is None:
        return True
    if axis.is_of_the_network or axis.symbol in sizes:  # 2
        return False
    return actual.lower() not in _BATCH or axis.symbol.lower() in _BATCH  # 3

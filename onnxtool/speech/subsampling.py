"""How many encoder frames come out of so many feature frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Of the models there are: 4 (Conformer) and 8 (FastConformer), and what their variants use.
FACTORS = (8, 4, 2, 1, 6, 3, 16)


@dataclass(frozen=True, slots=True)
class Subsampling:
    """The strided convolutions before a Conformer's layers (NeMo, `ConvSubsampling`).

    Each stage of kernel 3 and stride 2 gives floor((T + padding - 3) / 2) + 1 frames. With a
    padding of 2 that is ceil(T / 2); with the 3 of causal convolution, floor(T / 2) + 1. Stages
    that together divide by `factor` give ceil(T / factor), and 1 + ceil((T - 1) / factor).

    Attributes:
        factor: Feature frames to an encoder frame.
        causal: Whether an encoder frame sees no feature frame after its own.
    """

    factor: int
    causal: bool = False

    def frames(self, length: int) -> int:
        """Encoder frames of `length` feature frames."""
        late = int(self.causal)
        return -((late - length) // self.factor) + late if length > 0 else 0

    def shortest(self, frames: int) -> int:
        """The least number of feature frames that gives so many encoder frames."""
        late = int(self.causal)
        return max(1, (frames - late - 1) * self.factor + 1 + late)

    def __str__(self) -> str:
        return f"1 + ⌈(T - 1) / {self.factor}⌉" if self.causal else f"⌈T / {self.factor}⌉"


def fitting(frames: Mapping[int, int]) -> Subsampling | None:
    """The subsampling that gives these encoder frames for these feature frames, or None."""
    candidates = (Subsampling(factor, causal) for factor in FACTORS for causal in (False, True))
    for candidate in candidates:
        if all(candidate.frames(length) == count for length, count in frames.items()):
            return candidate
    return None

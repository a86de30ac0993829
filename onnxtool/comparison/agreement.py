"""Two recognizers on the same utterances: do they give the same tokens, and where do they part?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.comparison.verification import Verdict
from onnxtool.speech.decoding import Emission
from onnxtool.speech.evidence import Utterance

Array = np.ndarray[Any, np.dtype[Any]]
Recognize = Callable[[Array], Sequence[Emission]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first emission that differs; None where one side had already ended.

    The margins of the two tell a near tie, which any rounding flips, from a real change.
    """

    index: int
    reference: Emission | None
    candidate: Emission | None


@dataclass(frozen=True, slots=True)
class UtteranceAgreement:
    """One utterance.

    Attributes:
        name: Of the utterance.
        frames: Feature frames in it.
        reference: Tokens of the reference.
        candidate: Tokens of the candidate.
        edits: Insertions, deletions and substitutions between the two.
        divergence: The first emission that differs, in token, frame or duration; else None.
    """

    name: str
    frames: int
    reference: tuple[int, ...]
    candidate: tuple[int, ...]
    edits: int
    divergence: Divergence | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """All utterances.

    Attributes:
        evidence: Where they came from; `random` ones are weak evidence.
    """

    utterances: tuple[UtteranceAgreement, ...]
    evidence: str

    @property
    def tokens(self) -> int:
        """Tokens of the reference."""
        return sum(len(utterance.reference) for utterance in self.utterances)

    @property
    def edits(self) -> int:
        """Tokens to insert, delete or change to make the candidate's the reference's."""
        return sum(utterance.edits for utterance in self.utterances)

    @property
    def verdict(self) -> Verdict:
        """Failed if a token differs; inconclusive if neither side gave one."""
        if self.edits:
            return Verdict.FAILED
        return Verdict.PASSED if self.tokens else Verdict.INCONCLUSIVE


def agreement(
    reference: Recognize, candidate: Recognize, utterances: Iterable[Utterance], evidence: str
) -> Agreement:
    """Let both recognize each utterance, and compare what they emit."""
    return Agreement(
        tuple(
            _compare(utterance, reference(utterance.features), candidate(utterance.features))
            for utterance in utterances
        ),
        evidence,
    )


def _compare(
    utterance: Utterance, left: Sequence[Emission], right: Sequence[Emission]
) -> UtteranceAgreement:
    wanted, given = (tuple(e.token for e in emitted) for emitted in (left, right))
    return UtteranceAgreement(
        name=utterance.name,
        frames=utterance.features.shape[1],
        reference=wanted,
        candidate=given,
        edits=edit_distance(wanted, given),
        divergence=_divergence(left, right),
    )


def _divergence(left: Sequence[Emission], right: Sequence[Emission]) -> Divergence | None:
    for index in range(max(len(left), len(right))):
        one = left[index] if index < len(left) else None
        other = right[index] if index < len(right) else None
        if one is None or other is None or _decision(one) != _decision(other):
            return Divergence(index, one, other)
    return None


def _decision(emission: Emission) -> tuple[int, int, int]:
    return emission.token, emission.frame, emission.duration


def edit_distance(left: Sequence[int], right: Sequence[int]) -> int:
    """Levenshtein distance: the fewest insertions, deletions and substitutions."""
    row = list(range(len(right) + 1))
    for count, one in enumerate(left, start=1):
        above, row[0] = row[0], count
        for place, other in enumerate(right, start=1):
            above, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, above + (one != other)),
            )
    return row[-1]


def smooth_noise(n_mels: int, frames: int, seed: int) -> Array:
    """Made-up features that resemble speech more than white noise does: slow, and in bands.

    Noise of 8 frames and 8 bands to a value, of standard deviation 1, and a little white noise.
    """
    generator = np.random.default_rng(seed)
    coarse = generator.standard_normal((n_mels // 8 + 2, frames // 8 + 2))
    smooth = np.kron(coarse, np.ones((8, 8)))[:n_mels, :frames]
    fine: Array = (smooth + 0.1 * generator.standard_normal(smooth.shape)).astype(np.float32)
    return fine

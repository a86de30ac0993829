"""Greedy decoding of transducers, RNN-T and TDT, as NeMo does it.

Source: NeMo `GreedyTDTInfer` and `GreedyRNNTInfer` (rnnt_greedy_decoding.py), batched.

1. The predictor starts from zero states and the blank token.
2. At each frame the two heads of the joint are read apart: the argmax of the tokens, and of the
   durations; the first of equals wins. They are logits, and are not normalized together.
3. A token is emitted and goes through the predictor. A blank leaves the predictor as it is.
4. Time moves by the duration; a blank of duration 0 moves by one. An RNN-T, which has no
   durations, moves by one at a blank and by none at a token.
5. After `max_symbols` tokens at one frame, time moves by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
PredictionT = TypeVar("PredictionT")
# NeMo's default.
MAX_SYMBOLS = 10


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """How the last axis of a joint's output is divided.

    Attributes:
        blank_id: Of the blank, which is the last token: there are `blank_id` others.
        durations: Encoder frames that each entry of the duration head stands for; empty for RNN-T.
    """

    blank_id: int
    durations: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Entries of the last axis: tokens, blank, durations."""
        return self.blank_id + 1 + len(self.durations)


@dataclass(frozen=True, slots=True)
class Emission:
    """One token that was emitted.

    Attributes:
        token: Its id.
        frame: Encoder frame at which it was, from the beginning of the utterance.
        duration: Encoder frames by which time moved on.
        token_margin: Logit of the best token less that of the second best.
        duration_margin: Likewise of the durations; None for RNN-T.
    """

    token: int
    frame: int
    duration: int
    token_margin: float
    duration_margin: float | None


class Transducer(Protocol[PredictionT]):
    """The predictor and the joint of a model. What a prediction is, it alone knows."""

    def predict(self, token: int, previous: PredictionT | None) -> PredictionT:
        """One more token, after those of a prediction; None to begin."""

    def join(self, frame: Array, prediction: PredictionT) -> Array:
        """Logits [V] of one encoder frame [D] and one prediction."""


class GreedyDecoder(Generic[PredictionT]):
    """Decodes one utterance, which may come in pieces.

    What a piece leaves open goes on in the next: the predictor's states, the number of tokens at
    the frame, and the rest of a duration that reaches beyond the end of the piece.

    Args:
        transducer: Runs predictor and joint.
        layout: Of the joint's output.
        max_symbols: Tokens at one frame, at most.
    """

    def __init__(
        self,
        transducer: Transducer[PredictionT],
        layout: TokenLayout,
        *,
        max_symbols: int = MAX_SYMBOLS,
    ) -> None:
        self.transducer = transducer
        self.layout = layout
        self.max_symbols = max_symbols
        self._prediction = transducer.predict(layout.blank_id, None)
        self._consumed = 0  # frames of the pieces before this one
        self._time = 0  # from the beginning of the utterance; may be beyond the end of a piece
        self._symbols = 0  # tokens at this frame so far

    def decode(self, encoded: Array) -> tuple[Emission, ...]:
        """Decode the next piece.

        Args:
            encoded: Its valid frames, [D, T].

        Returns:
            The tokens emitted in it.
        """
        emitted: list[Emission] = []
        end = self._consumed + encoded.shape[1]
        while self._time < end:
            logits = self.transducer.join(encoded[:, self._time - self._consumed], self._prediction)
            emission = self._read(logits)
            if emission.token != self.layout.blank_id:
                emitted.append(emission)
                self._prediction = self.transducer.predict(emission.token, self._prediction)
            self._advance(emission)
        self._consumed = end
        return tuple(emitted)

    def _read(self, logits: Array) -> Emission:
        tokens, durations = np.split(logits, [self.layout.blank_id + 1])
        token = int(tokens.argmax())
        if not self.layout.durations:
            moves = int(token == self.layout.blank_id)
            return Emission(token, self._time, moves, margin(tokens), None)
        duration = self.layout.durations[int(durations.argmax())]
        return Emission(token, self._time, duration, margin(tokens), margin(durations))

    def _advance(self, emission: Emission) -> None:
        if emission.duration > 0:
            self._time += emission.duration
            self._symbols = 0
            return
        self._symbols += 1
        if emission.token == self.layout.blank_id or self._symbols >= self.max_symbols:
            self._time += 1
            self._symbols = 0


def margin(logits: Array) -> float:
    """By how much the largest entry exceeds the second largest; infinite for a single one."""
    if logits.size < 2:
        return float("inf")
    second, first = np.partition(logits, -2)[-2:]
    return float(first - second)

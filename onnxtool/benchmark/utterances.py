"""Time whole utterances: encoder, predictor and joint, decoded greedily."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.benchmark.tasks import Sessions, Timings
from onnxtool.model.signature import Signature
from onnxtool.runtime.native import NativeSession
from onnxtool.speech.decoding import GreedyDecoder, TokenLayout
from onnxtool.speech.transducer import SplitTransducer

Array = np.ndarray[Any, np.dtype[Any]]
PARTS = ("encoder", "predictor", "joint")


@dataclass(frozen=True, slots=True)
class UtterancesTask:
    """Utterances, each through the encoder and then decoded greedily, with states and all.

    Attributes:
        signatures: Of the predictor and of the joint.
        utterances: What the encoder is fed for each.
        features: The encoder's output of features [1, D, T].
        lengths: Its output of how many are valid; empty for all.
    """

    signatures: tuple[Signature, Signature]
    utterances: Sequence[Mapping[str, Array]]
    features: str
    lengths: str
    layout: TokenLayout

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample an utterance; its parts are the time within each of the graphs."""
        for feeds in self.utterances:
            parts = [_Stopwatch(sessions[name]) for name in PARTS]
            start_s = time.perf_counter()
            self._decode(feeds, *parts)
            timings.samples_s.append(time.perf_counter() - start_s)
            for name, part in zip(PARTS, parts, strict=True):
                timings.parts_s.setdefault(name, []).append(part.total_s)
                timings.calls[name] = timings.calls.get(name, 0) + part.calls

    def _decode(
        self,
        feeds: Mapping[str, Array],
        encoder: _Stopwatch,
        predictor: _Stopwatch,
        joint: _Stopwatch,
    ) -> None:
        given = encoder.run(feeds)
        frames = given[self.features][0]
        if self.lengths:
            frames = frames[:, : int(given[self.lengths].reshape(-1)[0])]
        transducer = SplitTransducer(*self.signatures, (predictor, joint))
        GreedyDecoder(transducer, self.layout).decode(frames)


class _Stopwatch:
    """A session that adds up what its runs take."""

    def __init__(self, session: NativeSession) -> None:
        self._session = session
        self.total_s = 0.0
        self.calls = 0

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run it once."""
        start_s = time.perf_counter()
        values = self._session.run(feeds)
        self.total_s += time.perf_counter() - start_s
        self.calls += 1
        return values

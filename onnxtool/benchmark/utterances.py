"""Time whole utterances: an encoder, and what decodes its frames greedily."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.benchmark.tasks import Sessions, Timings
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature
from onnxtool.runtime.native import NativeSession
from onnxtool.speech.decoding import GreedyDecoder, TokenLayout
from onnxtool.speech.recognizer import EncoderPorts
from onnxtool.speech.transducer import transducer

Array = np.ndarray[Any, np.dtype[Any]]
ENCODER = Role.ENCODER.value


@dataclass(frozen=True, slots=True)
class UtterancesTask:
    """Utterances, each through the encoder and then decoded greedily, with states and all.

    Attributes:
        encoder: What its inputs and outputs are.
        decoder: Predictor and joint, or the one graph that is both, by name of the session.
        utterances: What the encoder is fed for each.
        layout: Of the joint's output.
    """

    encoder: EncoderPorts
    decoder: Mapping[str, Signature]
    utterances: Sequence[Mapping[str, Array]]
    layout: TokenLayout

    def perform(self, sessions: Sessions, timings: Timings) -> None:
        """One sample an utterance; its parts are the time within each of the graphs."""
        for feeds in self.utterances:
            parts = {name: Stopwatch(sessions[name]) for name in (ENCODER, *self.decoder)}
            start_s = time.perf_counter()
            self.decode(self.encoder.read(parts[ENCODER].run(feeds)), parts)
            timings.samples_s.append(time.perf_counter() - start_s)
            for name, part in parts.items():
                timings.parts_s.setdefault(name, []).append(part.total_s)
                timings.calls[name] = timings.calls.get(name, 0) + part.calls

    def decode(self, encoded: Array, parts: Mapping[str, Stopwatch]) -> None:
        """Decode the encoder frames [D, T'] of one utterance."""
        graphs: Any = transducer(
            list(self.decoder.values()), [parts[name] for name in self.decoder]
        )
        GreedyDecoder(graphs, self.layout).decode(encoded)


class Stopwatch:
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

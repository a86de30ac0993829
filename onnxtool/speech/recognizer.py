"""An offline transducer as a whole: features in, tokens out."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any, Self

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import Role
from onnxtool.model.pairing import is_features
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import LENGTH_NAME
from onnxtool.model.tensors import TensorSpec
from onnxtool.runtime.session import Limits, Session, SessionSettings
from onnxtool.speech.decoding import MAX_SYMBOLS, Emission, GreedyDecoder, TokenLayout
from onnxtool.speech.transducer import layout_of, member, transducer

Array = np.ndarray[Any, np.dtype[Any]]


class Recognizer:
    """Encoder, predictor and joint of a bundle, each in a session of its own.

    Args:
        bundle: The folder.
        layout: Of the joint's output.
        settings: How the sessions run.
        limits: What each may take.
        max_symbols: Tokens at one frame, at most.

    Raises:
        UnsupportedModelError: It has no encoder, predictor and joint that fit together.
    """

    def __init__(
        self,
        bundle: Bundle,
        layout: TokenLayout,
        *,
        settings: SessionSettings = SessionSettings(),  # noqa: B008 - immutable
        limits: Limits = Limits(),  # noqa: B008 - immutable
        max_symbols: int = MAX_SYMBOLS,
    ) -> None:
        encoder = part(bundle, Role.ENCODER)
        decoder = decoder_parts(bundle)
        self._sessions = ExitStack()
        opened = [
            self._sessions.enter_context(Session(graph.view.path, settings, limits))
            for graph in (encoder, *decoder)
        ]
        self.layout = layout
        self.max_symbols = max_symbols
        self._encoder, self._encoder_session = EncoderPorts(encoder.signature), opened[0]
        # One class or the other, each with predictions of its own.
        self._transducer: Any = transducer([graph.signature for graph in decoder], opened[1:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sessions.close()

    def encode(self, features: Array) -> Array:
        """The valid encoder frames [D, T'] of one utterance's features [n_mels, T].

        Raises:
            RunError: The encoder does not run on them.
        """
        return self._encoder.read(self._encoder_session.run(self._encoder.feeds(features)))

    def recognize(self, features: Array) -> tuple[Emission, ...]:
        """The tokens of one utterance's features [n_mels, T].

        Raises:
            RunError: A graph does not run on them.
        """
        return self.decoder().decode(self.encode(features))

    def decoder(self) -> GreedyDecoder[Any]:
        """A decoder for one utterance, whose frames may come in pieces."""
        return GreedyDecoder(self._transducer, self.layout, max_symbols=self.max_symbols)


class EncoderPorts:
    """Which inputs and outputs of an encoder are features, and which are lengths."""

    def __init__(self, known: Signature) -> None:
        self.features = _first(known.free_inputs, "takes no features")
        self.encoded = _first(known.free_outputs, "gives no features")
        self.lengths = [spec for spec in known.free_inputs if _is_length(spec)]
        self.encoded_lengths = [spec for spec in known.free_outputs if _is_length(spec)]

    def feeds(self, features: Array) -> dict[str, Array]:
        """One utterance, features [n_mels, T], as a batch; transposed if the encoder wants it."""
        layout = layout_of(self.features)
        batch = features[None] if layout.feature_axis == 1 else features.T[None]
        feeds = {self.features.name: batch.astype(self.features.dtype)}
        for spec in self.lengths:
            feeds[spec.name] = np.full(
                len(spec.shape or ()) and (1,), features.shape[1], spec.dtype
            )
        return feeds

    def read(self, values: dict[str, Array]) -> Array:
        """The frames [D, T'] that the encoder says are valid; all of them if it does not say."""
        frames = layout_of(self.encoded).frames(values[self.encoded.name])
        for spec in self.encoded_lengths[:1]:
            return frames[:, : int(values[spec.name].reshape(-1)[0])]
        return frames


def token_layout(bundle: Bundle) -> TokenLayout:
    """How the joint's output is divided, by metadata, vocabulary, and the joint's width.

    1. The blank is where the metadata, or else the vocabulary, says; without both it is last.
    2. What follows it are durations: of the values in the metadata, or 0, 1, 2, … without them.

    Raises:
        UnsupportedModelError: The joint's width is not known, or they contradict one another.
    """
    joint = decoder_parts(bundle)[-1]
    shape = next(spec.shape for spec in joint.signature.free_outputs if is_features(spec))
    width = (shape or (None,))[-1]
    if not isinstance(width, int):
        raise UnsupportedModelError(f"{joint.name}: the last axis of its output has no fixed size")
    fields = bundle.metadata.fields if bundle.metadata else {}
    blank = fields.get("blank_id")
    if not isinstance(blank, int) and bundle.vocabulary:
        blank = bundle.vocabulary.blank_id
        # A list without the blank has it after its last token.
        blank = len(bundle.vocabulary.tokens) if blank is None else blank
    blank_id = blank if isinstance(blank, int) else width - 1
    rest = width - blank_id - 1
    if rest < 0:
        raise UnsupportedModelError(
            f"{joint.name}: blank {blank_id} is not among its {width} outputs",
            hint="mend blank_id in model_meta.json",
        )
    values = fields.get("duration_values")
    durations = tuple(values) if isinstance(values, tuple) and values else tuple(range(rest))
    if len(durations) != rest:
        raise UnsupportedModelError(
            f"{joint.name}: {len(durations)} durations in the metadata, {rest} in its output",
            hint="mend duration_values or blank_id in model_meta.json",
        )
    return TokenLayout(blank_id, durations)


def decoder_parts(bundle: Bundle) -> tuple[Member, ...]:
    """Predictor and joint, or the one graph that is both.

    Raises:
        UnsupportedModelError: There is none.
    """
    combined = member(bundle, Role.DECODER_JOINT)
    if combined:
        return (combined,)
    return part(bundle, Role.PREDICTOR), part(bundle, Role.JOINT)


def part(bundle: Bundle, role: Role) -> Member:
    """The graph of a role.

    Raises:
        UnsupportedModelError: There is none.
    """
    found = member(bundle, role)
    if found is None:
        raise UnsupportedModelError(f"{bundle.path}: no graph is a {role}")
    return found


def _first(specs: tuple[TensorSpec, ...], problem: str) -> TensorSpec:
    for spec in specs:
        if is_features(spec):
            return spec
    raise UnsupportedModelError(f"the encoder {problem}")


def _is_length(spec: TensorSpec) -> bool:
    # `length`, `x_lens`, `encoded_lengths`, `encoder_out_lens`
    named = re.fullmatch(LENGTH_NAME, spec.name) or "len" in spec.name
    return bool(named) and spec.dtype.startswith("int")

"""The predictor and the joint of a bundle, run by ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import Role
from onnxtool.model.pairing import is_batch_symbol, is_features
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import LENGTH_NAME
from onnxtool.model.tensors import TensorSpec

Array = np.ndarray[Any, np.dtype[Any]]
States = Mapping[str, Array]


class Runnable(Protocol):
    """A session, wherever it runs."""

    def run(self, feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the model once: output name -> value."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a tensor of one utterance has its features, and where its time.

    Attributes:
        feature_axis: The axis of fixed size.
        rank: 3, or 2 for one frame at a time.
    """

    feature_axis: int
    rank: int

    def frame(self, vector: Array) -> Array:
        """A vector [D] as a batch of one utterance of one frame."""
        shape = [1] * self.rank
        shape[self.feature_axis] = vector.size
        return vector.reshape(shape)

    def frames(self, value: Array) -> Array:
        """A batch of one utterance as [D, T]."""
        return np.moveaxis(value, self.feature_axis, -2).reshape(value.shape[self.feature_axis], -1)


def layout_of(spec: TensorSpec) -> Layout:
    """Where an input or output has its features: the last axis of fixed size but the batch's.

    Raises:
        UnsupportedModelError: There is none.
    """
    shape = spec.shape or ()
    fixed = [axis for axis, size in enumerate(shape) if isinstance(size, int) and size > 1]
    if not fixed or len(shape) not in {2, 3}:
        raise UnsupportedModelError(f"`{spec.name}` has no axis of features")
    return Layout(fixed[-1], len(shape))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a predictor gave: its features [H], and its states for the next token."""

    features: Array
    states: States


class SplitTransducer:
    """A predictor and a joint in graphs of their own.

    Args:
        predictor: Token ids and states in; one tensor of features, and states, out.
        joint: A frame of the encoder and one of the predictor in, logits out.
        sessions: One for each, in this order; they are not closed here.

    Raises:
        UnsupportedModelError: They do not fit together as predictor and joint.
    """

    def __init__(
        self, predictor: Signature, joint: Signature, sessions: tuple[Runnable, Runnable]
    ) -> None:
        self.predictor, self.joint = predictor, joint
        self._predictor_session, self._joint_session = sessions
        self._given = _only([spec for spec in predictor.free_outputs if is_features(spec)])
        taken = [spec for spec in joint.inputs if is_features(spec)]
        if len(taken) != 2:
            raise UnsupportedModelError("the joint does not take two tensors of features")
        # The encoder's stands first, unless it is named for it.
        taken.sort(key=lambda spec: "enc" not in spec.name)
        self._frame, self._prediction = taken
        self._frame_layout, self._prediction_layout = map(layout_of, taken)
        self._given_layout = layout_of(self._given)
        self._logits = _only(joint.free_outputs).name

    def predict(self, token: int, previous: Prediction | None) -> Prediction:
        """Run the predictor for one more token; see `Transducer`."""
        states = previous.states if previous else _zeros(self.predictor)
        feeds = {**states, **_tokens(self.predictor.free_inputs, token)}
        values = self._predictor_session.run(feeds)
        given = self._given_layout.frames(values[self._given.name])[:, -1]
        return Prediction(given, _fed_back(self.predictor, values))

    def join(self, frame: Array, prediction: Prediction) -> Array:
        """Run the joint for one frame; see `Transducer`."""
        feeds = {
            self._frame.name: self._frame_layout.frame(frame),
            self._prediction.name: self._prediction_layout.frame(prediction.features),
        }
        return self._joint_session.run(feeds)[self._logits].reshape(-1)


@dataclass(slots=True)
class Step:
    """A token, and the states before it; those after it are known when it was joined."""

    token: int
    before: States
    after: States | None = None


class CombinedTransducer:
    """A predictor and a joint in one graph, which runs both at every frame.

    Args:
        graph: A frame of the encoder, token ids and states in; logits and states out.
        session: Of the graph; it is not closed here.

    Raises:
        UnsupportedModelError: It is no such graph.
    """

    def __init__(self, graph: Signature, session: Runnable) -> None:
        self.graph = graph
        self._session = session
        self._frame = _only([spec for spec in graph.free_inputs if is_features(spec)])
        self._layout = layout_of(self._frame)
        self._logits = _only([spec for spec in graph.free_outputs if is_features(spec)]).name

    def predict(self, token: int, previous: Step | None) -> Step:
        """Take one more token, to run with the next frame; see `Transducer`."""
        if previous is None:
            return Step(token, _zeros(self.graph))
        if previous.after is None:
            raise AssertionError("a token was followed by another without a frame")
        return Step(token, previous.after)

    def join(self, frame: Array, prediction: Step) -> Array:
        """Run the graph for one frame; see `Transducer`."""
        tokens = _tokens(
            [spec for spec in self.graph.free_inputs if spec is not self._frame], prediction.token
        )
        feeds = {**prediction.before, **tokens, self._frame.name: self._layout.frame(frame)}
        values = self._session.run(feeds)
        prediction.after = _fed_back(self.graph, values)
        return values[self._logits].reshape(-1)


def transducer(
    graphs: Sequence[Signature], sessions: Sequence[Runnable]
) -> SplitTransducer | CombinedTransducer:
    """Of predictor and joint in this order, or of the one graph that is both.

    Raises:
        UnsupportedModelError: They are not, or do not fit together.
    """
    if len(graphs) == 1:
        return CombinedTransducer(graphs[0], sessions[0])
    predictor, joint = graphs
    return SplitTransducer(predictor, joint, (sessions[0], sessions[1]))


def _tokens(specs: Iterable[TensorSpec], token: int) -> dict[str, Array]:
    """One token for a batch of one, and its length where a graph asks for that."""
    return {
        spec.name: np.full(
            [size if isinstance(size, int) else 1 for size in spec.shape or ()],
            1 if re.fullmatch(LENGTH_NAME, spec.name) else token,
            spec.dtype,
        )
        for spec in specs
    }


def _zeros(graph: Signature) -> States:
    return {pair.input: zero_state(pair.shape or (), pair.dtype) for pair in graph.states}


def _fed_back(graph: Signature, values: Mapping[str, Array]) -> States:
    return {pair.input: values[pair.output] for pair in graph.states}


def zero_state(shape: tuple[int | str | None, ...], dtype: str) -> Array:
    """A state to begin with: zeros, for a batch of one."""
    return np.zeros(
        [
            size
            if isinstance(size, int)
            else int(axis == 0 if size is None else is_batch_symbol(size))
            for axis, size in enumerate(shape)
        ],
        dtype,
    )


def _only(specs: list[TensorSpec] | tuple[TensorSpec, ...]) -> TensorSpec:
    if len(specs) != 1:
        raise UnsupportedModelError(f"{len(specs)} outputs where one of features is needed")
    return specs[0]


def member(bundle: Bundle, *roles: Role) -> Member | None:
    """The first graph of a bundle with one of these roles."""
    return next((m for role in roles for m in bundle.models if m.signature.role is role), None)

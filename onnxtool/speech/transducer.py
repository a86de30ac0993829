"""The predictor and the joint of a bundle, run by ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import LENGTH_NAME, Role
from onnxtool.model.signature import Signature
from onnxtool.model.states import is_batch_symbol
from onnxtool.model.tensors import TensorSpec

Array = np.ndarray[Any, np.dtype[Any]]
State = Mapping[str, Array]


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


def is_features(spec: TensorSpec) -> bool:
    """Whether a value holds a vector for each frame."""
    return "float" in spec.dtype and len(spec.shape or ()) >= 2


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

    def predict(self, token: int, state: State | None) -> tuple[Array, State]:
        """Run the predictor for one more token; see `Transducer`."""
        feeds = dict(state or self._zeros())
        for spec in self.predictor.free_inputs:
            is_length = re.fullmatch(LENGTH_NAME, spec.name) is not None
            shape = [size if isinstance(size, int) else 1 for size in spec.shape or ()]
            feeds[spec.name] = np.full(shape, 1 if is_length else token, spec.dtype)
        values = self._predictor_session.run(feeds)
        given = self._given_layout.frames(values[self._given.name])[:, -1]
        return given, {pair.input: values[pair.output] for pair in self.predictor.states}

    def join(self, frame: Array, prediction: Array) -> Array:
        """Run the joint for one frame; see `Transducer`."""
        feeds = {
            self._frame.name: self._frame_layout.frame(frame),
            self._prediction.name: self._prediction_layout.frame(prediction),
        }
        return self._joint_session.run(feeds)[self._logits].reshape(-1)

    def _zeros(self) -> dict[str, Array]:
        return {
            pair.input: zero_state(pair.shape or (), pair.dtype) for pair in self.predictor.states
        }


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

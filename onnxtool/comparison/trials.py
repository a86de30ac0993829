"""What two models are tried on: sizes that differ, and inputs in the range of what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from onnxtool.model.open_axes import waveform_axis
from onnxtool.model.pairing import is_features
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import JOINTS
from onnxtool.runtime.inputs import Array, feeds, held_by_host

# Sizes of one trial each: 1 hides broadcasts, even sizes hide rounding, round ones what was traced.
BATCHES = (1, 2, 3, 2)
LENGTHS = (64, 97, 41, 1003)
SHORT_LENGTHS = (1, 3, 2, 5)
# Samples: windows of Silero VAD, those of version 5 with what came before them, at 16 kHz and 8 kHz
# in turns as `held_by_host` gives them; three windows, a second, and those of version 4.
WAVEFORMS = (576, 288, 1536, 16_000, 512, 256)
# What a growing state starts with.
EMPTY = (0,)
# So that no two calls of a sweep share a seed.
MAX_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of inputs.

    Attributes:
        sizes: By symbol, or by `input:axis`.
        seed: Of what is random.
        steps: Calls that feed states back; 1 where there are none.
        evidence: `random`, or where real values came from.
        values: Of some inputs, call by call; the others are made up.
        narrow: Whether integers that may be indices are 0 and 1 only, which nearly all graphs take.
    """

    sizes: Mapping[str, int]
    seed: int
    steps: int = 1
    evidence: str = "random"
    values: tuple[Mapping[str, Array], ...] = field(default=(), compare=False, repr=False)
    narrow: bool = False

    def calls(self, model: ModelView, signature: Signature) -> Iterator[dict[str, Array]]:
        """A value for every input of each call.

        Raises:
            UsageError: An input has a kind that cannot be made up.
        """
        for step in range(self.steps):
            seed = self.seed * MAX_STEPS + step
            made = feeds(model, signature, self.sizes, seed=seed, ragged=True, narrow=self.narrow)
            made.update(held_by_host(signature, made, call=step, trial=self.seed))
            yield {**made, **(self.values[step] if step < len(self.values) else {})}

    def __str__(self) -> str:
        sizes = " ".join(f"{name}={size}" for name, size in self.sizes.items())
        return f"seed {self.seed}" + (f" at {sizes}" if sizes else "")


def sweep(signature: Signature, *, seeds: int, steps: int) -> tuple[Trial, ...]:
    """One trial for each seed, each at other sizes of every dynamic axis.

    Args:
        signature: Of the reference.
        seeds: Number of trials.
        steps: Calls of a trial of a graph with states; the first trial has all of them, and the
            others, which are there for their sizes, a few.
    """
    stateful = bool(signature.states)
    return tuple(
        Trial(
            dict(_sizes(signature, seed)),
            seed,
            steps=1 if not stateful else steps if seed == 0 else min(steps, 4),
        )
        for seed in range(seeds)
    )


def variations(trial: Trial, signature: Signature) -> Iterator[Trial]:
    """What to try instead of a trial whose inputs the reference refuses altogether.

    1. An integer was out of the range of what it selects from, maybe.
    2. A few samples are no waveform.
    """
    yield replace(trial, narrow=True)  # 1
    axis = waveform_axis(signature)
    if axis and axis in trial.sizes and trial.evidence == "random":
        first = trial.seed % len(WAVEFORMS)
        for samples in WAVEFORMS[first:] + WAVEFORMS[:first]:
            yield replace(trial, sizes={**trial.sizes, axis: samples})  # 2


def _sizes(signature: Signature, index: int) -> Iterator[tuple[str, int]]:
    for spec in signature.inputs:
        for axis in spec.dynamic_axes:
            choices = _choices(signature, spec, axis)
            yield spec.axis_name(axis), choices[index % len(choices)]


def _choices(signature: Signature, spec: TensorSpec, axis: int) -> tuple[int, ...]:
    if signature.is_batch_axis(spec, axis):
        return BATCHES
    if any(pair.input == spec.name for pair in signature.states):
        return EMPTY
    is_audio = is_features(spec, rank=3)
    return LENGTHS if is_audio and signature.role not in JOINTS else SHORT_LENGTHS

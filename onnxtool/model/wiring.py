"""How the graphs of a bundle are connected: which output feeds which input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnxtool.model.families import Role
from onnxtool.model.pairing import is_features
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import Shape, TensorSpec

ENCODERS = (Role.ENCODER, Role.STREAMING_ENCODER)
JOINTS = (Role.JOINT, Role.DECODER_JOINT)
# What takes audio: encoders, and those with the scores of tokens at their end.
ACOUSTIC = (*ENCODERS, Role.CTC)
# What gives scores: their last axis is a choice among tokens.
SCORED = (*JOINTS, Role.CTC)


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection between two graphs of a bundle.

    Attributes:
        source: `graph:output`.
        target: `graph:input`.
        dtype: Element type of the output.
        source_shape: Shape of the output.
        target_shape: Shape of the input.
        problem: Why the two do not fit; empty if they do.
    """

    source: str
    target: str
    dtype: str
    source_shape: Shape | None
    target_shape: Shape | None
    problem: str = ""


def wire(graphs: Sequence[tuple[str, Signature]]) -> tuple[Wire, ...]:
    """Connect graphs: encoder and predictor to the joint by role, any others by equal names.

    A transducer's encoder and predictor each give one tensor that is neither state nor length; the
    joint takes one of each, the encoder's first, or named for it.
    """
    wires: dict[tuple[str, str], Wire] = {}
    for source_name, source in graphs:
        for target_name, target in graphs:
            if source_name == target_name or source.role is target.role is not Role.OTHER:
                continue
            frames = target.role in JOINTS
            for given, taken in (*_by_role(source, target), *_by_name(source, target)):
                key = f"{source_name}:{given.name}", f"{target_name}:{taken.name}"
                wires.setdefault(key, _connect(*key, given, taken, frames=frames))
    return tuple(wires.values())


def _by_role(source: Signature, target: Signature) -> Iterator[tuple[TensorSpec, TensorSpec]]:
    if target.role not in JOINTS:
        return
    taken = [spec for spec in target.free_inputs if is_features(spec)]
    encoder_side = next((spec for spec in taken if "enc" in spec.name), taken[0] if taken else None)
    given = next((spec for spec in source.free_outputs if is_features(spec)), None)
    if given is None or encoder_side is None:
        return
    if source.role in ENCODERS:
        yield given, encoder_side
    elif source.role is Role.PREDICTOR and target.role is Role.JOINT:
        yield from ((given, spec) for spec in taken if spec is not encoder_side)


def _by_name(source: Signature, target: Signature) -> Iterator[tuple[TensorSpec, TensorSpec]]:
    for given in source.free_outputs:
        for taken in target.free_inputs:
            if given.name == taken.name and given.dtype == taken.dtype:
                yield given, taken


def _connect(
    source: str, target: str, given: TensorSpec, taken: TensorSpec, *, frames: bool
) -> Wire:
    problem = _misfit(given, taken, frames=frames)
    return Wire(source, target, given.dtype, given.shape, taken.shape, problem)


def _misfit(given: TensorSpec, taken: TensorSpec, *, frames: bool) -> str:
    """Why an output cannot be fed to an input, by dtype, rank and fixed sizes; else empty.

    Args:
        given: The output.
        taken: The input.
        frames: Whether the host may feed one frame at a time: icefall's joiners have no time axis.
    """
    if given.dtype != taken.dtype:
        return f"{given.dtype} into {taken.dtype}"
    if given.shape is None or taken.shape is None:
        return ""
    shapes = [given.shape]
    if frames and len(given.shape) == len(taken.shape) + 1:
        dynamic = [axis for axis, size in enumerate(given.shape) if not isinstance(size, int)]
        shapes = [given.shape[:axis] + given.shape[axis + 1 :] for axis in dynamic] or shapes
    problems = [_shape_misfit(shape, taken.shape) for shape in shapes]
    return "" if "" in problems else problems[0]


def _shape_misfit(given: Shape, taken: Shape) -> str:
    if len(given) != len(taken):
        return f"{len(given)} axes into {len(taken)}"
    for axis, (out, into) in enumerate(zip(given, taken, strict=True)):
        if isinstance(out, int) and isinstance(into, int) and out != into:
            return f"axis {axis}: {out} into {into}"
    return ""

"""What a graph is, judged by what it takes and gives: interface, symbols, states, role, family."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxtool.model.families import FAMILIES, Family, Role
from onnxtool.model.pairing import is_batch_axis
from onnxtool.model.states import HostInput, StateKind, StatePair, host_inputs, pair_states
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView

# Roles whose states are those of an LSTM.
_RECURRENT = (Role.VAD, Role.PREDICTOR, Role.DECODER_JOINT)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A dynamic size, and every axis of the interface that bears its name, as `value:axis`."""

    name: str
    axes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """The interface of a graph and what it tells.

    Attributes:
        role: What the graph does; `other` if its interface does not tell.
        family: Name of the family it belongs to, or None.
        title: The family's graph in words; else empty.
        defaulted: Inputs that an initializer has a value for, and that may be left out.
        symbols: Dynamic sizes in order of appearance; names that an exporter made up left out.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    states: tuple[StatePair, ...]
    host_held: tuple[HostInput, ...]
    symbols: tuple[Symbol, ...]
    role: Role
    family: str | None
    title: str
    defaulted: tuple[str, ...] = ()

    @property
    def is_fixed(self) -> bool:
        """Whether every input has but one shape, so that a caller can choose no size."""
        return all(spec.shape is not None and not spec.dynamic_axes for spec in self.inputs)

    @property
    def free_inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs that are not state: what the caller brings to every call."""
        states = {pair.input for pair in self.states}
        return tuple(spec for spec in self.inputs if spec.name not in states)

    def sizes_of(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
        """The sizes of dynamic axes, as `--at` calls them, of inputs with these shapes."""
        return {
            spec.axis_name(axis): shapes[spec.name][axis]
            for spec in self.inputs
            if spec.name in shapes
            for axis in spec.dynamic_axes
            if axis < len(shapes[spec.name])
        }

    def is_batch_axis(self, spec: TensorSpec, axis: int) -> bool:
        """Whether a dynamic axis of an input is the batch, as its symbol, place and use tell.

        LSTM states [layers, B, H] have it second, and in NeMo's own exports, and Silero's, no name
        says so. They keep their size: what is open of them can be nothing else.
        """
        recurrent = self.role in _RECURRENT and spec not in self.free_inputs
        return is_batch_axis(spec, axis) or (recurrent and axis in spec.dynamic_axes)

    @property
    def free_outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs that are not state: what the caller gets from every call."""
        states = {pair.output for pair in self.states}
        return tuple(spec for spec in self.outputs if spec.name not in states)


def signature(model: ModelView) -> Signature:
    """Read a graph's signature off its interface."""
    family = recognise(model.inputs, model.outputs)
    states = pair_states(model.inputs, model.outputs, family)
    return Signature(
        inputs=model.inputs,
        outputs=model.outputs,
        states=states,
        host_held=host_inputs(model.inputs, states, family),
        symbols=_symbols((*model.inputs, *model.outputs)),
        role=family.role if family else _role_by_shape(model.inputs, model.outputs, states),
        family=family.name if family else None,
        title=family.title if family else "",
        defaulted=model.defaulted_inputs,
    )


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Family | None:
    """The first family whose every pattern is found, with the sizes that it asks for."""
    given = [spec.name for spec in inputs], [spec.name for spec in outputs]
    for family in FAMILIES:
        wanted = family.inputs, family.outputs
        if all(map(_all_found, wanted, given)) and _has_sizes(family, (*inputs, *outputs)):
            return family
    return None


def _all_found(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return all(any(re.fullmatch(pattern, name) for name in names) for pattern in patterns)


def _has_sizes(family: Family, specs: Sequence[TensorSpec]) -> bool:
    return all(
        any(re.fullmatch(pattern, spec.name) and spec.size(axis) in sizes for spec in specs)
        for pattern, axis, sizes in family.sizes
    )


def _symbols(specs: Sequence[TensorSpec]) -> tuple[Symbol, ...]:
    axes: defaultdict[str, list[str]] = defaultdict(list)
    for spec in specs:
        for axis, symbol in spec.dynamic_axes.items():
            if symbol is not None:
                axes[symbol].append(f"{spec.name}:{axis}")
    return tuple(Symbol(name, tuple(uses)) for name, uses in axes.items())


def _role_by_shape(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], states: Sequence[StatePair]
) -> Role:
    """The role of a graph whose names belong to no family, from ranks and dtypes alone.

    1. joint: [B, D, T] and [B, H, U] give [B, T, U, V].
    2. predictor: token ids and states in, states and one floating-point tensor out; with a mask
       beside the ids, or with states that grow, it is a language model.
    3. decoder-joint: the same, with a floating-point input besides the states.
    4. streaming encoder: features and states in, features out, and no token ids.
    5. encoder: features [B, D, T] and their lengths [B] in, the same kinds out.
    """
    state_names = {pair.input for pair in states} | {pair.output for pair in states}
    taken = sorted(_kind(spec) for spec in inputs if spec.name not in state_names)
    given = sorted(_kind(spec) for spec in outputs if spec.name not in state_names)
    if not states and taken == ["float3", "float3"] and given == ["float4"]:
        return Role.JOINT
    if states:
        return _stateful_role(taken, given, any(pair.kind is StateKind.GROWING for pair in states))
    if taken == ["float3", "int1"] and given == ["float3", "int1"]:
        return Role.ENCODER
    return Role.OTHER


def _stateful_role(taken: Sequence[str], given: Sequence[str], grows: bool) -> Role:
    ids = any(kind in {"int1", "int2"} for kind in taken)
    features = any(kind.startswith("float") for kind in taken)
    if "int2" in taken and not features and "float3" in given:
        return Role.OTHER if grows or taken.count("int2") > 1 else Role.PREDICTOR
    if ids and features and "float4" in given:
        return Role.DECODER_JOINT
    if "float3" in taken and "float3" in given and "int2" not in taken:
        return Role.STREAMING_ENCODER
    return Role.OTHER


def _kind(spec: TensorSpec) -> str:
    """`float3` for a floating-point tensor of rank 3, `int1`, `other`."""
    for prefix, kind in (("float", "float"), ("bfloat", "float"), ("int", "int")):
        if spec.dtype.startswith(prefix) and spec.shape is not None:
            return f"{kind}{len(spec.shape)}"
    return "other"

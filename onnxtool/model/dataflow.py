"""Who makes a value: through branches, loops and function calls, to the node that computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import onnx

from onnxtool.model.tensors import count_elements
from onnxtool.model.view import Location, ModelView, Scope, subgraphs

# Calls inside each other; more are damage, or an attack.
MAX_DEPTH = 50
FunctionId = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Frame:
    """A scope in the place where it is used: a function has one for each call.

    Attributes:
        outer: The frame whose values it may read by name; None for the main graph and functions.
        given: Its inputs that stand for a value of the frame around it.
        depth: How many frames are around it.
    """

    scope: Scope
    outer: Frame | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    depth: int = 0

    @cached_property
    def producers(self) -> dict[str, tuple[onnx.NodeProto, int]]:
        """Value -> the node that gives it, and as which of its outputs."""
        nodes = self.scope.nodes
        return {name: (node, i) for node in nodes for i, name in enumerate(node.output) if name}

    @cached_property
    def constants(self) -> dict[str, onnx.TensorProto]:
        """Value -> what an initializer or a Constant of this scope holds."""
        found = {tensor.name: tensor for tensor in self.scope.initializers}
        for node in self.scope.nodes:
            if node.op_type == "Constant" and node.output:
                held = next(filter(None, map(_held, node.attribute)), None)
                found |= {node.output[0]: held} if held is not None else {}
        return found

    @cached_property
    def inner(self) -> dict[str, list[Scope]]:
        """First output of a node -> the scopes of its subgraphs, in order of attribute."""
        scopes = iter(self.scope.inner)
        found = [(node, [next(scopes) for _ in subgraphs(node)]) for node in self.scope.nodes]
        return {node.output[0]: inner for node, inner in found if inner and node.output}


@dataclass(frozen=True, slots=True)
class Value:
    """A value, where it is read."""

    frame: Frame
    name: str

    @property
    def key(self) -> tuple[int, str]:
        """What tells it from any other value of its model."""
        return id(self.frame), self.name


@dataclass(frozen=True, slots=True)
class Maker:
    """A node that computes a value: no branch, no loop and no function call."""

    frame: Frame
    node: onnx.NodeProto
    index: int

    @property
    def location(self) -> Location:
        value = "" if self.node.name else self.node.output[self.index]
        return self.frame.scope.at(node=self.node, value=value)

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What it reads, in order; an optional input that is left out has an empty name."""
        return tuple(Value(self.frame, name) for name in self.node.input)

    @property
    def value(self) -> Value:
        """What it gives here."""
        return Value(self.frame, self.node.output[self.index])


class Dataflow:
    """Follows values of a model back to what makes them.

    Attributes:
        main: The main graph.
        opset: The version of the standard operators.
    """

    def __init__(self, model: ModelView) -> None:
        main, *functions = model.roots
        self.main = Frame(main)
        self.opset = model.opset_imports.get("", 0)
        self._functions: dict[FunctionId, Scope] = {
            (scope.body.domain, scope.body.name): scope
            for scope in functions
            if isinstance(scope.body, onnx.FunctionProto)
        }
        # One frame for each use of a scope, so that values keep their identity.
        self._frames: dict[tuple[int, str, int], Frame] = {}

    def makers(self, value: Value) -> Iterator[Maker]:
        """The nodes that compute a value: several where it comes out of a branch or a loop."""
        seen: set[tuple[int, str]] = set()
        waiting = [value]
        while waiting:
            current = waiting.pop()
            if not current.name or current.key in seen or current.frame.depth > MAX_DEPTH:
                continue
            seen.add(current.key)
            made = current.frame.producers.get(current.name)
            if made is None:
                waiting.extend(self._outside(current))
                continue
            inside = self._inside(current.frame, *made)
            if inside is None:
                yield Maker(current.frame, *made)
            else:
                waiting.extend(reversed(inside))

    def source(self, value: Value) -> Value:
        """The same value where it is made, or where the model is given it."""
        for _ in range(MAX_DEPTH):
            outside = [] if value.name in value.frame.producers else self._outside(value)
            if not outside:
                break
            value = outside[0]
        return value

    def constant(self, value: Value) -> onnx.TensorProto | None:
        """The tensor of an initializer or a Constant, found through identities and casts."""
        for _ in range(MAX_DEPTH):
            if (tensor := value.frame.constants.get(value.name)) is not None:
                return tensor
            made = value.frame.producers.get(value.name)
            if made and made[0].op_type in {"Identity", "Cast"} and made[0].input:
                value = Value(value.frame, made[0].input[0])
            elif made is None and (outside := self._outside(value)):
                value = outside[0]
            else:
                return None
        return None

    def _outside(self, value: Value) -> list[Value]:
        """What a name without a node in its scope stands for: an argument, or an outer value."""
        frame = value.frame
        if value.name in frame.constants:
            return []
        if value.name in frame.given:
            return [frame.given[value.name]]
        return [Value(frame.outer, value.name)] if frame.outer else []

    def _inside(self, frame: Frame, node: onnx.NodeProto, index: int) -> list[Value] | None:
        """The values inside a node that leave it as its output; None where nothing is inside.

        1. If: the output of each branch, or of the one that is ever taken.
        2. Loop: the body gives its condition first.
        3. Scan: the body gives what the node gives.
        4. A call of a function.
        """
        place = index + (node.op_type == "Loop")
        scopes = self._taken(frame, node)
        function = self._functions.get((node.domain, node.op_type))
        if not scopes and function is None:
            return None
        return [
            Value(self._body(frame, node, scope), scope.output_names[place])
            for scope in (*scopes, *([function] if function else []))
            if place < len(scope.output_names)
        ]

    def _taken(self, frame: Frame, node: onnx.NodeProto) -> list[Scope]:
        """The scopes inside a node: of an If with a constant condition, the branch it selects."""
        scopes = frame.inner.get(node.output[0], [])
        if node.op_type != "If" or not node.input:
            return scopes
        condition = self.constant(Value(frame, node.input[0]))
        truth = None if condition is None else _truth(condition)
        if truth is None:
            return scopes
        names = [name for name, _ in subgraphs(node)]
        wanted = "then_branch" if truth else "else_branch"
        return [scope for name, scope in zip(names, scopes, strict=True) if name == wanted]

    def _body(self, frame: Frame, node: onnx.NodeProto, scope: Scope) -> Frame:
        key = id(frame), node.output[0], id(scope)
        if key not in self._frames:
            is_function = isinstance(scope.body, onnx.FunctionProto)
            # The inputs of Loop, Scan and their bodies stand in the same order; an If has none.
            arguments = (Value(frame, name) for name in node.input)
            given = dict(zip(scope.input_names, arguments, strict=False))
            outer = None if is_function else frame
            self._frames[key] = Frame(scope, outer, given, frame.depth + 1)
        return self._frames[key]


def _truth(tensor: onnx.TensorProto) -> bool | None:
    """Whether a tensor is true; None where it is not one truth value."""
    is_one = tensor.data_type == onnx.TensorProto.BOOL and count_elements(tensor.dims) == 1
    if not is_one or tensor.external_data:
        return None
    try:
        return bool(onnx.numpy_helper.to_array(tensor).all())
    except (TypeError, ValueError):  # Damaged.
        return None


def _held(attribute: onnx.AttributeProto) -> onnx.TensorProto | None:
    """What an attribute of a Constant holds, as a tensor; None for texts and sparse tensors."""
    match attribute.name:
        case "value":
            return attribute.t
        case "value_float":
            return onnx.numpy_helper.from_array(np.array(attribute.f, np.float32))
        case "value_floats":
            return onnx.numpy_helper.from_array(np.array(attribute.floats, np.float32))
        case "value_int":
            return onnx.numpy_helper.from_array(np.array(attribute.i, np.int64))
        case "value_ints":
            return onnx.numpy_helper.from_array(np.array(attribute.ints, np.int64))
        case _:
            return None

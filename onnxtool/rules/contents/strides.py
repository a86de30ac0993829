"""How many feature frames an encoder frame stands for, by the strides on the way."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace

import onnx

from onnxtool.model.attributes import integers
from onnxtool.model.dataflow import Frame
from onnxtool.model.pairing import is_features
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import count_elements
from onnxtool.model.view import Location, ModelView, Scope, subgraphs

_STRIDED = frozenset({"Conv", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool"})
# What gives no values of its inputs, but sizes.
_SIZES = frozenset({"Shape", "Size"})
# What gives more frames again.
_UPSAMPLING = frozenset({"ConvTranspose", "Resize", "Upsample", "DepthToSpace"})
# What may put the time elsewhere, or end it.
_SHAPED = frozenset({"Reshape", "Flatten", "Gather", "GatherND", "Loop", "Scan", "LSTM", "GRU"})
# Functions in one another; more are damage.
MAX_DEPTH = 20
# No encoder makes a frame of ten seconds.
MAX_FACTOR = 1000


@dataclass(frozen=True, slots=True)
class Stride:
    """What became of the time axis of the audio on the way to a value.

    Attributes:
        factor: Feature frames to one of its frames.
        stages: The nodes that multiply it.
        axis: Where the time is, counted from the last axis, -1; None where that is not known.
        rank: How many axes there are; None where that is not known.
    """

    factor: int
    stages: tuple[Location, ...] = ()
    axis: int | None = None
    rank: int | None = None


# Value -> its stride; None where it cannot be told. What does not depend on the audio is not here.
Strides = MutableMapping[str, Stride | None]


def time_stride(model: ModelView, signature: Signature) -> Stride | None:
    """The stride of the encoder's output; None where it is not known, or nothing is strided.

    Strided convolutions and pooling count, and slices with a step. What stacks frames by a reshape
    is not seen: the true factor is a multiple then.
    """
    audio = next((spec for spec in signature.free_inputs if is_features(spec, rank=3)), None)
    output = next((spec for spec in signature.free_outputs if is_features(spec, rank=3)), None)
    times = [axis for axis in audio.dynamic_axes if axis > 0] if audio else []
    if audio is None or output is None or len(times) > 1:
        return None
    axis = times[0] - 3 if times else None
    begun: Strides = {audio.name: Stride(1, axis=axis, rank=3)}
    found = _Walk(model).scope(model.roots[0], begun).get(output.name)
    return found if found and found.stages else None


class _Walk:
    """Follows the time axis forward through a model."""

    def __init__(self, model: ModelView) -> None:
        self._functions = {
            (scope.body.domain, scope.body.name): scope
            for scope in model.roots[1:]
            if isinstance(scope.body, onnx.FunctionProto)
        }
        self._called: dict[object, Strides] = {}
        self._depth = 0

    def scope(self, scope: Scope, known: Strides) -> Strides:
        """The strides of every value of a scope, those that it is given among them."""
        inner, constants = iter(scope.inner), Frame(scope).constants
        for node in scope.nodes:
            bodies = [next(inner) for _ in subgraphs(node)]
            if node.op_type == "If":
                known.update(self._branches(node, bodies, known))
            elif (node.domain, node.op_type) in self._functions:
                known.update(self._call(node, known))
            else:
                read = [known[name] for name in node.input if name in known]
                if read and node.op_type not in _SIZES:
                    stride = _stage(scope, node, _most(read), constants)
                    known.update(dict.fromkeys(node.output, stride))
        return known

    def _branches(self, node: onnx.NodeProto, bodies: list[Scope], known: Strides) -> Strides:
        """What an If gives, by those of its branches that depend on the audio."""
        found: dict[str, list[Stride | None]] = {}
        for body in bodies:
            branch = self.scope(body, ChainMap({}, known))
            for name, inside in zip(node.output, body.output_names, strict=False):
                if inside in branch:
                    found.setdefault(name, []).append(branch[inside])
        return {name: _most(strides) for name, strides in found.items()}

    def _call(self, node: onnx.NodeProto, known: Strides) -> Strides:
        """What a function gives; called with the same again, it gives the same."""
        function = self._functions[node.domain, node.op_type]
        names = zip(function.input_names, node.input, strict=False)
        given: Strides = {inside: known[outside] for inside, outside in names if outside in known}
        key = function.path, tuple(given.items())
        if key not in self._called and self._depth < MAX_DEPTH:
            self._depth += 1
            found = self.scope(function, given)
            self._depth -= 1
            self._called[key] = {
                name: found[name] for name in function.output_names if name in found
            }
        inside = self._called.get(key, {})
        names = zip(node.output, function.output_names, strict=False)
        return {outside: inside[name] for outside, name in names if name in inside}


def _stage(
    scope: Scope,
    node: onnx.NodeProto,
    before: Stride | None,
    constants: Mapping[str, onnx.TensorProto],
) -> Stride | None:
    """What a node makes of it; one that multiplies it is a stage."""
    after = _through(node, before, constants)
    if before is None or after is None or after.factor > MAX_FACTOR:
        return None
    if after.factor == before.factor:
        return after
    place = scope.at(node=node, value="" if node.name else node.output[0])
    return replace(after, stages=(*before.stages, place))


def _most(strides: list[Stride | None]) -> Stride | None:
    """That of the main path: beside it are masks and positions."""
    known = [stride for stride in strides if stride is not None]
    return max(known, key=lambda stride: stride.factor) if len(known) == len(strides) else None


def _through(
    node: onnx.NodeProto, stride: Stride | None, constants: Mapping[str, onnx.TensorProto]
) -> Stride | None:
    """What an operator makes of it."""
    if stride is None or node.op_type in _UPSAMPLING:
        return None
    match node.op_type:
        case operator if operator in _STRIDED:
            return _strided(stride, integers(node, "strides"))
        case "Slice":
            return _sliced(node, stride, constants)
        case "Transpose":
            return _transposed(stride, integers(node, "perm"))
        case "Unsqueeze" | "Squeeze":
            return _reranked(node, stride, constants)
        case operator if operator in _SHAPED or operator.startswith("Reduce"):
            return replace(stride, axis=None, rank=None)
        case _:
            return stride


def _strided(stride: Stride, strides: tuple[int, ...]) -> Stride | None:
    steps = dict(enumerate(strides, start=-len(strides)))
    if stride.axis is None and len(set(strides)) > 1:
        return None
    factor = steps.get(stride.axis, 1) if stride.axis is not None else (*strides, 1)[0]
    return replace(stride, factor=stride.factor * max(1, factor))


def _sliced(
    node: onnx.NodeProto, stride: Stride, constants: Mapping[str, onnx.TensorProto]
) -> Stride | None:
    """A slice with a step leaves every so many frames."""
    if len(node.input) < 5 or not node.input[4]:
        return stride
    axes, steps = (_numbers(constants.get(name)) for name in node.input[3:5])
    if steps is None:
        return None
    if all(step == 1 for step in steps):
        return stride
    if axes is None or stride.axis is None or stride.rank is None:
        return None
    placed = (axis - stride.rank if axis >= 0 else axis for axis in axes)
    along = dict(zip(placed, steps, strict=False))
    return replace(stride, factor=stride.factor * abs(along.get(stride.axis, 1)))


def _transposed(stride: Stride, order: tuple[int, ...]) -> Stride:
    if stride.axis is None:
        return stride
    rank = len(order) or stride.rank or 0
    order, at = order or tuple(reversed(range(rank))), stride.axis + rank
    return replace(stride, axis=order.index(at) - rank if at in order else None, rank=rank or None)


def _reranked(
    node: onnx.NodeProto, stride: Stride, constants: Mapping[str, onnx.TensorProto]
) -> Stride:
    """Axes of size 1 that come or go."""
    given: Sequence[int] | None = integers(node, "axes")
    if not given and len(node.input) > 1:
        given = _numbers(constants.get(node.input[1]))
    if not given or stride.axis is None or stride.rank is None:
        return replace(stride, axis=None, rank=None)
    if node.op_type == "Unsqueeze":
        rank = stride.rank + len(given)
        new = {axis % rank for axis in given}
        old = [axis for axis in range(rank) if axis not in new]
        at = old[stride.axis + stride.rank] if len(old) == stride.rank else rank - 1
        return replace(stride, axis=at - rank, rank=rank)
    gone = {axis % stride.rank for axis in given}
    left = [axis for axis in range(stride.rank) if axis not in gone]
    at = stride.axis + stride.rank
    place = left.index(at) - len(left) if at in left else None
    return replace(stride, axis=place, rank=len(left))


def _numbers(tensor: onnx.TensorProto | None) -> list[int] | None:
    """A few integers of a constant."""
    if tensor is None or tensor.external_data or count_elements(tensor.dims) > 16:
        return None
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (TypeError, ValueError):  # Damaged.
        return None
    return [int(number) for number in array.ravel()] if array.dtype.kind == "i" else None

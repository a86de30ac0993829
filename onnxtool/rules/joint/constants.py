"""What is fixed in a graph: its constants, of which most are never read, and its sizes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import onnx

from onnxtool.errors import ModelLoadError
from onnxtool.model.dataflow import Dataflow, Maker, Value
from onnxtool.model.payload import pieces
from onnxtool.model.skeleton import own_location
from onnxtool.model.stored_tensors import Holder, Storage, read_bytes, stored_tensor
from onnxtool.model.view import ModelView

Array = np.ndarray[Any, np.dtype[Any]]
# A matrix that adds up heads is small: two columns of some ten thousand tokens.
MAX_BYTES = 4 << 20
# Nodes between a shape and a number that is made of it.
MAX_NODES = 24
# What a number that is made of shapes goes through.
_ARITHMETIC = frozenset(
    {"Identity", "Cast", "Gather", "Slice", "Squeeze", "Unsqueeze", "Reshape", "Concat"}
    | {"ConstantOfShape", "Expand", "ReduceProd"}
    | {"Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal"}
)


class Constants:
    """The constants that a dataflow leads to, and the sizes of its values."""

    def __init__(self, model: ModelView, flow: Dataflow) -> None:
        self._model, self.flow = model, flow
        self._numbers: dict[tuple[int, str], float | None] = {}
        self._fixed: dict[tuple[int, str], bool] = {}

    def array(self, value: Value) -> Array | None:
        """What a constant holds; None for what is none, is large, or cannot be read."""
        tensor = self.flow.constant(value)
        return None if tensor is None else self._read(tensor)

    def number(self, value: Value) -> float | None:
        """The one number that all elements of a constant are, if they are all alike."""
        if value.key not in self._numbers:
            self._numbers[value.key] = _number(self.elements(value))
        return self._numbers[value.key]

    def is_fixed(self, value: Value) -> bool:
        """Whether it depends on no values of the inputs: a constant, or made of shapes."""
        if value.key not in self._fixed:
            self._fixed[value.key] = self._is_fixed(value)
        return self._fixed[value.key]

    def _is_fixed(self, value: Value) -> bool:
        waiting, seen = [value], set[tuple[int, str]]()
        while waiting:
            current = waiting.pop()
            if current.key in seen or self.flow.constant(current) is not None:
                continue
            seen.add(current.key)
            makers = list(self.flow.makers(current))
            if not makers or len(seen) > MAX_NODES:
                return False
            for maker in makers:
                if maker.node.op_type in {"Shape", "Size"}:
                    continue
                if maker.node.op_type not in _ARITHMETIC:
                    return False
                waiting.extend(maker.inputs)
        return True

    def size(self, value: Value, axis: int) -> int | None:
        """The size of an axis of a value of the main graph, where shape inference finds it."""
        sizes = self._sizes.get(value.name, ()) if value.frame is self.flow.main else ()
        return sizes[axis] if -len(sizes) <= axis < len(sizes) else None

    def rank(self, value: Value) -> int | None:
        """How many axes a value of the main graph has, likewise."""
        known = value.frame is self.flow.main and value.name in self._sizes
        return len(self._sizes[value.name]) if known else None

    @cached_property
    def _sizes(self) -> dict[str, tuple[int | None, ...]]:
        try:
            graph = onnx.shape_inference.infer_shapes(self._model.proto).graph
        except (RuntimeError, ValueError):  # Damaged: what is declared is known all the same.
            graph = self._model.proto.graph
        return {
            value.name: tuple(
                dim.dim_value if dim.HasField("dim_value") else None
                for dim in value.type.tensor_type.shape.dim
            )
            for value in (*graph.input, *graph.value_info, *graph.output)
            if value.type.tensor_type.HasField("shape")
        }

    def elements(self, value: Value) -> Array | None:
        """What a constant holds, or what a tensor repeats that is made of one."""
        array = self.array(value)
        makers = [] if array is not None else list(self.flow.makers(value))
        if len(makers) != 1:
            return array
        match makers[0].node.op_type:
            case "ConstantOfShape":
                return self._filler(makers[0])
            case "Expand" | "Tile" if makers[0].inputs:
                return self.array(makers[0].inputs[0])
            case _:
                return None

    def _filler(self, maker: Maker) -> Array | None:
        held = next((a.t for a in maker.node.attribute if a.name == "value"), None)
        return np.zeros(1, np.float32) if held is None else self._read(held)

    def _read(self, tensor: onnx.TensorProto) -> Array | None:
        own = own_location(self._model.path)
        stored = stored_tensor(tensor, scope="", holder=Holder.INITIALIZER, model_file=own)
        is_damaged = stored.unreadable or any(size < 0 for size in stored.shape)
        if is_damaged or stored.size_bytes > MAX_BYTES:
            return None
        try:
            if stored.dtype.name == "bool" and stored.storage is not Storage.EXTERNAL:
                read = [np.frombuffer(read_bytes(stored, self._model.path), np.bool_)]
            else:
                read = list(pieces(self._model, stored))
        except ModelLoadError:  # For the rules on files.
            return None
        array = np.concatenate(read) if read else np.zeros(0)
        return array.reshape(stored.shape) if array.size == stored.elements else None


def _number(array: Array | None) -> float | None:
    if array is None or not array.size or array.dtype.kind not in "iuf":
        return None
    first = float(array.flat[0])
    return first if np.isfinite(first) and (array == array.flat[0]).all() else None

"""The same graph with another interface: axes in another order, other types, fixed sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def transpose(graph: onnx.GraphProto, name: str, axes: Sequence[int]) -> None:
    """Take or give a value with its axes in this order."""
    value, is_input = _renamed(graph, name)
    dims = [onnx.TensorShapeProto.Dimension.FromString(d.SerializeToString()) for d in _dims(value)]
    del _dims(value)[:]
    _dims(value).extend(dims[axis] for axis in axes)
    back = [list(axes).index(axis) for axis in range(len(axes))]
    _insert(graph, "Transpose", name, is_input, perm=back if is_input else list(axes))


def narrow(graph: onnx.GraphProto, name: str) -> None:
    """Take or give an int64 as int32."""
    value, is_input = _renamed(graph, name)
    value.type.tensor_type.elem_type = onnx.TensorProto.INT32
    to = onnx.TensorProto.INT64 if is_input else onnx.TensorProto.INT32
    _insert(graph, "Cast", name, is_input, to=to)


def halve(graph: onnx.GraphProto) -> None:
    """Compute in float16, from what is taken to what is given."""
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    stored = [attribute.t for node in graph.node for attribute in node.attribute]
    for tensor in (*graph.initializer, *stored):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if (node.op_type, attribute.name, attribute.i) == ("Cast", "to", 1):
                attribute.i = onnx.TensorProto.FLOAT16


def fix(graph: onnx.GraphProto, symbol: str, size: int) -> None:
    """Make a size of the interface a number."""
    for value in (*graph.input, *graph.output):
        for dim in _dims(value):
            if dim.dim_param == symbol:
                dim.dim_value = size


def rename_axes(graph: onnx.GraphProto, name: str, *symbols: str) -> None:
    """Give all axes of a value symbols, so that none of them is fixed."""
    for dim, symbol in zip(_dims(_value(graph, name)), symbols, strict=True):
        dim.dim_param = symbol


def _value(graph: onnx.GraphProto, name: str) -> onnx.ValueInfoProto:
    found: onnx.ValueInfoProto = next(
        value for value in (*graph.input, *graph.output) if value.name == name
    )
    return found


def _dims(value: onnx.ValueInfoProto) -> list[onnx.TensorShapeProto.Dimension]:
    dims: list[onnx.TensorShapeProto.Dimension] = value.type.tensor_type.shape.dim
    return dims


def _renamed(graph: onnx.GraphProto, name: str) -> tuple[onnx.ValueInfoProto, bool]:
    """A value of the interface, which all nodes now call otherwise, and whether it is an input."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, used in enumerate(names):
                if used == name:
                    names[place] = f"{name}_within"
    return _value(graph, name), any(value.name == name for value in graph.input)


def _insert(
    graph: onnx.GraphProto, operator: str, name: str, is_input: bool, **attributes: Any
) -> None:
    ends = (name, f"{name}_within") if is_input else (f"{name}_within", name)
    node = helper.make_node(operator, [ends[0]], [ends[1]], **attributes)
    graph.node.insert(0 if is_input else len(graph.node), node)

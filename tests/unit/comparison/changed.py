"""A small transducer-like graph, and what may be changed of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnxtool.comparison.diff import Diff, diff
from tests.support.models import write

TEXT = """<ir_version: 8, opset_import: ["": 18]>
g (float[B, 4, T] x, float[B, 4, T] h) => (float[B, 4, T] y, float[B, 4, T] h_out)
<float[4, 4] w, float[1, 4, 1] b>
{
  [name_mul] p = MatMul(w, x)
  [name_add] q = Add(p, b)
  axis = Constant<value = int64[1] {1}>()
  [name_softmax] s = Softmax<axis = 1>(q)
  [name_sum] r = ReduceSum<keepdims = 1>(s, axis)
  [name_div] y = Div(q, r)
  [name_relu] t = Relu(h)
  [name_next] h_out = Add(t, b)
}"""
Change = Callable[[onnx.ModelProto], object]


def base() -> onnx.ModelProto:
    """The graph, with weights that are no two alike."""
    proto = onnx.parser.parse_model(TEXT)
    rng = np.random.default_rng(0)
    del proto.graph.initializer[:]
    for name, shape in (("w", (4, 4)), ("b", (1, 4, 1))):
        values = rng.standard_normal(shape, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(values, name))
    proto.metadata_props.add(key="vocab_size", value="35")
    proto.metadata_props.add(key="comment", value="first")
    proto.producer_name = "pytorch"
    return proto


def node(proto: onnx.ModelProto, output: str) -> onnx.NodeProto:
    """The node that makes a value."""
    found: onnx.NodeProto = next(node for node in proto.graph.node if output in node.output)
    return found


def compared(change: Change, folder: Path) -> Diff:
    """The graph against itself with a change."""
    changed = base()
    change(changed)
    return diff(write(folder / "a.onnx", base()), write(folder / "b.onnx", changed))


def rename(proto: onnx.ModelProto, old: str, new: str) -> None:
    """Call a value otherwise, everywhere."""
    for each in proto.graph.node:
        each.input[:] = [new if name == old else name for name in each.input]
        each.output[:] = [new if name == old else name for name in each.output]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        if value.name == old:
            value.name = new


def declared(proto: onnx.ModelProto, name: str) -> onnx.TypeProto.Tensor:
    """The declared type of an input or output."""
    values = (*proto.graph.input, *proto.graph.output)
    found: onnx.TypeProto.Tensor = next(v for v in values if v.name == name).type.tensor_type
    return found


def set_axes(proto: onnx.ModelProto, axis: int, symbol: str) -> None:
    """Declare an axis of all inputs and outputs."""
    for each in (*proto.graph.input, *proto.graph.output):
        set_axis(proto, each.name, axis, symbol)


def set_axis(proto: onnx.ModelProto, name: str, axis: int, size: int | str | None) -> None:
    """Declare an axis of an input or output."""
    dimension = declared(proto, name).shape.dim[axis]
    dimension.Clear()
    if isinstance(size, int):
        dimension.dim_value = size
    elif size is not None:
        dimension.dim_param = size


def value(name: str, dims: list[int | str]) -> onnx.ValueInfoProto:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

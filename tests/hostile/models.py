"""Models and pieces of models that the hostile files are made from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import onnx
import onnx.parser
from onnx import TensorProto, helper

HEADER = '<ir_version: 8, opset_import: ["": 17, "custom": 1, "local": 1]>'
# The tensor of `external_model`: 100 float32.
WEIGHT_ELEMENTS = 100
WEIGHT_BYTES = 400
_STACK_TRACE = "  /usr/lib/python3/site-packages/torch/nn/modules/linear.py(125): forward\n"


def varint(number: int) -> bytes:
    """The protobuf encoding of a non-negative integer."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def key(number: int, wire_type: int) -> bytes:
    """What comes before a field's value."""
    return varint(number << 3 | wire_type)


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field: a string, bytes or a message."""
    return opening(number, len(content)) + content


def opening(number: int, length: int) -> bytes:
    """The beginning of a length-delimited field, whose content is up to the caller."""
    return key(number, 2) + varint(length)


def model_fields(opset: int = 17) -> bytes:
    """The fields of a ModelProto but for the graph: IR version 8 and an opset."""
    return key(1, 0) + varint(8) + field(8, field(1, b"") + key(2, 0) + varint(opset))


def parse(graph: str, header: str = HEADER) -> bytes:
    """A model from its ONNX text; `graph` may be followed by functions."""
    return bytes(onnx.parser.parse_model(header + graph).SerializeToString())


def write(path: Path, content: bytes) -> Path:
    """Write a file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_sparse(path: Path, head: bytes, size: int) -> Path:
    """Write `head` and zeros up to `size` bytes, which take no room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def small() -> bytes:
    """A sound model of one node."""
    return parse("g (float[4] x) => (float[4] y) { y = Relu(x) }")


def realistic() -> bytes:
    """A sound model of 32 nodes with the stack traces that old exporters leave in them.

    Nodes, a weight of 160,000 bytes and value infos take 30 %, 57 % and 13 % of it, in this order.
    """
    values = ["x", *(f"h{index}" for index in range(31)), "y"]
    nodes = [
        helper.make_node(
            *(("MatMul", [source, "w"]) if index % 2 else ("Relu", [source])),
            [target],
            name=f"/encoder/layers.{index}",
            doc_string=_STACK_TRACE * 35,
        )
        for index, (source, target) in enumerate(pairwise(values))
    ]
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["T", 200], _STACK_TRACE * 15)
        for name in values[1:-1]
    ]
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", 200])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["T", 200])],
        [weight((200, 200), bytes(range(250)) * 640)],
        value_info=infos,
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def weight(
    dims: tuple[int, ...], raw: bytes, *, name: str = "w", data_type: int = TensorProto.FLOAT
) -> TensorProto:
    """A tensor whose bytes need not fit its shape."""
    return TensorProto(name=name, dims=dims, data_type=data_type, raw_data=raw)


def referring(
    reference: Mapping[str, str], *, name: str = "w", dims: tuple[int, ...] = (WEIGHT_ELEMENTS,)
) -> TensorProto:
    """A tensor whose bytes are in another file, as `reference` says."""
    tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    for entry, value in reference.items():
        tensor.external_data.add(key=entry, value=value)
    return tensor


def with_initializers(*tensors: TensorProto) -> onnx.ModelProto:
    """A model that adds its initializers, the first of which is `w`, to its input."""
    text = "g (float[100] x) => (float[100] y) { y = Add(x, w) }"
    model = onnx.parser.parse_model(HEADER + text)
    model.graph.initializer.extend(tensors)
    return model


def external_model(folder: Path, reference: Mapping[str, str]) -> Path:
    """Write a model whose weight is in another file, which is up to the caller."""
    content = with_initializers(referring(reference)).SerializeToString()
    return write(folder / "model.onnx", content)

"""Models for tests, written as ONNX text, or as an interface alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.compose
import onnx.parser
from google.protobuf.message import Message
from onnx import TensorProto, helper

from onnxtool.model.view import ModelView

HEADER = '<ir_version: 10, opset_import: ["": 20, "local": 1]>'
SAMPLES = Path(__file__).parents[2] / "samples"
WORDS_TDT = SAMPLES / "words-tdt"
ELEMENT_TYPES = {
    "f16": TensorProto.FLOAT16,
    "f32": TensorProto.FLOAT,
    "f64": TensorProto.DOUBLE,
    "i32": TensorProto.INT32,
    "i64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "str": TensorProto.STRING,
}


def parse(text: str) -> onnx.ModelProto:
    """A model from the text of its graph, and of its functions if it has any."""
    return onnx.parser.parse_model(HEADER + text)


def model(text: str, opset: int = 21) -> onnx.ModelProto:
    """A model from the text of its graph and functions, with every domain that tests use."""
    domains = f'"": {opset}, "com.microsoft": 1, "custom": 1, "local": 1'
    return onnx.parser.parse_model(f"<ir_version: 10, opset_import: [{domains}]> {text}")


def decoder_joint() -> onnx.ModelProto:
    """Predictor and joint of the sample in one graph, as NeMo's own export has them."""
    predictor, joint = (onnx.load(WORDS_TDT / name) for name in ("predictor.onnx", "joint.onnx"))
    predictor = onnx.compose.add_prefix(predictor, "p/", rename_inputs=False, rename_outputs=False)
    merged = onnx.compose.merge_models(predictor, joint, io_map=[("g", "predictor_output")])
    assert isinstance(merged, onnx.ModelProto)
    return merged


def encoded(message: Message) -> bytes:
    """A message as protobuf writes it."""
    content: bytes = message.SerializeToString()
    return content


def decoded(content: bytes) -> onnx.ModelProto:
    """A model as protobuf reads it."""
    proto: onnx.ModelProto = onnx.ModelProto.FromString(content)
    return proto


def write(path: Path, model: str | onnx.ModelProto | bytes) -> Path:
    """Write a model to `path`, in a folder that is made for it."""
    proto = parse(model) if isinstance(model, str) else model
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return path


def view(model: str | onnx.ModelProto) -> ModelView:
    """A model that no file holds."""
    proto = parse(model) if isinstance(model, str) else model
    return ModelView(proto, Path("model.onnx"))


def interface(inputs: str, outputs: str) -> ModelView:
    """A graph without nodes, its interface as `name f32[B, 80, T]; name i64[B]`."""
    graph = helper.make_graph([], "g", list(values(inputs)), list(values(outputs)))
    return view(helper.make_model(graph))


def values(text: str) -> Iterator[onnx.ValueInfoProto]:
    """Values as `name f32[B, 80, ?]`, separated by semicolons.

    `?` is an axis without a name; a value without axes and brackets has an unknown rank.
    """
    for part in filter(None, map(str.strip, text.split(";"))):
        name, declared = part.split(maxsplit=1)
        element_type, _, axes = declared.rstrip("]").partition("[")
        known = declared.endswith("]")
        shape = [_dimension(axis) for axis in re.findall(r"[^\s,]+", axes)] if known else None
        yield helper.make_tensor_value_info(name, ELEMENT_TYPES[element_type], shape)


def _dimension(text: str) -> int | str | None:
    return None if text == "?" else int(text) if text.isdecimal() else text

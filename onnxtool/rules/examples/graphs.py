"""Models and folders for the examples of rules that one text cannot say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
import onnx.parser

from onnxtool.model.wire import header

Builder = Callable[[Path], Path]
# Text, bytes, a number of zeros, or a JSON object.
Content = str | bytes | int | Mapping[str, object]

HEADER = '<ir_version: 8, opset_import: ["" : 17]>'
ADD = f"{HEADER} g (float[2] x) => (float[2] y) <float[2] w = {{1, 2}}> {{ y = Add(x, w) }}"


def external(location: str, *, offset: int = 0, length: int = 8) -> str:
    """A graph whose weight of two floats is in another file."""
    place = f'"location": "{location}", "offset": "{offset}", "length": "{length}"'
    return f"{HEADER} g (float[2] x) => (float[2] y) <float[2] w = [{place}]> {{ y = Add(x, w) }}"


def beside(text: str, files: Mapping[str, Content]) -> Builder:
    """`model.onnx`, and files beside it."""

    def build(path: Path) -> Path:
        write_all(path, {"model.onnx": text, **files})
        return path / "model.onnx"

    return build


def folder(files: Mapping[str, Content]) -> Builder:
    """A folder of these files, graphs among them."""

    def build(path: Path) -> Path:
        write_all(path, files)
        return path

    return build


def write_all(folder: Path, files: Mapping[str, Content]) -> None:
    """Write each of the files, graphs from their text."""
    for name, content in files.items():
        (folder / name).write_bytes(_encoded(name, content))


def _encoded(name: str, content: Content) -> bytes:
    if isinstance(content, int):
        return bytes(content)
    if isinstance(content, Mapping):
        return json.dumps(content, indent=2).encode()
    if isinstance(content, str) and name.endswith(".onnx"):
        # Not onnx.save, which would look for external data.
        model: bytes = onnx.parser.parse_model(content).SerializeToString()
        return model
    return content.encode() if isinstance(content, str) else content


def constant_outside(folder: Path) -> Path:
    """A graph whose only reference to its weights is in a node, which no text can say."""
    path = beside(external("weights.bin"), {"weights.bin": 8})(folder)
    model = onnx.load(path, load_external_data=False)
    constant = onnx.helper.make_node("Constant", [], ["w"], value=model.graph.initializer.pop())
    model.graph.node.insert(0, constant)
    path.write_bytes(model.SerializeToString())
    return path


def linked(folder: Path) -> Path:
    """A graph whose weights are behind a link."""
    path = beside(external("weights.bin"), {"elsewhere.bin": 8})(folder)
    (folder / "weights.bin").symlink_to("elsewhere.bin")
    return path


def oversized(folder: Path) -> Path:
    """A graph of 2 GB in one file, which holds zeros that take no space on most disks."""
    path = beside(ADD, {})(folder)
    size = 2_000_000_000
    tensor = onnx.TensorProto(name="zeros", data_type=onnx.TensorProto.FLOAT, dims=[size // 4])
    tensor = tensor.SerializeToString() + header(9, size)
    initializer = header(5, len(tensor) + size) + tensor
    graph = header(7, len(initializer) + size) + initializer
    with path.open("ab") as file:
        file.write(graph)
        file.truncate(file.tell() + size)
    return path

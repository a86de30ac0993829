"""Write the full-size Parakeet-TDT 0.6B export from its structure, with random weights.

The graphs beside this script are exports of the 0.6B architecture in which every large tensor is a
reference. This script fills the references with seeded Gaussian values, in the layout that the
exporter writes:

1. `encoder` and `encoder_streaming`: 2.5 GB each, in 295 files beside the graph, one per tensor.
2. `predictor` and `joint`: 47 MB and 25 MB, their weights inside the file.
3. `inline`: no part of the export, but a chain of 110 matrix products in one file of 1.8 GB, close
   to the 2 GB that a protobuf file can hold.

    python materialize.py OUT                    cases 1 and 2: 5.0 GB
    python materialize.py OUT --graph inline     case 3

Needs numpy and onnx. Cases 1 and 3 hold one tensor in memory at a time and case 2 one graph, so
250 MB are enough. The same bytes come out every time.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import zlib
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
EXTERNAL = ("encoder", "encoder_streaming")
INTERNAL = ("predictor", "joint")

PROGRESS_STEP_BYTES = 500_000_000

INLINE_LAYERS = 110
INLINE_SHAPE = (1024, 4096)
# Field numbers of onnx.proto3, where the tag of a length-delimited field is `number << 3 | 2`.
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9


class Progress:
    """Prints a line for every 500 MB of weights written."""

    def __init__(self, graph: str, total_bytes: int) -> None:
        self.graph = graph
        self.total_bytes = total_bytes
        self.done_bytes = 0

    def advance(self, size_bytes: int) -> None:
        """Count one tensor."""
        before, self.done_bytes = self.done_bytes, self.done_bytes + size_bytes
        if before // PROGRESS_STEP_BYTES < self.done_bytes // PROGRESS_STEP_BYTES:
            done, total = self.done_bytes / 1e6, self.total_bytes / 1e6
            print(f"{self.graph}: {done:,.0f} of {total:,.0f} MB", flush=True)


def gaussian(seed_text: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Scaled by 1/sqrt(fan-in), so that activations neither explode nor vanish."""
    rng = np.random.default_rng(zlib.crc32(seed_text.encode()))
    fan_in = max(prod(shape[1:]) if len(shape) > 2 else shape[0], 1)
    return rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(fan_in))


def read_structure(graph: str) -> ModelProto:
    """Decompress one of the graphs beside this script."""
    compressed = (HERE / f"{graph}.graph.onnx.xz").read_bytes()
    return onnx.load_model_from_string(lzma.decompress(compressed))


def references(model: ModelProto) -> list[TensorProto]:
    """Every tensor kept outside the graph, be it an initializer or an attribute of a Constant."""
    attributes = (attribute for node in model.graph.node for attribute in node.attribute)
    constants = (item.t for item in attributes if item.type == onnx.AttributeProto.TENSOR)
    tensors = (*model.graph.initializer, *constants)
    return [tensor for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]


def location(tensor: TensorProto) -> str:
    """Name of the file that the reference points to."""
    entries: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    return entries["location"]


def embed(tensor: TensorProto, values: bytes) -> None:
    """Replace the reference by the values."""
    del tensor.external_data[:]
    tensor.data_location = TensorProto.DEFAULT
    tensor.raw_data = values


def materialize(graph: str, out: Path) -> None:
    """Cases 1 and 2: write one graph of the export and its weights."""
    model = read_structure(graph)
    tensors = references(model)
    progress = Progress(graph, sum(4 * prod(tensor.dims) for tensor in tensors))
    for tensor in tensors:
        values = gaussian(location(tensor) + tensor.name, tuple(tensor.dims)).tobytes()
        if graph in INTERNAL:
            embed(tensor, values)
        else:
            (out / location(tensor)).write_bytes(values)
        progress.advance(len(values))
    (out / f"{graph}.onnx").write_bytes(model.SerializeToString())


def inline_nodes() -> Iterator[NodeProto]:
    """Per layer a product that widens 1024 to 4096, and a slice back to 1024."""
    value = "x"
    for index in range(INLINE_LAYERS):
        name = f"/layers.{index}"
        yield helper.make_node("MatMul", [value, f"w{index}"], [f"m{index}"], name=f"{name}/MatMul")
        bounds = [f"m{index}", "start", "end", "axis"]
        yield helper.make_node("Slice", bounds, [f"x{index}"], name=f"{name}/Slice")
        value = f"x{index}"


def inline_structure() -> ModelProto:
    """The model of case 3 without its initializers."""
    shape = ("batch", "time", INLINE_SHAPE[0])
    source, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ("x", f"x{INLINE_LAYERS - 1}")
    )
    graph = helper.make_graph(list(inline_nodes()), "inline", [source], [result])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def inline_bounds() -> Iterator[bytes]:
    """The small initializers of case 3: where each slice starts and ends, and its axis."""
    for name, number in (("start", 0), ("end", INLINE_SHAPE[0]), ("axis", 2)):
        tensor = numpy_helper.from_array(np.array([number], dtype=np.int64), name)
        yield tensor.SerializeToString()


def varint(number: int) -> bytes:
    """Encode as protobuf does: seven bits a byte, least significant first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def field_header(number: int, length: int) -> bytes:
    """Tag and length that precede the bytes of a length-delimited field."""
    return varint(number << 3 | 2) + varint(length)


def matrix_header(name: str) -> bytes:
    """One large initializer of case 3, up to where its values begin."""
    tensor = TensorProto(dims=INLINE_SHAPE, data_type=TensorProto.FLOAT, name=name)
    values = field_header(TENSOR_RAW_DATA, 4 * prod(INLINE_SHAPE))
    fields: bytes = tensor.SerializeToString() + values
    return field_header(GRAPH_INITIALIZER, len(fields) + 4 * prod(INLINE_SHAPE)) + fields


def write_matrices(file: BinaryIO, headers: Iterable[bytes]) -> None:
    """Draw and write the large initializers, one at a time."""
    progress = Progress("inline", 4 * prod(INLINE_SHAPE) * INLINE_LAYERS)
    rng = np.random.default_rng(0)
    for header in headers:
        file.write(header)
        values = rng.standard_normal(INLINE_SHAPE, dtype=np.float32).tobytes()
        progress.advance(file.write(values))


def materialize_inline(out: Path) -> None:
    """Case 3: frame the fields by hand, since protobuf would hold the whole model in memory."""
    model = inline_structure()
    head = GraphProto(node=model.graph.node, name=model.graph.name).SerializeToString()
    tail = GraphProto(input=model.graph.input, output=model.graph.output).SerializeToString()
    matrices = [matrix_header(f"w{index}") for index in range(INLINE_LAYERS)]
    bounds = b"".join(field_header(GRAPH_INITIALIZER, len(item)) + item for item in inline_bounds())
    matrices_bytes = sum(map(len, matrices)) + 4 * prod(INLINE_SHAPE) * INLINE_LAYERS
    graph_bytes = len(head) + matrices_bytes + len(bounds) + len(tail)
    with (out / "inline.onnx").open("wb") as file:
        file.write(ModelProto(ir_version=model.ir_version).SerializeToString())
        file.write(field_header(MODEL_GRAPH, graph_bytes) + head)
        write_matrices(file, matrices)
        file.write(bounds + tail)
        file.write(ModelProto(opset_import=model.opset_import).SerializeToString())


def main() -> None:
    """Write the wanted graphs, and the metadata file of the export beside them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    choices = [*EXTERNAL, *INTERNAL, "inline", "all"]
    parser.add_argument("--graph", choices=choices, default="all", help="all: cases 1 and 2")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    wanted = [*EXTERNAL, *INTERNAL] if arguments.graph == "all" else [arguments.graph]
    for graph in wanted:
        if graph == "inline":
            materialize_inline(out)
        else:
            materialize(graph, out)
        print(f"wrote {out / graph}.onnx", flush=True)
    if arguments.graph != "inline":
        shutil.copyfile(HERE / "model_meta.json", out / "model_meta.json")


if __name__ == "__main__":
    main()

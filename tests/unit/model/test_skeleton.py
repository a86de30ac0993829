from __future__ import annotations

import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model import skeleton
from onnxtool.model.artifact import load_graph
from onnxtool.model.skeleton import (
    EMBEDDED_KEY,
    LARGE_BYTES,
    Slice,
    expand,
    part_size,
    read_skeleton,
    referenced_files,
    strip,
)
from onnxtool.model.wire import header
from tests.support.models import decoded, encoded, parse, write

GRAPH = "g (float[T] x) => (float[T] y) { y = Relu(x) }"
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9


def tensor(size: int, **fields: Any) -> TensorProto:
    """A uint8 tensor with so many bytes of raw_data."""
    content = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    return TensorProto(
        name="w", data_type=TensorProto.UINT8, dims=[size], raw_data=content, **fields
    )


def model(*initializers: TensorProto) -> ModelProto:
    proto = parse(GRAPH)
    proto.graph.initializer.extend(initializers)
    return proto


def stripped(proto: ModelProto) -> ModelProto:
    return decoded(strip(encoded(proto), "model.onnx"))


def reference(proto: TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in proto.external_data}


# --- Weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, LARGE_BYTES - 1])
def test_small_payload_stays(size: int) -> None:
    proto = model(tensor(size))
    assert stripped(proto) == proto


@pytest.mark.parametrize(
    ("field", "weight"),
    [
        ("raw_data", tensor(LARGE_BYTES)),
        ("float_data", helper.make_tensor("w", TensorProto.FLOAT, [400], range(400))),
        ("double_data", helper.make_tensor("w", TensorProto.DOUBLE, [400], range(400))),
    ],
)
def test_large_payload_becomes_a_reference_to_its_bytes(field: str, weight: TensorProto) -> None:
    content = encoded(model(weight))
    (left,) = decoded(strip(content, "model.onnx")).graph.initializer
    found = reference(left)
    start, length = int(found["offset"]), int(found["length"])
    assert left.data_location == TensorProto.EXTERNAL
    assert (found["location"], found[EMBEDDED_KEY]) == ("model.onnx", field)
    assert content[start : start + length] == numpy_helper.to_array(weight).tobytes()
    assert not getattr(left, field)
    assert (left.name, left.dims, left.data_type) == (weight.name, weight.dims, weight.data_type)


@pytest.mark.parametrize(
    "weight",
    [
        pytest.param(helper.make_tensor("w", 7, [400], range(400)), id="varints"),
        pytest.param(TensorProto(data_type=8, dims=[1], string_data=[b"x" * 2000]), id="strings"),
        pytest.param(tensor(2000, float_data=[1.0]), id="values twice"),
        pytest.param(tensor(2000, data_location=TensorProto.EXTERNAL), id="said to be elsewhere"),
        pytest.param(
            tensor(2000, external_data=[onnx.StringStringEntryProto(key="location", value="w")]),
            id="is elsewhere as well",
        ),
    ],
)
def test_payload_that_is_not_the_tensors_memory_stays(weight: TensorProto) -> None:
    proto = model(weight)
    assert stripped(proto) == proto


@pytest.mark.parametrize("location", [None, TensorProto.DEFAULT])
def test_data_location_is_left_out_or_default_as_it_was(location: int | None) -> None:
    weight = tensor(LARGE_BYTES)
    if location is not None:
        weight.data_location = TensorProto.DEFAULT
    content = encoded(model(weight))
    assert joined(strip(content, "m.onnx"), content) == content


def test_tensor_in_two_pieces_stays() -> None:
    pieces = [tensor(LARGE_BYTES), TensorProto(raw_data=b"the last one wins")]
    attribute = b"".join(header(5, len(p)) + p for p in map(encoded, pieces))
    node = header(5, len(attribute)) + attribute
    graph = header(1, len(node)) + node
    content = header(MODEL_GRAPH, len(graph)) + graph
    assert strip(content, "m.onnx") == content


def test_expanded_model_has_the_size_of_the_file() -> None:
    content = encoded(model(tensor(5000), tensor(10), tensor(LARGE_BYTES)))
    assert sum(map(part_size, expand(strip(content, "m.onnx")))) == len(content)


def test_file_with_a_reference_like_ours_is_refused(tmp_path: Path) -> None:
    weight = TensorProto(name="w", data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "m.onnx"), (EMBEDDED_KEY, "raw_data"), ("length", "9")):
        weight.external_data.add(key=key, value=value)
    with pytest.raises(ModelLoadError, match="reserved"):
        read_skeleton(write(tmp_path / "m.onnx", model(weight, tensor(3000))))


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({EMBEDDED_KEY: "bogus", "offset": "0", "length": "8"}, id="field"),
        pytest.param({EMBEDDED_KEY: "name", "offset": "0", "length": "8"}, id="not a payload"),
        pytest.param({EMBEDDED_KEY: "raw_data", "length": "8"}, id="no offset"),
        pytest.param({EMBEDDED_KEY: "raw_data", "offset": "0", "length": "-8"}, id="length"),
        pytest.param({EMBEDDED_KEY: "raw_data", "offset": "x", "length": "8"}, id="offset"),
    ],
)
def test_reference_that_is_not_ours_is_not_expanded(forged: dict[str, str]) -> None:
    weight = TensorProto(name="w", data_location=TensorProto.EXTERNAL)
    for key, value in forged.items():
        weight.external_data.add(key=key, value=value)
    content = encoded(model(weight))
    assert expand(content) == [content]


def joined(content: bytes, original: bytes) -> bytes:
    return b"".join(
        original[part.offset :][: part.length] if isinstance(part, Slice) else part
        for part in expand(content)
    )


def test_reading_a_gigabyte_of_weights_takes_less_than_a_megabyte(tmp_path: Path) -> None:
    size = 1 << 30
    weight = encoded(TensorProto(name="w", data_type=TensorProto.UINT8, dims=[size]))
    weight += header(TENSOR_RAW_DATA, size)
    graph = header(GRAPH_INITIALIZER, len(weight) + size) + weight
    head = encoded(parse(GRAPH)) + header(MODEL_GRAPH, len(graph) + size) + graph
    path = write(tmp_path / "model.onnx", head)
    os.truncate(path, len(head) + size)
    read_skeleton(write(tmp_path / "warm.onnx", GRAPH))
    tracemalloc.start()
    try:
        proto = read_skeleton(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reference(proto.graph.initializer[0])["length"] == str(size)
    assert peak < 1_000_000


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="file names are Unicode there")
def test_weights_in_a_file_whose_name_is_not_utf8_are_found(tmp_path: Path) -> None:
    path = write(tmp_path / os.fsdecode(b"mod\xe8le.onnx"), model(tensor(3000)))
    (weight,) = read_skeleton(path).graph.initializer
    assert reference(weight)["location"] == r"mod\udce8le.onnx"


REFERRING = """g (bool c, float[4] x) => (float[4] y) <float[4] w = ["location": "w.bin"]> {
    y = If(c) <
        then_branch = a () => (float[4] t) <float[4] v = ["location": "sub/v.bin"]> {
            t = Add(x, v) },
        else_branch = b () => (float[4] e) { e = Add(x, w) }> }"""


def test_referenced_files_are_found_without_parsing(tmp_path: Path) -> None:
    proto = parse(REFERRING)
    not_external = onnx.StringStringEntryProto(key="location", value="old.bin")
    proto.graph.initializer.extend([tensor(3000), tensor(4, external_data=[not_external])])
    path = write(tmp_path / "m.onnx", proto)
    assert referenced_files(path) == {"w.bin", "sub/v.bin"} == load_graph(path).external_locations


def test_referenced_files_of_a_file_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="not an ONNX model"):
        referenced_files(write(tmp_path / "m.onnx", b"\x3a\xff"))


def test_referenced_file_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    content = encoded(parse(REFERRING)).replace(b"w.bin", b"\xff.bin")
    with pytest.raises(ModelLoadError, match="not UTF-8"):
        referenced_files(write(tmp_path / "m.onnx", content))


@pytest.mark.parametrize("size", [1, 2 * LARGE_BYTES])
def test_unknown_fields_are_kept(size: int) -> None:
    content = encoded(model(tensor(3000))) + header(4000, size) + bytes(size)
    assert joined(strip(content, "m.onnx"), content) == content


def test_graph_in_two_pieces_keeps_both(tmp_path: Path) -> None:
    second = encoded(GraphProto(initializer=[tensor(3000)]))
    content = encoded(parse(GRAPH)) + header(MODEL_GRAPH, len(second)) + second
    proto = read_skeleton(write(tmp_path / "m.onnx", content))
    assert len(proto.graph.node) == 1
    assert reference(proto.graph.initializer[0])["length"] == "3000"


# --- Files that are no models --------------------------------------------------------------------


def test_empty_file_is_told_as_empty(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="is empty"):
        read_skeleton(write(tmp_path / "m.onnx", b""))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="No such file"):
        read_skeleton(tmp_path / "m.onnx")


def test_message_without_graph_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no graph"):
        read_skeleton(write(tmp_path / "m.onnx", ModelProto(ir_version=8)))


@pytest.mark.parametrize(
    ("limit", "says"),
    [("MAX_GRAPH_BYTES", "are left without"), ("MAX_PACKED_BYTES", "of packed integers")],
)
@pytest.mark.parametrize("read", [read_skeleton, referenced_files])
def test_more_than_fits_in_memory_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    says: str,
    read: Callable[[Path], object],
) -> None:
    weight = helper.make_tensor("w", TensorProto.INT64, [5000], range(5000))
    path = write(tmp_path / "m.onnx", model(weight))
    monkeypatch.setattr(skeleton, limit, 4000)
    with pytest.raises(ModelLoadError, match=says) as caught:
        read(path)
    assert "raw_data" in caught.value.hint
    monkeypatch.setattr(skeleton, limit, 20_000)
    read(path)

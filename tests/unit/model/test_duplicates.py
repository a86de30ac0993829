"""Large tensors that a model stores more than once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from onnxtool.model import duplicates as module
from onnxtool.model.artifact import load_graph
from onnxtool.model.duplicates import Duplicate, find_duplicates
from tests.support.models import model, write

KIB = 1024


def graph(*tensors: TensorProto) -> onnx.ModelProto:
    proto = model("g (float[2] x) => (float[2] y) { y = Relu(x) }")
    proto.graph.initializer.extend(tensors)
    return proto


def duplicates(proto: onnx.ModelProto, folder: Path) -> tuple[Duplicate, ...]:
    view = load_graph(write(folder / "model.onnx", proto))
    return find_duplicates(view, view.external_files)


def floats(name: str, seed: int, count: int = 512) -> TensorProto:
    rng = np.random.default_rng(seed)
    return numpy_helper.from_array(rng.standard_normal(count, np.float32), name)


def groups(found: Iterable[Duplicate]) -> set[tuple[str, ...]]:
    return {duplicate.names for duplicate in found}


def test_finds_what_is_stored_twice(tmp_path: Path) -> None:
    found = duplicates(graph(floats("a", 1), floats("b", 2), floats("c", 1)), tmp_path)
    assert found == (Duplicate(("a", "c"), 2 * KIB),)


def test_finds_what_is_stored_three_times(tmp_path: Path) -> None:
    found = duplicates(graph(*(floats(name, 1) for name in "abc")), tmp_path)
    assert groups(found) == {("a", "b", "c")}


def test_what_differs_in_one_byte_is_no_duplicate(tmp_path: Path) -> None:
    """At a place that the first, quick look does not see."""
    array = np.zeros(KIB, np.float32)
    other = array.copy()
    other[100] = 1
    tensors = numpy_helper.from_array(array, "a"), numpy_helper.from_array(other, "b")
    assert groups(duplicates(graph(*tensors), tmp_path)) == set()


@pytest.mark.parametrize(
    "other",
    [np.zeros((2, 256), np.float32), np.zeros(512, np.int32), np.zeros(513, np.float32)],
    ids=["shape", "type", "size"],
)
def test_equal_bytes_of_another_kind_are_no_duplicate(
    other: np.ndarray[tuple[int, ...], np.dtype[np.generic]], tmp_path: Path
) -> None:
    tensors = [np.zeros(512, np.float32), other]
    protos = [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(tensors)]
    assert groups(duplicates(graph(*protos), tmp_path)) == set()


def test_small_tensors_are_not_compared(tmp_path: Path) -> None:
    assert groups(duplicates(graph(floats("a", 1, 255), floats("b", 1, 255)), tmp_path)) == set()
    assert groups(duplicates(graph(floats("a", 1, 256), floats("b", 1, 256)), tmp_path)) == {
        ("a", "b")
    }


def test_constants_are_compared_with_initializers(tmp_path: Path) -> None:
    proto = graph(floats("a", 1))
    proto.graph.node.add(op_type="Constant", name="pos_enc", output=["k"]).attribute.add(
        name="value", type=onnx.AttributeProto.TENSOR, t=floats("", 1)
    )
    assert groups(duplicates(proto, tmp_path)) == {("a", "pos_enc")}


def test_numbers_in_typed_fields_are_compared(tmp_path: Path) -> None:
    """float16 in int32_data stays in the skeleton: a varint is no memory of a tensor."""
    values = [int(v) for v in np.arange(600)]
    tensors = [
        TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=[600], int32_data=data)
        for name, data in (("a", values), ("b", values[::-1]), ("c", values))
    ]
    assert groups(duplicates(graph(*tensors), tmp_path)) == {("a", "c")}


def test_different_strings_are_no_duplicates(tmp_path: Path) -> None:
    tensors = []
    for i in range(4):
        texts = [f"{i} {j}".encode() * 9 for j in range(99)]
        tensor = TensorProto(name=f"w{i}", data_type=TensorProto.STRING, dims=[99])
        tensor.string_data.extend(texts)
        tensors.append(tensor)
    assert groups(duplicates(graph(*tensors), tmp_path)) == set()


def external(folder: Path, tensors: Sequence[TensorProto], *files: str) -> onnx.ModelProto:
    """The tensors moved to files of their own."""
    proto = graph(*tensors)
    for tensor, file in zip(proto.graph.initializer, files, strict=True):
        (folder / file).write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=file)
    return proto


def test_external_tensors_are_compared(tmp_path: Path) -> None:
    proto = external(tmp_path, [floats("a", 1), floats("b", 2), floats("c", 1)], "a", "b", "c")
    assert groups(duplicates(proto, tmp_path)) == {("a", "c")}


def test_external_tensors_are_compared_with_embedded_ones(tmp_path: Path) -> None:
    proto = external(tmp_path, [floats("a", 1)], "a.bin")
    proto.graph.initializer.append(floats("b", 1))
    assert groups(duplicates(proto, tmp_path)) == {("a", "b")}


@pytest.mark.parametrize("trouble", ["missing", "short", "outside", "a folder"])
def test_external_tensors_that_cannot_be_read_are_compared_with_nothing(
    trouble: str, tmp_path: Path
) -> None:
    proto = external(tmp_path, [floats("a", 1), floats("b", 1)], "a", "b")
    file = tmp_path / "b"
    if trouble == "short":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.unlink()
    if trouble == "outside":
        proto.graph.initializer[1].external_data[0].value = "../b"
    if trouble == "a folder":
        file.mkdir()
    assert groups(duplicates(proto, tmp_path)) == set()


def test_a_file_that_may_not_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "_sample", refuse)
    assert groups(duplicates(graph(floats("a", 1), floats("b", 1)), tmp_path)) == set()


def test_damaged_tensors_are_like_nothing(tmp_path: Path) -> None:
    tensors = [
        TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[600], float_data=[1.0, 2.0])
        for name in "ab"
    ]
    assert groups(duplicates(graph(*tensors), tmp_path)) == set()

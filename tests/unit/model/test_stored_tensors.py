"""Stored tensors are where the model says, and are read from there."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model.dtypes import DTYPES
from onnxtool.model.skeleton import EMBEDDED_KEY
from onnxtool.model.stored_tensors import Holder, Storage, StoredTensor, read_bytes, stored_tensor
from onnxtool.model.tensors import Shape

NUMERIC = sorted(set(TensorProto.DataType.keys()) - {"UNDEFINED", "STRING"})


def stored(proto: TensorProto) -> StoredTensor:
    return stored_tensor(proto, scope="main", holder=Holder.INITIALIZER, model_file="model.onnx")


def external(**reference: str) -> TensorProto:
    """A float32 tensor of three elements that are in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in reference.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.mark.parametrize(
    ("element_type", "dims", "size"),
    [
        ("FLOAT", (2, 3), 24),
        ("FLOAT", (), 4),
        ("FLOAT", (2, 0), 0),
        ("COMPLEX128", (2,), 32),
        ("INT4", (3,), 2),
        ("UINT4", (4,), 2),
        ("BOOL", (5,), 5),
        ("FLOAT", (-1, 3), 0),
        # More than 64 bits can count, and more digits than Python prints.
        ("FLOAT", (2**40, 2**40), 2**82),
        ("FLOAT", (2**62,) * 300, 2**98),
        ("FLOAT", (0, *(2**62,) * 300), 0),
    ],
)
def test_size_is_that_of_type_and_shape(element_type: str, dims: Shape, size: int) -> None:
    number = TensorProto.DataType.Value(element_type)
    tensor = stored(TensorProto(data_type=number, dims=dims))  # type: ignore[arg-type]
    assert (tensor.size_bytes, tensor.shape) == (size, dims)


def test_size_of_strings_is_what_is_stored() -> None:
    tensor = TensorProto(data_type=TensorProto.STRING, dims=[2], string_data=[b"ab", b"cde"])
    assert stored(tensor).size_bytes == 5


def test_inline_tensor() -> None:
    tensor = stored(helper.make_tensor("w", TensorProto.INT64, [2], [1, 2]))
    assert (tensor.storage, tensor.file, tensor.offset) == (Storage.INLINE, "", 0)
    assert tensor.length is None


def test_external_tensor_has_a_file_and_a_place() -> None:
    tensor = stored(external(location="w.bin", offset="64", length="12"))
    assert (tensor.storage, tensor.file) == (Storage.EXTERNAL, "w.bin")
    assert (tensor.offset, tensor.length, tensor.end) == (64, 12, 76)


def test_external_tensor_without_length_ends_where_its_shape_does() -> None:
    tensor = stored(external(location="w.bin", offset="64"))
    assert (tensor.length, tensor.end) == (None, 64 + 3 * 4)


@pytest.mark.parametrize(
    ("location", "storage"), [("model.onnx", Storage.EMBEDDED), ("other.onnx", Storage.EXTERNAL)]
)
def test_embedded_tensor_is_in_the_models_own_file(location: str, storage: Storage) -> None:
    reference = {"location": location, "offset": "9", "length": "12", EMBEDDED_KEY: "raw_data"}
    assert stored(external(**reference)).storage == storage


def test_own_file_without_our_mark_is_external() -> None:
    assert stored(external(location="model.onnx")).storage == Storage.EXTERNAL


def test_reference_of_a_tensor_that_is_not_external_counts_for_nothing() -> None:
    tensor = external(location="w.bin", offset="x")
    tensor.data_location = TensorProto.DEFAULT
    assert (stored(tensor).storage, stored(tensor).file) == (Storage.INLINE, "")
    assert not stored(tensor).unreadable


@pytest.mark.parametrize("element_type", NUMERIC)
def test_typed_values_are_read_as_the_memory_they_stand_for(element_type: str) -> None:
    number = TensorProto.DataType.Value(element_type)
    proto = helper.make_tensor("w", number, [3], [0, 1, 1])
    raw = numpy_helper.from_array(numpy_helper.to_array(proto)).raw_data
    assert not proto.raw_data
    assert read_bytes(stored(proto), Path("model.onnx")) == raw
    assert len(raw) == -(-3 * (DTYPES[number].bits or 0) // 8)


def test_packed_values_are_read_as_they_are() -> None:
    proto = TensorProto(data_type=TensorProto.INT4, dims=[3], int32_data=[0x21, 0x03])
    assert read_bytes(stored(proto), Path("model.onnx")) == b"\x21\x03"


@pytest.mark.parametrize(
    "proto",
    [
        pytest.param(TensorProto(data_type=1, dims=[3], float_data=[1.0]), id="too few"),
        pytest.param(TensorProto(data_type=1, dims=[3]), id="none"),
        pytest.param(TensorProto(data_type=99, dims=[3], float_data=[1.0] * 3), id="unknown type"),
        pytest.param(TensorProto(data_type=0, dims=[3], float_data=[1.0] * 3), id="no type"),
    ],
)
def test_typed_values_that_do_not_fit_are_damage(proto: TensorProto) -> None:
    with pytest.raises(ModelLoadError, match="damaged"):
        read_bytes(stored(proto), Path("model.onnx"))


@pytest.mark.parametrize("offset", [0, 64, 88])
def test_external_values_are_read_from_their_place(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(bytes(range(100)))
    tensor = stored(external(location="w.bin", offset=str(offset)))
    assert read_bytes(tensor, path) == bytes(range(offset, offset + 12))


@pytest.mark.parametrize(
    ("offset", "length"),
    [("89", "12"), ("-1", "12"), ("0", "-1"), ("9" * 20, "12"), ("0", "9" * 20)],
)
def test_values_outside_the_file_are_not_read(tmp_path: Path, offset: str, length: str) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(bytes(100))
    tensor = stored(external(location="w.bin", offset=offset, length=length))
    with pytest.raises(ModelLoadError, match=r"w\.bin: tensor `w` does not lie within it"):
        read_bytes(tensor, path)


def test_missing_file_of_values_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"w\.bin: cannot be read"):
        read_bytes(stored(external(location="w.bin")), tmp_path / "w.bin")


@pytest.mark.parametrize("text", ["", "x", "0x10", "1_000", " 7 ", "1.0", "٣", "9" * 21])
@pytest.mark.parametrize("key", ["offset", "length"])
def test_place_that_is_no_number_is_kept_as_damage(tmp_path: Path, key: str, text: str) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(100))
    tensor = stored(external(location="w.bin", **{key: text}))
    assert tensor.unreadable == f"{key} {text!r}"
    with pytest.raises(ModelLoadError, match=f"`w` is at {key}"):
        read_bytes(tensor, tmp_path / "w.bin")


def test_place_that_is_a_number_is_no_damage() -> None:
    assert not stored(external(location="w.bin", offset="8", length="12")).unreadable

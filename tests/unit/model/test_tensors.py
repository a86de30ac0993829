from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model.skeleton import EMBEDDED_KEY
from onnxtool.model.tensors import (
    DTYPES,
    DType,
    Holder,
    Shape,
    Storage,
    StoredTensor,
    TensorSpec,
    dtype,
    is_auto_named,
    read_bytes,
    spec_of,
    stored_tensor,
)
from tests.support.models import parse

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


# --- Element types -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMERIC)
def test_element_type_has_the_name_and_width_of_its_array(name: str) -> None:
    number = TensorProto.DataType.Value(name)
    array = np.zeros(8, helper.tensor_dtype_to_np_dtype(number))
    assert array.dtype.name.replace("_", "").startswith(dtype(number).name)
    assert dtype(number).bits == len(numpy_helper.from_array(array).raw_data)


@pytest.mark.parametrize(("number", "name"), [(0, "undefined"), (8, "string"), (99, "type99")])
def test_element_type_without_a_width_keeps_its_name_or_number(number: int, name: str) -> None:
    assert dtype(number) == DType(name, None)


# --- What a graph declares -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param("float[2, 3] x", TensorSpec("x", "float32", (2, 3)), id="sizes"),
        pytest.param("float16[B, 0] x", TensorSpec("x", "float16", ("B", 0)), id="symbol"),
        pytest.param("int64[] x", TensorSpec("x", "int64", None), id="unknown rank"),
        pytest.param("bool x", TensorSpec("x", "bool", ()), id="scalar"),
        pytest.param("bfloat16[?] x", TensorSpec("x", "bfloat16", (None,)), id="unknown size"),
        pytest.param(
            "float[x_dim_0, 3] x",
            TensorSpec("x", "float32", (None, 3), ((0, "x_dim_0"),)),
            id="made up symbol",
        ),
        pytest.param(
            "seq(int64[N, 2, ?]) x",
            TensorSpec("x", "sequence(int64)", None, element_shape=("N", 2, None)),
            id="sequence",
        ),
        pytest.param(
            "seq(float[]) x", TensorSpec("x", "sequence(float32)", None), id="sequence of any rank"
        ),
        pytest.param(
            "optional(seq(float[4])) x",
            TensorSpec("x", "optional(sequence(float32))", None, element_shape=(4,)),
            id="optional",
        ),
        pytest.param(
            "map(string, float[4]) x",
            TensorSpec("x", "map(string, float32)", None, element_shape=(4,)),
            id="map",
        ),
        pytest.param(
            "sparse_tensor(float[4]) x", TensorSpec("x", "sparse(float32)", (4,)), id="sparse"
        ),
    ],
)
def test_declared_type(declared: str, expected: TensorSpec) -> None:
    (value,) = parse(f"g ({declared}) => () {{ }}").graph.input
    assert spec_of(value) == expected


def test_value_without_a_type_is_undefined() -> None:
    assert spec_of(onnx.ValueInfoProto(name="x")) == TensorSpec("x", "undefined", None)


def test_size_below_zero_is_kept() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [-1, 4])
    assert spec_of(value).shape == (-1, 4)


@pytest.mark.parametrize(
    ("symbol", "value", "axis"),
    [
        ("outputs_dim_1", "outputs", 1),
        ("Addoutputs_dim_1", "outputs", 1),
        ("Transposecache_last_time_out_dim_3", "cache_last_time_out", 3),
        ("audio_signal_dynamic_axes_1", "audio_signal", 0),
        ("unk__12", "x", 0),
        ("?", "x", 0),
        ("None", "x", 0),
    ],
)
def test_symbol_that_an_exporter_made_up(symbol: str, value: str, axis: int) -> None:
    assert is_auto_named(symbol, value, axis)


@pytest.mark.parametrize(
    ("symbol", "value", "axis"),
    [
        ("B", "x", 0),
        ("batch", "x", 0),
        ("x_dim_1", "x", 0),
        ("x_dim_0", "y", 0),
        ("hidden_dim_0", "x", 0),
        ("B_dim_0", "x", 0),
        ("Addoutputs", "outputs", 0),
        ("myoutputs_dim_1", "outputs", 1),
        ("Add_outputs_dim_1", "outputs", 1),
        ("past_sequence_length + 1", "x", 2),
        ("unk", "x", 0),
    ],
)
def test_symbol_that_means_something(symbol: str, value: str, axis: int) -> None:
    assert not is_auto_named(symbol, value, axis)


def test_dynamic_axes_are_those_without_a_size() -> None:
    spec = TensorSpec("x", "float32", ("B", 80, None))
    assert spec.dynamic_axes == {0: "B", 2: None}
    assert [spec.axis_name(axis) for axis in spec.dynamic_axes] == ["B", "x:2"]


def test_unknown_rank_has_no_dynamic_axes() -> None:
    assert TensorSpec("x", "float32", None).dynamic_axes == {}


# --- Where stored tensors are --------------------------------------------------------------------


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


# --- Reading them --------------------------------------------------------------------------------


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

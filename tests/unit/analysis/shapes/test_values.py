from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.analysis.shapes.values import (
    MAX_ELEMENTS,
    UNKNOWN,
    Value,
    common,
    from_array,
    from_constant,
    from_tensor,
    stacked,
    tensor_type,
    without_axis,
)


def value(*shape: int | None, elem_type: int = TensorProto.FLOAT) -> Value:
    return Value(tensor_type(elem_type, shape))


def test_nothing_is_known_of_an_unknown_value() -> None:
    assert (UNKNOWN.shape, UNKNOWN.full_shape, UNKNOWN.array, UNKNOWN.scalar) == (None,) * 4
    assert UNKNOWN.elem_type == TensorProto.UNDEFINED


def test_a_scalar_is_not_a_tensor_of_unknown_rank() -> None:
    assert (value().shape, value().full_shape) == ((), ())
    sequence = onnx.TypeProto()
    sequence.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    assert Value(sequence).shape is None


def test_a_shape_is_full_where_every_size_is_known() -> None:
    assert value(2, 0).full_shape == (2, 0)
    assert value(2, None).shape == (2, None)
    assert value(2, None).full_shape is None


def test_a_negative_size_is_one_that_old_exporters_did_not_know() -> None:
    assert value(-1, 3).shape == (None, 3)


@pytest.mark.parametrize(
    ("array", "scalar"),
    [
        (np.array(7), 7),
        (np.array([[7]], dtype=np.uint8), 7),
        (np.array(True), 1),
        (np.array([1, 2]), None),
        (np.array([], dtype=np.int64), None),
        (np.array(float("nan"), dtype=np.float32), None),
        (np.array(2.0, dtype=np.float32), None),
        (np.array(["7"], dtype=object), None),
    ],
    ids=["int", "one element", "bool", "two", "none", "NaN", "float", "string"],
)
def test_the_one_element_of_integers_and_booleans_is_a_scalar(
    array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], scalar: int | None
) -> None:
    assert from_array(array).scalar == scalar


def test_keeps_the_contents_of_a_strided_array() -> None:
    array = np.arange(6, dtype=np.int64).reshape(2, 3).T
    kept = from_array(array).array
    assert kept is not None
    np.testing.assert_array_equal(kept, array)


def test_a_stored_tensor_has_its_contents_if_they_are_small() -> None:
    small = numpy_helper.from_array(np.zeros(MAX_ELEMENTS, np.int8))
    large = numpy_helper.from_array(np.zeros(MAX_ELEMENTS + 1, np.int8))
    assert from_tensor(small).array is not None
    assert from_tensor(large).array is None
    assert from_tensor(large).shape == (MAX_ELEMENTS + 1,)


def test_a_tensor_in_another_file_has_a_shape_only() -> None:
    tensor = TensorProto(dims=[2], data_type=TensorProto.INT64, data_location=TensorProto.EXTERNAL)
    found = from_tensor(tensor)
    assert (found.shape, found.array) == ((2,), None)


@pytest.mark.parametrize(
    "tensor",
    [
        TensorProto(dims=[4], data_type=TensorProto.INT64, raw_data=bytes(8)),
        TensorProto(dims=[4], data_type=TensorProto.FLOAT, float_data=[1, 2, 3]),
        TensorProto(dims=[1], data_type=99, raw_data=bytes(8)),
        TensorProto(dims=[1], raw_data=bytes(8)),
        TensorProto(),
    ],
    ids=["short bytes", "short numbers", "unknown type", "no type", "empty"],
)
def test_a_damaged_tensor_has_no_contents(tensor: TensorProto) -> None:
    found = from_tensor(tensor)
    assert found.array is None
    assert found.shape == tuple(tensor.dims)


@pytest.mark.parametrize(
    ("attributes", "shape", "contents"),
    [
        ({"value": helper.make_tensor("", TensorProto.INT64, [2], [5, 6])}, (2,), [5, 6]),
        ({"value_int": 5}, (), 5),
        ({"value_ints": [5, 6]}, (2,), [5, 6]),
        ({"value_float": 0.5}, (), 0.5),
        ({"value_floats": [0.5, 1.5]}, (2,), [0.5, 1.5]),
        ({"value_string": "a"}, (), None),
        ({"value_strings": ["a", "b", "c"]}, (3,), None),
        ({}, None, None),
    ],
    ids=lambda case: "-".join(case) or "nothing" if isinstance(case, dict) else "",
)
def test_reads_every_kind_of_constant(
    attributes: dict[str, Any], shape: tuple[int, ...] | None, contents: object
) -> None:
    found = from_constant(helper.make_node("Constant", [], ["y"], **attributes))
    assert found.shape == shape
    assert (None if found.array is None else found.array.tolist()) == contents


def test_a_sparse_constant_has_the_shape_of_the_dense_one() -> None:
    values = helper.make_tensor("", TensorProto.FLOAT, [1], [7.0])
    indices = helper.make_tensor("", TensorProto.INT64, [1], [5])
    sparse = helper.make_sparse_tensor(values, indices, [3, 4])
    found = from_constant(helper.make_node("Constant", [], ["y"], sparse_value=sparse))
    assert (found.shape, found.elem_type) == ((3, 4), TensorProto.FLOAT)


@pytest.mark.parametrize(
    ("left", "right", "shared"),
    [
        (value(2, 3), value(2, 3), (2, 3)),
        (value(2, 3), value(2, 4), (2, None)),
        (value(2, None), value(2, 4), (2, None)),
        (value(2), value(2, 3), None),
        (value(2), UNKNOWN, None),
    ],
    ids=["same", "other size", "unknown size", "other rank", "unknown rank"],
)
def test_two_values_have_the_sizes_in_common_that_are_equal(
    left: Value, right: Value, shared: tuple[int | None, ...] | None
) -> None:
    assert common(left, right).shape == shared
    assert common(right, left).shape == shared


def test_what_two_values_have_in_common_has_no_contents() -> None:
    one = from_array(np.array([1]))
    assert common(one, one).shape == (1,)
    assert common(one, one).array is None


def test_two_sequences_of_one_type_stay_that_type() -> None:
    sequence = onnx.TypeProto()
    sequence.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    assert common(Value(sequence), Value(sequence)).type == sequence


@pytest.mark.parametrize(
    ("axis", "shape"),
    [(0, (7, 2, 3)), (1, (2, 7, 3)), (2, (2, 3, 7)), (-1, (2, 3, 7)), (-3, (7, 2, 3)), (3, None)],
)
def test_stacks_along_a_new_axis(axis: int, shape: tuple[int, ...] | None) -> None:
    assert stacked(value(2, 3), 7, axis).shape == shape


def test_nothing_is_known_of_a_stack_of_unknown_values() -> None:
    assert stacked(UNKNOWN, 7).shape is None
    assert stacked(value(2), None).shape == (None, 2)


@pytest.mark.parametrize(
    ("axis", "shape", "count"),
    [(0, (3,), 2), (1, (2,), 3), (-1, (2,), 3), (2, None, None), (-3, None, None)],
)
def test_takes_an_axis_away(axis: int, shape: tuple[int, ...] | None, count: int | None) -> None:
    element, found = without_axis(value(2, 3), axis)
    assert (element.shape, found) == (shape, count)

"""Element types have the names and widths of their arrays."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.model.dtypes import DType, dtype

NUMERIC = sorted(set(TensorProto.DataType.keys()) - {"UNDEFINED", "STRING"})


@pytest.mark.parametrize("name", NUMERIC)
def test_element_type_has_the_name_and_width_of_its_array(name: str) -> None:
    number = TensorProto.DataType.Value(name)
    array = np.zeros(8, helper.tensor_dtype_to_np_dtype(number))
    assert array.dtype.name.replace("_", "").startswith(dtype(number).name)
    assert dtype(number).bits == len(numpy_helper.from_array(array).raw_data)


@pytest.mark.parametrize(("number", "name"), [(0, "undefined"), (8, "string"), (99, "type99")])
def test_element_type_without_a_width_keeps_its_name_or_number(number: int, name: str) -> None:
    assert dtype(number) == DType(name, None)

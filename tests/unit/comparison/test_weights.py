"""Weights by content and by distance, wherever they are stored."""

from __future__ import annotations

import math
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.comparison import payload
from onnxtool.comparison.diff import diff
from onnxtool.comparison.difference import Kind
from onnxtool.comparison.weights import Distance, WeightComparison
from onnxtool.errors import ModelLoadError, UnsafeExternalDataError
from tests.support.models import write


def graph(tensor: TensorProto) -> onnx.ModelProto:
    """A graph that gives a weight."""
    ends = [helper.make_tensor_value_info(name, 1, None) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", tensor.name], ["y"])]
    return helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [tensor]))


def compared(one: TensorProto, other: TensorProto, folder: Path) -> WeightComparison:
    a, b = write(folder / "a.onnx", graph(one)), write(folder / "b.onnx", graph(other))
    weights = diff(a, b).graphs[0].weights
    assert weights
    return weights


def distance(one: object, other: object, folder: Path, dtype: object = np.float32) -> Distance:
    arrays = (np.array(values).astype(dtype) for values in (one, other))  # type: ignore[call-overload]
    first, second = (numpy_helper.from_array(array, "w") for array in arrays)
    weights = compared(first, second, folder)
    (change,) = weights.changes
    assert change.distance
    return change.distance


def test_distances_are_what_they_are_by_definition(tmp_path: Path) -> None:
    found = distance([3.0, 4.0], [3.0, 4.5], tmp_path)
    assert found.max_abs == 0.5
    assert found.relative_frobenius == pytest.approx(0.1)
    assert found.cosine == pytest.approx(27 / (5 * math.hypot(3, 4.5)))


def test_they_are_the_same_in_many_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, 1000), np.float32)
    whole = distance(one, other, tmp_path)
    monkeypatch.setattr(payload, "PIECE_ELEMENTS", 64)
    monkeypatch.setattr(payload, "BLOCK_ELEMENTS", 24)
    pieces = distance(one, other, tmp_path)
    assert pieces.max_abs == whole.max_abs
    assert pieces.relative_frobenius == pytest.approx(whole.relative_frobenius)
    assert pieces.cosine == pytest.approx(whole.cosine)
    exact = np.linalg.norm(other.astype(float) - one) / np.linalg.norm(one.astype(float))
    assert whole.relative_frobenius == pytest.approx(float(exact))


@pytest.mark.parametrize(
    "dtype",
    [np.float16, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8, np.uint8],
)
def test_every_type_has_distances(dtype: object, tmp_path: Path) -> None:
    assert distance([1, 2, 3, 4] * 300, [1, 2, 3, 6] * 300, tmp_path, dtype).max_abs == 2


@pytest.mark.parametrize(("data_type", "largest"), [("INT4", 2.0), ("UINT4", 2.0)])
def test_halves_of_bytes_have_distances(data_type: str, largest: float, tmp_path: Path) -> None:
    kind = TensorProto.DataType.Value(data_type)
    one, other = (
        TensorProto(name="w", data_type=kind, dims=[2403], raw_data=first + bytes(1201))
        for first in (b"\x21", b"\x41")
    )
    (change,) = compared(one, other, tmp_path).changes
    assert change.distance
    assert change.distance.max_abs == largest


def test_another_precision_is_measured_too(tmp_path: Path) -> None:
    one = numpy_helper.from_array(np.array([1.0, 2.0], np.float32), "w")
    other = numpy_helper.from_array(np.array([1.0, 2.5], np.float16), "w")
    (change,) = compared(one, other, tmp_path).changes
    assert change.types == ("float32 [2]", "float16 [2]")
    assert change.distance
    assert change.distance.max_abs == 0.5


def test_nan_is_counted_and_not_measured(tmp_path: Path) -> None:
    found = distance([1.0, math.nan, math.nan], [2.0, math.nan, 0.0], tmp_path)
    assert (found.max_abs, found.non_finite) == (1.0, 1)


def test_zero_has_no_direction(tmp_path: Path) -> None:
    found = distance([0.0, 0.0], [1.0, 0.0], tmp_path)
    assert (found.relative_frobenius, found.cosine) == (None, None)


def test_numbers_at_the_end_of_their_type_are_told(tmp_path: Path) -> None:
    found = distance([1e308, 1.0], [-1e308, 1.0], tmp_path, np.float64)
    assert math.isfinite(found.max_abs)
    assert found.cosine is None


def external(proto: onnx.ModelProto, path: Path) -> Path:
    onnx.save(proto, path, save_as_external_data=True, location="w.data", size_threshold=0)
    return path


def test_where_weights_are_stored_is_cosmetic(tmp_path: Path) -> None:
    proto = graph(numpy_helper.from_array(np.arange(900, dtype=np.float32), "w"))
    inline = write(tmp_path / "a.onnx", proto)
    found = diff(inline, external(proto, tmp_path / "b.onnx"))
    assert [d.kind for d in found.differences] == [Kind.STORAGE]
    assert not found.fails()


def test_missing_weights_are_an_error_unless_they_are_left_out(tmp_path: Path) -> None:
    proto = graph(numpy_helper.from_array(np.arange(900, dtype=np.float32), "w"))
    path = external(proto, tmp_path / "b.onnx")
    (tmp_path / "w.data").unlink()
    with pytest.raises(UnsafeExternalDataError, match="is missing"):
        diff(path, path)
    found = diff(path, path, weights=False)
    assert found.differences == ()
    assert found.graphs[0].not_compared


def test_too_few_bytes_are_an_error(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=1, dims=[900], raw_data=bytes(3000))
    path = write(tmp_path / "a.onnx", graph(tensor))
    with pytest.raises(ModelLoadError, match="has not the bytes of its type and shape"):
        diff(path, path)


def test_an_unused_weight_is_found_again_by_its_content(tmp_path: Path) -> None:
    used = numpy_helper.from_array(np.ones(3, np.float32), "w")
    paths = []
    for name in ("left", "right"):
        proto = graph(used)
        proto.graph.initializer.append(
            numpy_helper.from_array(np.arange(5, dtype=np.float32), name)
        )
        paths.append(write(tmp_path / f"{name}.onnx", proto))
    assert [d.kind for d in diff(*paths).differences] == [Kind.WEIGHTS_RENAMED]

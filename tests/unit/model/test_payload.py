"""Values in pieces and rows, from wherever they are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model import payload
from onnxtool.model.artifact import load_graph
from onnxtool.model.payload import pieces, read_row

TABLE = np.arange(4096, dtype=np.float32).reshape(64, 64)


def saved(path: Path, *, external: bool) -> Path:
    node = helper.make_node("Identity", ["w"], ["y"])
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [64, 64])
    graph = helper.make_graph([node], "g", [], [output], [numpy_helper.from_array(TABLE, "w")])
    model = helper.make_model(graph)
    onnx.save(model, path / "m.onnx", save_as_external_data=external, location="m.data")
    return path / "m.onnx"


@pytest.mark.parametrize("external", [False, True])
def test_pieces_make_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, external: bool
) -> None:
    monkeypatch.setattr(payload, "PIECE_BYTES", 1024)
    model = load_graph(saved(tmp_path, external=external))
    read = list(pieces(model, model.tensors[0]))
    assert len(read) == 16
    np.testing.assert_array_equal(np.concatenate(read), TABLE.ravel())


@pytest.mark.parametrize("external", [False, True])
def test_a_row_is_read_alone(tmp_path: Path, *, external: bool) -> None:
    model = load_graph(saved(tmp_path, external=external))
    np.testing.assert_array_equal(read_row(model, model.tensors[0], 63), TABLE[63])
    assert read_row(model, model.tensors[0], 64) is None


def test_a_file_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path, external=True)
    (tmp_path / "m.data").write_bytes(bytes(100))
    model = load_graph(path)
    with pytest.raises(ModelLoadError):
        list(pieces(model, model.tensors[0]))

"""Releases for tests: a folder of a graph with external weights, and what lies beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from tests.support.models import parse, write

WEIGHTS = {"a": 600, "b": 500}


def graph() -> onnx.ModelProto:
    """A graph with two weights inside, and a constant."""
    proto = parse("""g (float[T, 4] x) => (float[T, 4] y) {
        [k] k = Constant<value = float[1] {3}>() y = Add(x, k) }""")
    for index, (name, size) in enumerate(WEIGHTS.items()):
        array = np.full(size, index, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(array, name))
    return proto


def make_release(folder: Path, proto: onnx.ModelProto | None = None) -> Path:
    """Write a graph, its weights in `sub/`, a vocabulary and an orphan."""
    (folder / "sub").mkdir(parents=True)
    proto = proto or graph()
    for tensor in proto.graph.initializer:
        location = f"sub/{tensor.name}.bin"
        (folder / location).write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
    write(folder / "m.onnx", proto)
    (folder / "vocab.txt").write_text("a 0\n<blk> 1\n")
    (folder / "stale.bin").write_bytes(b"old")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder

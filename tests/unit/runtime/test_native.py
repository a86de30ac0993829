"""What is said of a session reaches ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnxruntime
import pytest

from onnxtool.runtime.native import NativeSession, _native
from onnxtool.runtime.options import Optimization, SessionOptions
from tests.support.models import model, write


@pytest.mark.parametrize("spinning", [True, False])
def test_threads_of_both_pools_wait_as_told(spinning: bool) -> None:
    native = _native(SessionOptions(threads=2, spinning=spinning, parallel=True), "")
    for pool in ("intra_op", "inter_op"):
        entry = native.get_session_config_entry(f"session.{pool}.allow_spinning")
        assert entry == str(int(spinning))


def test_the_other_options_are_those_of_the_session() -> None:
    options = SessionOptions(
        threads=3, optimization=Optimization.BASIC, arena=False, prepacking=False, parallel=True
    )
    native = _native(options, "")
    assert (native.intra_op_num_threads, native.inter_op_num_threads) == (3, 3)
    assert native.execution_mode == onnxruntime.ExecutionMode.ORT_PARALLEL
    assert not native.enable_cpu_mem_arena
    assert native.get_session_config_entry("session.disable_prepacking") == "1"
    assert native.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC


@pytest.mark.parametrize("dtype", ["bfloat16", "float8e4m3fn", "float"])
def test_types_that_numpy_does_not_have_are_run_as_well(tmp_path: Path, dtype: str) -> None:
    text = f"g ({dtype}[n] x) => ({dtype}[n] y) {{ y = Identity(x) }}"
    path = write(tmp_path / "m.onnx", model(text, opset=19))
    name = {"float8e4m3fn": "float8_e4m3fn", "float": "float32"}.get(dtype, dtype)
    x = np.array([1, -2], ml_dtypes.bfloat16).astype(name)
    (y,) = NativeSession(path, SessionOptions(threads=1)).values({"x": x})
    assert (y == x).all()

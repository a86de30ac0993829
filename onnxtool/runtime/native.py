"""Sessions in this process, for those who time them: processes that were started for that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from onnxtool.runtime.options import PROVIDER, Optimization, SessionOptions

Array = np.ndarray[Any, np.dtype[Any]]
_LEVELS = {
    Optimization.NONE: onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    Optimization.BASIC: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    Optimization.EXTENDED: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    Optimization.ALL: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


class NativeSession:
    """A model in this process.

    Args:
        path: The .onnx file.
        options: How to run it.
        trace: What the files of ONNX Runtime's profiler begin with; empty for no profiling.
    """

    def __init__(self, path: Path, options: SessionOptions, trace: str = "") -> None:
        self._session = onnxruntime.InferenceSession(
            os.fspath(path), _native(options, trace), providers=[PROVIDER]
        )
        self._names = [output.name for output in self._session.get_outputs()]
        self._run = _run_of(self._session, self._names)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run it once, and name what comes out."""
        return dict(zip(self._names, self.values(feeds), strict=True))

    def values(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """Run it once, with no more around it than ONNX Runtime's own call.

        Of types that NumPy does not have, values are copied besides.
        """
        return self._run(feeds)

    @property
    def output_names(self) -> Sequence[str]:
        return self._names

    def end_profiling(self) -> str:
        """Write the trace, and tell where."""
        return str(self._session.end_profiling())


def _run_of(
    session: onnxruntime.InferenceSession, names: Sequence[str]
) -> Callable[[Mapping[str, Array]], Sequence[Array]]:
    types = [value.type for value in (*session.get_inputs(), *session.get_outputs())]
    if not any("bfloat16" in each or "float8" in each for each in types):
        return partial(session.run, None)
    # It imports more than a process of which memory is measured should.
    from onnxtool.runtime.narrow_types import run_narrow

    return partial(run_narrow, session, names)


def pin(cores: Sequence[int]) -> None:
    """Let this process run on these cores alone, where the system can do that."""
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, cores)


def _native(options: SessionOptions, trace: str) -> onnxruntime.SessionOptions:
    native = onnxruntime.SessionOptions()
    native.graph_optimization_level = _LEVELS[options.optimization]
    native.intra_op_num_threads = options.threads
    native.inter_op_num_threads = options.threads if options.parallel else 1
    native.execution_mode = (
        onnxruntime.ExecutionMode.ORT_PARALLEL
        if options.parallel
        else onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    )
    native.enable_cpu_mem_arena = options.arena
    native.log_severity_level = 4
    for pool in ("intra_op", "inter_op"):
        native.add_session_config_entry(
            f"session.{pool}.allow_spinning", "1" if options.spinning else "0"
        )
    if not options.prepacking:
        native.add_session_config_entry("session.disable_prepacking", "1")
    for name, size in options.free_dimensions:
        native.add_free_dimension_override_by_name(name, size)
    if trace:
        native.enable_profiling = True
        native.profile_file_prefix = trace
    return native

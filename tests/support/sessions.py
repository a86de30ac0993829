"""ONNX Runtime without a process of its own, for tests of many small graphs that end."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.runtime.session import Session

Array = np.ndarray[Any, np.dtype[Any]]


class LocalSession(Session):
    """A session in this process: another would take a hundred times as long as what it runs."""

    _model: onnxruntime.InferenceSession | None = None

    def prepare(self) -> None:
        """There is no process to start."""

    def open(self) -> None:
        if self._model is not None:
            return
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._model = onnxruntime.InferenceSession(
                os.fspath(self.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            raise RunRefusedError(str(error)) from None

    def run(
        self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        self.open()
        assert self._model is not None
        names = list(outputs or (output.name for output in self._model.get_outputs()))
        try:
            return dict(zip(names, self._model.run(names, dict(feeds)), strict=True))
        except Exception as error:  # noqa: BLE001 - see above
            raise RunRefusedError(str(error)) from None

    def close(self) -> None:
        self._model = None

"""The graph that ONNX Runtime makes of a graph before it runs it."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from onnxtool.model.artifact import load_graph
from onnxtool.runtime.session import Limits, Session, SessionSettings


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a runtime makes of a graph.

    Attributes:
        operators: How many nodes it has of each.
        by: The runtime, with its version.
    """

    operators: Counter[str]
    by: str


def rewritten(path: Path, limits: Limits) -> Rewritten:
    """The graph as ONNX Runtime optimizes it for this machine.

    Raises:
        RunError: It cannot be loaded, or is too large to be written in one piece (2 GiB).
    """
    with tempfile.TemporaryDirectory() as folder:
        optimized = Path(folder) / "rewritten.onnx"
        with Session(path, SessionSettings(optimized_path=optimized), limits) as session:
            session.open()
        by = f"ONNX Runtime {version('onnxruntime')}"
        return Rewritten(load_graph(optimized).operators, by)

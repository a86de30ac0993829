"""Who looks on while something is found out by running a graph: for a full-size one, a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.errors import OnnxToolError
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.session import Limits, Session

Array = np.ndarray[Any, np.dtype[Any]]


class StoppedError(OnnxToolError):
    """Somebody wanted to stop before it was found out."""


@dataclass(frozen=True)
class Watch:
    """Who looks on.

    Attributes:
        progress: Told about each run.
        stopped: Asked before each run whether to stop.
    """

    progress: Progress = SILENT
    stopped: Callable[[], bool] = lambda: False

    @contextmanager
    def session(self, path: Path, limits: Limits) -> Iterator[Session]:
        """A session of a graph, whose runs are counted; nobody knows how many there will be."""
        self.progress.start(f"finding out the chunks of {path.name}", 0, "runs")
        try:
            with _WatchedSession(path, self, limits) as session:
                yield session
        finally:
            self.progress.finish()


class _WatchedSession(Session):
    def __init__(self, path: Path, watch: Watch, limits: Limits) -> None:
        super().__init__(path, limits=limits)
        self._watch = watch

    def run(
        self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        if self._watch.stopped():
            raise StoppedError("interrupted")
        values = super().run(feeds, outputs)
        self._watch.progress.advance(1)
        return values

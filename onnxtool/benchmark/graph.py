"""A graph to measure, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import Subject
from onnxtool.benchmark.watch import Watch
from onnxtool.model.bundle import Bundle
from onnxtool.model.signature import Signature
from onnxtool.model.view import ModelView
from onnxtool.runtime.session import Limits


@dataclass(frozen=True)
class Graph:
    """A graph and what is known of it.

    Attributes:
        frame_s: Seconds of audio in a feature frame, or None.
        folder: The folder that it is one part of, if that is what is measured.
        request: What is asked.
        subject: Whose graph it is.
        watch: Who looks on while it is found out how to run it.
    """

    view: ModelView
    signature: Signature
    frame_s: float | None
    folder: Bundle | None
    request: BenchmarkRequest
    subject: Subject
    watch: Watch

    @property
    def name(self) -> str:
        return self.view.path.name

    @property
    def limits(self) -> Limits:
        """What a session that finds something out may take."""
        return Limits(self.request.time_limit_s)

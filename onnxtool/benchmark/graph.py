"""A graph to measure, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from onnxtool.benchmark.request import BenchmarkRequest
from onnxtool.benchmark.result import Subject
from onnxtool.model.bundle import Bundle
from onnxtool.model.signature import Signature
from onnxtool.model.view import ModelView


@dataclass(frozen=True)
class Graph:
    """A graph and what is known of it.

    Attributes:
        frame_s: Seconds of audio in a feature frame, or None.
        folder: The folder that it is one part of, if that is what is measured.
        request: What is asked.
        subject: Whose graph it is.
    """

    view: ModelView
    signature: Signature
    frame_s: float | None
    folder: Bundle | None
    request: BenchmarkRequest
    subject: Subject

    @property
    def name(self) -> str:
        return self.view.path.name

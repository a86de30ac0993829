"""Bytes of a file of weights that no tensor refers to, which a repacked file has none of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from onnxtool.errors import ModelLoadError
from onnxtool.model.artifact import CHUNK_BYTES
from onnxtool.model.hashing import Span


def unreferenced_bytes(path: Path, spans: Iterable[Span]) -> int:
    """How many bytes belong to no tensor.

    1. All that follow the last tensor.
    2. Between tensors, those of gaps that hold anything but the zeros of an alignment.

    Raises:
        ModelLoadError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            *gaps, tail = _gaps(spans, path.stat().st_size)
            filled = 0
            for gap in gaps:  # 2
                file.seek(gap.offset)
                if any(any(file.read(size)) for size in _pieces(gap.length)):
                    filled += gap.length
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error
    return filled + tail.length  # 1


def _gaps(spans: Iterable[Span], size_bytes: int) -> Iterator[Span]:
    """What lies before, between and, always, after the spans."""
    position = 0
    for span in sorted(spans):
        if span.offset > position:
            yield Span(position, span.offset - position)
        position = max(position, span.end)
    yield Span(position, max(size_bytes - position, 0))


def _pieces(length: int) -> Iterator[int]:
    for start in range(0, length, CHUNK_BYTES):
        yield min(CHUNK_BYTES, length - start)

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from onnxtool.errors import ModelLoadError
from onnxtool.model.artifact import CHUNK_BYTES
from onnxtool.model.hashing import MAX_OVERLAP, HashedFile, Span, hash_files
from onnxtool.progress import Progress

SIZE = 3 * CHUNK_BYTES + 17
CONTENT = np.random.default_rng(0).bytes(SIZE)


class Counting(Progress):
    """Counts what is reported."""

    def __init__(self) -> None:
        self.started: tuple[str, int, str] | None = None
        self.done, self.finished = 0, False

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        self.started = label, total, unit

    def advance(self, count: int) -> None:
        self.done += count

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(CONTENT)
    return tmp_path / "file"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def hashed(path: Path, *spans: Span, whole: bool = True) -> HashedFile:
    return hash_files({path: spans}, whole=whole)[path]


@pytest.mark.parametrize(
    "span",
    [
        Span(0, SIZE),
        Span(0, 1),
        Span(SIZE - 1, 1),
        Span(0, 0),
        Span(SIZE, 0),
        Span(CHUNK_BYTES, CHUNK_BYTES),
        Span(CHUNK_BYTES - 1, 2),
        Span(5, 2 * CHUNK_BYTES + 3),
    ],
)
def test_a_span_is_hashed_wherever_the_pieces_end(path: Path, span: Span) -> None:
    found = hashed(path, span)
    assert found.spans[span] == sha256(CONTENT[span.offset : span.end])
    assert (found.sha256, found.size_bytes) == (sha256(CONTENT), SIZE)


def test_spans_may_overlap_and_leave_gaps(path: Path) -> None:
    spans = [Span(10, 20), Span(15, 2 * CHUNK_BYTES), Span(15, 1), Span(CHUNK_BYTES * 2, 9)]
    found = hashed(path, *spans)
    for span in spans:
        assert found.spans[span] == sha256(CONTENT[span.offset : span.end])


def test_without_the_whole_file_only_spans_are_hashed(path: Path) -> None:
    found = hashed(path, Span(1, 7), whole=False)
    assert (found.sha256, found.spans[Span(1, 7)]) == ("", sha256(CONTENT[1:8]))


def test_an_empty_file_has_the_hash_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = hashed(tmp_path / "file", Span(0, 0))
    assert found.sha256 == found.spans[Span(0, 0)] == sha256(b"")


def test_every_byte_is_reported_once(path: Path) -> None:
    progress = Counting()
    hash_files({path: [Span(0, 9), Span(3, SIZE - 3)]}, label="x", progress=progress)
    assert progress.started == ("x", SIZE, "bytes")
    assert (progress.done, progress.finished) == (SIZE, True)


@pytest.mark.parametrize("span", [Span(0, SIZE + 1), Span(SIZE, 1), Span(-1, 2), Span(5, -1)])
def test_a_span_outside_the_file_is_refused(path: Path, span: Span) -> None:
    with pytest.raises(ModelLoadError, match="ends inside a tensor"):
        hashed(path, span)


def test_spans_that_overlap_beyond_reason_are_refused(path: Path) -> None:
    spans = [Span(offset, SIZE - offset) for offset in range(MAX_OVERLAP + 1)]
    with pytest.raises(ModelLoadError, match="overlap more than 16 times"):
        hashed(path, *spans)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="No such file"):
        hashed(tmp_path / "file")

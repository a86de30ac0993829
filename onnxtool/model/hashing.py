"""SHA-256 of files and of ranges inside them, in one pass over the bytes, files in parallel."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from onnxtool.errors import ModelLoadError
from onnxtool.model.artifact import CHUNK_BYTES, HASH_THREADS
from onnxtool.progress import SILENT, Progress

# Sound models do not overlap their tensors. One that refers to the same bytes in many ways would
# take as many times as long to hash.
MAX_OVERLAP = 16


class Span(NamedTuple):
    """A range of bytes of a file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file that was read to its end.

    Attributes:
        sha256: Of the whole file; empty where only spans were asked for.
        spans: SHA-256 of each span that was asked for.
    """

    size_bytes: int
    sha256: str
    spans: Mapping[Span, str]


def hash_files(
    wanted: Mapping[Path, Collection[Span]],
    *,
    whole: bool = True,
    label: str = "SHA-256",
    progress: Progress = SILENT,
) -> dict[Path, HashedFile]:
    """Hash files, and spans of them, each byte being read once.

    Args:
        wanted: The files, and the spans of each.
        whole: Hash the files as well, and not only the spans.
        label: What the progress is of.
        progress: Is told of every byte read.

    Raises:
        ModelLoadError: A file cannot be read, ends inside a span, or has spans that overlap more
            than `MAX_OVERLAP` times.
    """
    sizes = {path: _size(path) for path in wanted}
    # The largest first, so that no thread begins with one when the others are done.
    paths = sorted(wanted, key=lambda path: -sizes[path])
    progress.start(label, sum(sizes.values()))
    try:
        with ThreadPoolExecutor(HASH_THREADS) as pool, ThreadPoolExecutor(HASH_THREADS) as beside:
            one = partial(_hash_file, whole=whole, beside=beside, progress=progress)
            hashed = list(pool.map(one, paths, [wanted[path] for path in paths]))
    finally:
        progress.finish()
    return dict(zip(paths, hashed, strict=True))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


@dataclass(slots=True)
class _Running:
    """The hash of a span that is being read."""

    span: Span
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    def update(self, chunk: memoryview, position: int) -> bool:
        """Take what is the span's of a chunk that begins at `position`; True when it is whole."""
        start = max(self.span.offset - position, 0)
        self.sha256.update(chunk[start : max(self.span.end - position, start)])
        return self.span.end <= position + len(chunk)


def _hash_file(
    path: Path, spans: Collection[Span], *, whole: bool, beside: Executor, progress: Progress
) -> HashedFile:
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            _check(path, spans, size)
            # Often a file is one tensor: then the file's hash is the tensor's.
            everything = Span(0, size)
            whole = whole or everything in spans
            hashing = _Hashing(whole, {*spans} - {everything, *_empty(spans)}, beside)
            piece = memoryview(bytearray(CHUNK_BYTES))
            while count := file.readinto(piece):
                hashing.update(piece[:count])
                progress.advance(count)
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error
    if hashing.position != size:
        raise ModelLoadError(path, "changed while it was read", offset=hashing.position)
    sha256 = hashing.whole.hexdigest() if hashing.whole else ""
    nothing = dict.fromkeys(_empty(spans), hashlib.sha256().hexdigest())
    return HashedFile(size, sha256, {**hashing.done, **nothing, everything: sha256})


def _empty(spans: Iterable[Span]) -> set[Span]:
    return {span for span in spans if not span.length}


def _check(path: Path, spans: Collection[Span], size: int) -> None:
    for span in spans:
        if not 0 <= span.offset <= span.end <= size:
            raise ModelLoadError(path, "ends inside a tensor", offset=size)
    if sum(span.length for span in {*spans}) > MAX_OVERLAP * size:
        raise ModelLoadError(
            path,
            f"holds tensors that overlap more than {MAX_OVERLAP} times",
            hint="no exporter writes such a file",
        )


class _Hashing:
    """The hash of a file and those of its spans, while the file is read from its beginning."""

    def __init__(self, whole: bool, spans: Iterable[Span], beside: Executor) -> None:
        self.whole = hashlib.sha256() if whole else None
        self.done: dict[Span, str] = {}
        self.position = 0
        self._beside = beside
        self._waiting = sorted(spans, reverse=True)
        self._running: list[_Running] = []

    def update(self, chunk: memoryview) -> None:
        """Take the next bytes of the file."""
        end = self.position + len(chunk)
        while self._waiting and self._waiting[-1].offset < end:
            self._running.append(_Running(self._waiting.pop()))
        if self.whole and self._running:
            # Both hashes take the processor for the whole chunk, so each gets one.
            hashed = self._beside.submit(self.whole.update, chunk)
            self._update_spans(chunk)
            hashed.result()
        elif self.whole:
            self.whole.update(chunk)
        else:
            self._update_spans(chunk)
        self.position = end

    def _update_spans(self, chunk: memoryview) -> None:
        unfinished = []
        for running in self._running:
            if running.update(chunk, self.position):
                self.done[running.span] = running.sha256.hexdigest()
            else:
                unfinished.append(running)
        self._running = unfinished

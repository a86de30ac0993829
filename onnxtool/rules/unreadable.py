"""What of a folder cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.model.contract import StreamingConfig, find_contract, read_contract
from onnxtool.model.manifests import LOCK_FILE
from onnxtool.model.metadata import read_metadata
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming
from onnxtool.rules.subject import BundleSubject


def unreadable(bundle: BundleSubject) -> Iterator[tuple[str, OnnxToolError]]:
    """Each file of the folder that is not what its name promises, and why."""
    yield from bundle.bundle.unreadable
    for path, read in _promises(bundle):
        try:
            read(path)
        except MetadataError as error:
            yield path.name, error


def _promises(bundle: BundleSubject) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    """Files that say what was promised, and how each is read."""
    folder = bundle.bundle.path
    if not bundle.settings.contract and (path := find_contract(folder)):
        yield path, _read_promise
    if (path := folder / LOCK_FILE).is_file():
        yield path, read_metadata


def _read_promise(path: Path) -> None:
    """A contract, or a streaming configuration, of which any field will do."""
    if path.name != STREAMING_NAME or read_streaming(path) == StreamingConfig():
        read_contract(path)

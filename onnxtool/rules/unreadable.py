"""What of a folder cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.model.bundle import Bundle
from onnxtool.model.contract import StreamingConfig, find_contract, read_contract
from onnxtool.model.manifests import LOCK_FILE
from onnxtool.model.metadata import read_metadata
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming


def unreadable(bundle: Bundle, *, own_contract: bool) -> Iterator[tuple[str, OnnxToolError]]:
    """Each file of a folder that is not what its name promises, and why.

    Args:
        bundle: The folder.
        own_contract: Whether its own contract counts, and not one from elsewhere.
    """
    yield from bundle.unreadable
    for path, read in _promises(bundle.path, own_contract=own_contract):
        try:
            read(path)
        except MetadataError as error:
            yield path.name, error


def _promises(
    folder: Path, *, own_contract: bool
) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    """Files that say what was promised, and how each is read."""
    if own_contract and (path := find_contract(folder)):
        yield path, _read_promise
    if (path := folder / LOCK_FILE).is_file():
        yield path, read_metadata


def _read_promise(path: Path) -> None:
    """A contract, or a streaming configuration, of which any field will do."""
    if path.name != STREAMING_NAME or read_streaming(path) == StreamingConfig():
        read_contract(path)

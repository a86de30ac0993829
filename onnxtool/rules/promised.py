"""What was promised of a graph's streaming, and by what file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import MetadataError
from onnxtool.model.contract import Contract, StreamingConfig
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming
from onnxtool.rules.answer import Skipped


@dataclass(frozen=True)
class Declared:
    """A streaming configuration that was promised, and the file that does so."""

    config: StreamingConfig
    path: Path

    @property
    def source(self) -> str:
        return self.path.name


def promised(contract: Contract | None, folder: Path | None) -> Declared:
    """What a contract promises of a graph's streaming, or the `streaming.json` of its folder.

    Raises:
        Skipped: Nothing does, or it cannot be read.
    """
    path = folder / STREAMING_NAME if folder else None
    if contract and contract.streaming and contract.path != path:
        return Declared(contract.streaming, contract.path)
    if not path or not path.is_file():
        raise Skipped("no contract and no streaming.json says how it streams")
    try:
        return Declared(read_streaming(path), path)
    except MetadataError as error:
        raise Skipped(f"{error} (X012)") from None

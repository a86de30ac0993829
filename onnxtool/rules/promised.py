"""What was promised of a graph's streaming, and by what file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.errors import MetadataError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming
from onnxtool.rules.rule import Skipped

if TYPE_CHECKING:
    from onnxtool.rules.subject import GraphSubject


@dataclass(frozen=True)
class Declared:
    """A streaming configuration that was promised, and the file that does so."""

    config: StreamingConfig
    path: Path

    @property
    def source(self) -> str:
        return self.path.name


def promised(graph: GraphSubject) -> Declared:
    """What a contract promises of its streaming, or a `streaming.json` beside it.

    Raises:
        Skipped: Nothing does, or it cannot be read.
    """
    contract, path = graph.contract, graph.view.folder / STREAMING_NAME
    if contract and contract.streaming and contract.path != path:
        return Declared(contract.streaming, contract.path)
    if not graph.bundle or not path.is_file():
        raise Skipped("no contract and no streaming.json says how it streams")
    try:
        return Declared(read_streaming(path), path)
    except MetadataError as error:
        raise Skipped(f"{error} (X012)") from None

"""What `repack` wrote, as a document and as JSON.

The keys of the JSON are a public contract; its schema is docs/json-schemas/repack-1.json.
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.render.document import Align, Block, Document, Facts, Heading, Table
from onnxtool.render.units import count, listed, size
from onnxtool.transforms.repack import PackedFile, RepackedGraph, RepackResult

SCHEMA = "onnxtool.repack/1"
LEFT, RIGHT = Align.LEFT, Align.RIGHT


def document(result: RepackResult) -> Document:
    """What was written, for people."""
    return tuple(_blocks(result))


def _blocks(result: RepackResult) -> Iterator[Block]:
    yield Heading(str(result.path), level=1, note="repacked, tensors identical")
    columns = ("graph", "graph file", "weight files", "before", "weights", "tensors", "moved")
    align = (LEFT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT)
    yield Table(columns, tuple(_row(graph) for graph in result.graphs), align)
    tensors = sum(graph.tensors for graph in result.graphs)
    facts = [("verified", f"{count(tensors, 'tensor')} read back and identical, graphs unchanged")]
    if result.copied:
        facts.append(("copied", listed(result.copied, None)))
    if result.left_behind:
        facts.append(("left behind", listed(result.left_behind)))
    yield Facts(tuple(facts))


def _row(graph: RepackedGraph) -> tuple[str, ...]:
    weights = sum(file.size_bytes for file in graph.data)
    return (
        graph.graph.name,
        size(graph.graph.size_bytes),
        f"{len(graph.data):,}",
        f"{graph.files_before:,}",
        size(weights),
        f"{graph.tensors:,}",
        f"{graph.moved:,}",
    )


def as_json(result: RepackResult) -> dict[str, object]:
    """What was written, for programs."""
    return {
        "schema": SCHEMA,
        "path": str(result.path),
        "graphs": [
            {
                "source": str(graph.source),
                "graph": _file(graph.graph),
                "data": [_file(file) for file in graph.data],
                "weight_files_before": graph.files_before,
                "tensors": graph.tensors,
                "moved": graph.moved,
                "tensors_identical": True,
            }
            for graph in result.graphs
        ],
        "copied": list(result.copied),
        "left_behind": list(result.left_behind),
    }


def _file(file: PackedFile) -> dict[str, object]:
    return {"name": file.name, "size_bytes": file.size_bytes}

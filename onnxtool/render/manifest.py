"""What a manifest locks, and what is not as it says, as documents and as JSON.

The keys of the JSON are a public contract; the schema is docs/json-schemas/manifest-verify-1.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from onnxtool.release.contents import ORPHAN
from onnxtool.release.graph_comparison import Difference, GraphChange, Verdict
from onnxtool.release.lockfile import Manifest
from onnxtool.release.verification import ManifestVerification
from onnxtool.render.document import (
    Align,
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Table,
    Tone,
)
from onnxtool.render.units import count, listed, size

VERIFY_SCHEMA = "onnxtool.manifest-verify/1"
LEFT, RIGHT = Align.LEFT, Align.RIGHT


def written(manifest: Manifest, path: Path) -> Document:
    """What a new manifest locks, for people."""
    return tuple(_written(manifest, path))


def _written(manifest: Manifest, path: Path) -> Iterator[Block]:
    yield Heading(str(path), level=1, note="written")
    kinds = dict.fromkeys(file.kind for file in manifest.files)
    rows = []
    for kind in kinds:
        sizes = [file.size_bytes for file in manifest.files if file.kind == kind]
        rows.append((kind, f"{len(sizes):,}", size(sum(sizes))))
    yield Table(("kind", "files", "size"), tuple(rows), (LEFT, RIGHT, RIGHT))
    tensors = sum(len(graph.tensors) for graph in manifest.graphs)
    facts = [("tensors", f"{tensors:,} in {count(len(manifest.graphs), 'graph')}")]
    if orphans := [file.path for file in manifest.files if file.kind == ORPHAN]:
        facts.append(("belong to nothing", listed(orphans)))
    yield Facts(tuple(facts))


def verified(result: ManifestVerification) -> Document:
    """What is not as the manifest says, for people."""
    return tuple(_verified(result))


def _verified(result: ManifestVerification) -> Iterator[Block]:
    yield Heading(str(result.folder), level=1, note=_verdict(result))
    files = f"{count(result.files, 'file')}, {size(result.size_bytes)}"
    facts = [
        ("manifest", str(result.manifest)),
        ("locked", f"{files}, {count(result.tensors, 'tensor')}"),
    ]
    if result.version_changes:
        versions = (f"{v.package} {v.locked}, here {v.found}" for v in result.version_changes)
        facts.append(("written with", listed(versions, None)))
    yield Facts(tuple(facts))
    if result.file_changes:
        yield Heading("Files", note=f"{len(result.file_changes):,} changed")
        rows = tuple(
            (
                change.change.value,
                change.path,
                change.kind,
                _short(change.locked),
                _short(change.found),
            )
            for change in result.file_changes
        )
        yield Table(("", "file", "kind", "locked", "found"), rows, tone=_tone(result))
    for graph in result.graph_changes:
        yield from _graph(graph)


def _verdict(result: ManifestVerification) -> str:
    if result.identical:
        return "as locked"
    return "repacked, tensors identical" if result.repacked else "not as locked"


def _tone(result: ManifestVerification) -> Tone:
    return Tone.PLAIN if result.repacked else Tone.BAD


def _short(value: str) -> str:
    """The beginning of a hash: it is there to be told from another, not to be copied."""
    return value if len(value) != 64 else f"{value[:12]}…"


def _graph(change: GraphChange) -> Iterator[Block]:
    note = "repacked, tensors identical"
    yield Heading(change.file, note=note if change.verdict is Verdict.REPACKED else change.verdict)
    match change.verdict:
        case Verdict.REPACKED:
            yield Paragraph("Its weights are stored elsewhere; graph and tensors are the same.")
        case Verdict.MISSING:
            yield Paragraph("The graph is not there.", Tone.BAD)
        case Verdict.EXTRA:
            yield Paragraph("The manifest has no such graph.", Tone.BAD)
        case Verdict.UNREADABLE:
            yield Paragraph(change.trouble, Tone.BAD)
        case Verdict.CHANGED:
            yield from _changed(change)


def _changed(change: GraphChange) -> Iterator[Block]:
    if change.structure and not change.interface:
        yield Paragraph("Changed: nodes, attributes, names or metadata.", Tone.BAD)
    if change.interface:
        yield _table("interface", change.interface)
    if change.tensors:
        yield _table("tensor", change.tensors)


def _table(what: str, differences: Sequence[Difference]) -> Table:
    rows = tuple((d.what, _content(d.locked), _content(d.found)) for d in differences)
    return Table((what, "locked", "found"), rows, tone=Tone.BAD)


def _content(text: str) -> str:
    """A tensor's dtype, shape and the beginning of its hash."""
    before, _, last = text.rpartition(" ")
    return f"{before} {_short(last)}" if before else text or "none"


def as_json(result: ManifestVerification) -> dict[str, object]:
    """What is not as the manifest says, for programs."""
    return {
        "schema": VERIFY_SCHEMA,
        "folder": str(result.folder),
        "manifest": str(result.manifest),
        "identical": result.identical,
        "repacked": result.repacked,
        "files": result.files,
        "size_bytes": result.size_bytes,
        "tensors": result.tensors,
        "file_changes": [
            {
                "path": change.path,
                "kind": change.kind,
                "change": change.change.value,
                "locked": change.locked or None,
                "found": change.found or None,
            }
            for change in result.file_changes
        ],
        "graph_changes": [
            {
                "file": change.file,
                "verdict": change.verdict.value,
                "structure": change.structure,
                "interface": _differences(change.interface),
                "tensors": _differences(change.tensors),
                "trouble": change.trouble or None,
            }
            for change in result.graph_changes
        ],
        "version_changes": [
            {"package": change.package, "locked": change.locked, "found": change.found}
            for change in result.version_changes
        ],
    }


def _differences(differences: Sequence[Difference]) -> list[dict[str, object]]:
    return [
        {"what": each.what, "locked": each.locked or None, "found": each.found or None}
        for each in differences
    ]

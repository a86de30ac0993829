"""Folders that are passed as one model."""

from __future__ import annotations

import os
from pathlib import Path

from .case import Case, damaged, fine, refused, why_readable
from .models import external_model, small, write, write_sparse


def folder_empty(folder: Path) -> Case:
    """A folder without files."""
    return refused(folder, folder, "no .onnx file")


def folder_without_graphs(folder: Path) -> Case:
    """A folder of other things."""
    write(folder / "README.md", b"# To be done\n")
    return refused(folder, folder, "no .onnx file")


def folder_unreadable(folder: Path) -> Case:
    """A folder that its reader may not look into."""
    path = folder / "private"
    write(path / "model.onnx", small())
    path.chmod(0)
    return refused(path, folder, "permission denied", skip=why_readable(path))


def folder_with_graphs_below(folder: Path) -> Case:
    """A folder whose graphs are in a folder of it."""
    write(folder / "onnx" / "model.onnx", small())
    return refused(folder, folder, "no .onnx file", "/onnx?")


def folder_of_broken_graphs(folder: Path) -> Case:
    """A folder none of whose graphs can be read."""
    write(folder / "decoder.onnx", b"")
    write(folder / "encoder.onnx", b"version https://git-lfs.github.com/spec/v1\n")
    return refused(folder, folder, "decoder.onnx", "empty")


def folder_with_a_broken_graph(folder: Path) -> Case:
    """A folder one of whose graphs can be read."""
    write(folder / "encoder.onnx", small())
    write(folder / "decoder.onnx", b"version https://git-lfs.github.com/spec/v1\n")
    return damaged(folder, folder, "decoder.onnx", "git lfs")


def folder_with_odd_graphs(folder: Path) -> Case:
    """A folder with a graph, and a pipe, a device and a loop by the names of graphs."""
    write(folder / "encoder.onnx", small())
    os.mkfifo(folder / "pipe.onnx")
    (folder / "device.onnx").symlink_to("/dev/zero")
    (folder / "loop.onnx").symlink_to("loop.onnx")
    return damaged(folder, folder, "pipe.onnx", "device.onnx", "loop.onnx")


def folder_of_a_graphs_name(folder: Path) -> Case:
    """A folder by the name of a graph, in a folder with a graph."""
    write(folder / "encoder.onnx", small())
    write(folder / "old.onnx" / "notes.txt", b"not a graph\n")
    return fine(folder, folder)


def folder_with_external_in_parent(folder: Path) -> Case:
    """A location that leads out of the folder, whose neighbours are nobody's business."""
    write(folder / "neighbour-of-the-model.txt", b"private")
    external_model(folder / "model", {"location": "../w.bin"})
    return damaged(folder / "model", folder, "../w.bin")


def folder_with_external_through_link(folder: Path) -> Case:
    """The same by a link in the middle of the location."""
    write(folder / "private" / "neighbour-of-the-model.txt", b"private")
    external_model(folder / "model", {"location": "data/w.bin"})
    (folder / "model" / "data").symlink_to("../private")
    return damaged(folder / "model", folder, "data/w.bin")


def folder_with_external_too_long(folder: Path) -> Case:
    """A location in a folder whose name no folder can have."""
    external_model(folder, {"location": f"{'n' * 1_000}/w.bin"})
    return damaged(folder, folder, "too long")


def folder_with_external_of_nul(folder: Path) -> Case:
    """A location in a folder whose name ends early in C."""
    external_model(folder, {"location": "a\0b/w.bin"})
    return damaged(folder, folder, "names no file")


def metadata_not_json(folder: Path) -> Case:
    """Metadata that stop in the middle."""
    return _metadata(folder, b'{"sample_rate": 16000,\n  "blank', "2:")


def metadata_nested(folder: Path) -> Case:
    """Metadata deep enough to overflow the stack of a parser that recurses."""
    return _metadata(folder, b'{"a": ' + b"[" * 200_000, "nested")


def metadata_of_long_number(folder: Path) -> Case:
    """Metadata with a number that Python refuses to read."""
    return _metadata(folder, b'{"sample_rate": ' + b"9" * 10_000 + b"}", "digits")


def metadata_not_utf8(folder: Path) -> Case:
    """Metadata in another encoding."""
    return _metadata(folder, '{"author": "Löwe"}'.encode("latin-1"), "utf-8")


def metadata_of_zeros(folder: Path) -> Case:
    """Metadata of 2 GB."""
    write(folder / "model.onnx", small())
    write_sparse(folder / "model_meta.json", b"", 2_000_000_000)
    return damaged(folder, folder, "model_meta.json", "larger")


def metadata_of_odd_text(folder: Path) -> Case:
    """Metadata that are sound JSON, of half a character, controls and markup."""
    write(folder / "model.onnx", small())
    text = r'{"author": "\ud800", "\u001b[31m[/nope]\u202e": "\u009b\n"}'
    write(folder / "model_meta.json", text.encode())
    return fine(folder, folder)


def metadata_of_infinity(folder: Path) -> Case:
    """Metadata with a number that becomes infinite, which JSON cannot say again."""
    return _metadata(folder, b'{"sample_rate": 1e999}', "1e999")


def metadata_is_pipe(folder: Path) -> Case:
    """Metadata and a vocabulary that nobody writes."""
    write(folder / "model.onnx", small())
    os.mkfifo(folder / "model_meta.json")
    os.mkfifo(folder / "vocab.txt")
    return damaged(folder, folder, "model_meta.json", "vocab.txt", "pipe")


def vocabulary_of_long_number(folder: Path) -> Case:
    """A token whose id Python refuses to read."""
    return _vocabulary(folder, b"a 0\nb " + b"9" * 10_000 + b"\n", "2")


def vocabulary_with_gap(folder: Path) -> Case:
    """Tokens one of which is missing."""
    return _vocabulary(folder, b"a 0\nb 2\n", "id 1", "missing")


def vocabulary_not_utf8(folder: Path) -> Case:
    """Tokens in another encoding."""
    return _vocabulary(folder, b"\xff\xfe 0\n", "utf-8")


def _metadata(folder: Path, content: bytes, *says: str) -> Case:
    write(folder / "model.onnx", small())
    write(folder / "model_meta.json", content)
    return damaged(folder, folder, "model_meta.json", *says)


def _vocabulary(folder: Path, content: bytes, *says: str) -> Case:
    write(folder / "model.onnx", small())
    write(folder / "vocab.txt", content)
    return damaged(folder, folder, "vocab.txt", *says)

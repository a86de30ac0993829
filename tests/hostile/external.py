"""Models whose weights are in another file, which is not what the model says."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import onnx.parser

from .case import Case, damaged, refused, why_readable
from .models import HEADER, WEIGHT_BYTES, external_model, referring, with_initializers, write

_WEIGHTS = bytes(range(200)) * 2


def external_missing(folder: Path) -> Case:
    """The file of weights is not there."""
    return damaged(_referring(folder), folder, "w.bin", "missing")


def external_missing_in_constant(folder: Path) -> Case:
    """The same for a tensor that is an attribute of a node."""
    model = onnx.parser.parse_model(
        f"{HEADER} g (float[100] x) => (float[100] y) {{ c = Constant() y = Add(x, c) }}"
    )
    tensor = referring({"location": "w.bin"})
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("value", tensor))
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "w.bin", "missing")


def external_missing_in_subgraph(folder: Path) -> Case:
    """The same for an initializer of a subgraph."""
    inner = with_initializers(referring({"location": "w.bin"})).graph
    del inner.input[:]
    model = onnx.parser.parse_model(
        f"{HEADER} g (bool c, float[100] x) => (float[100] y) {{ y = If(c) }}"
    )
    for name in ("then_branch", "else_branch"):
        model.graph.node[0].attribute.append(onnx.helper.make_attribute(name, inner))
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "w.bin", "missing")


def external_missing_in_sparse(folder: Path) -> Case:
    """The same for the values of a sparse initializer."""
    model = with_initializers()
    sparse = model.graph.sparse_initializer.add(dims=[100])
    sparse.values.CopyFrom(referring({"location": "w.bin"}))
    sparse.indices.CopyFrom(onnx.helper.make_tensor("i", 7, [100], range(100)))
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "w.bin", "missing")


def external_one_byte_short(folder: Path) -> Case:
    """The last byte of the weights is not there."""
    write(folder / "w.bin", _WEIGHTS[:-1])
    return damaged(_referring(folder), folder, "w.bin", "399", "400")


def external_empty(folder: Path) -> Case:
    """The file of weights has no bytes."""
    write(folder / "w.bin", b"")
    return damaged(_referring(folder), folder, "w.bin", "0 bytes", "400")


def external_is_lfs_pointer(folder: Path) -> Case:
    """The graph was downloaded, the weights were not."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 400\n"
    write(folder / "w.bin", pointer)
    return damaged(_referring(folder), folder, "w.bin", "git lfs")


def external_offset_beyond_end(folder: Path) -> Case:
    """The weights begin where the file has ended."""
    return _with_weights(folder, {"offset": "1000"}, "w.bin", "400", "1,400")


def external_offset_of_2_to_62(folder: Path) -> Case:
    """The weights begin where no file reaches."""
    return _with_weights(folder, {"offset": str(2**62)}, "w.bin")


def external_offset_of_thousand_digits(folder: Path) -> Case:
    """The weights begin at a number that is itself an attack."""
    return _with_weights(folder, {"offset": "9" * 1_000}, "offset", "main:w")


def external_offset_negative(folder: Path) -> Case:
    """The weights begin before the file does."""
    return _with_weights(folder, {"offset": "-8"}, "w.bin", "negative")


def external_offset_not_a_number(folder: Path) -> Case:
    """The weights begin at a word."""
    return _with_weights(folder, {"offset": "here"}, "offset", "here", "main:w")


def external_length_too_small(folder: Path) -> Case:
    """The reference gives fewer bytes than the shape takes."""
    return _with_weights(folder, {"length": "399"}, "399", "400", "main:w")


def external_length_negative(folder: Path) -> Case:
    """The reference gives a negative number of bytes."""
    return _with_weights(folder, {"length": "-400"}, "-400", "main:w")


def external_length_not_a_number(folder: Path) -> Case:
    """The reference gives words for a number of bytes."""
    return _with_weights(folder, {"length": "0x190"}, "length", "0x190", "main:w")


def external_without_location(folder: Path) -> Case:
    """The weights are elsewhere, and no word on where."""
    return damaged(external_model(folder, {"offset": "0"}), folder, "names no file", "main:w")


def external_location_empty(folder: Path) -> Case:
    """The weights are in a file without a name."""
    return _elsewhere(folder, "", "names no file", "main:w")


def external_location_with_nul(folder: Path) -> Case:
    """The weights are in a file with a name that C reads as another."""
    write(folder / "w.bin", _WEIGHTS)
    return _elsewhere(folder, "w.bin\0.txt", "names no file")


def external_location_too_long(folder: Path) -> Case:
    """The weights are in a file whose name no file can have."""
    return _elsewhere(folder, f"{'n' * 1_000}/w.bin", "too long")


def external_location_absolute(folder: Path) -> Case:
    """The weights are the list of this machine's users."""
    return _elsewhere(folder, "/etc/passwd", "/etc/passwd", "absolute")


def external_location_of_windows(folder: Path) -> Case:
    """The weights are on somebody's drive C."""
    return _elsewhere(folder, "C:\\weights.bin", "c:\\weights.bin", "absolute")


def external_location_in_parent(folder: Path) -> Case:
    """The weights are outside the model's folder, and there."""
    write(folder / "w.bin", _WEIGHTS)
    path = external_model(folder / "model", {"location": "../w.bin"})
    return damaged(path, folder, "../w.bin", "folder")


def external_location_in_parent_of_windows(folder: Path) -> Case:
    """The weights are outside the model's folder, for Windows alone."""
    return _elsewhere(folder, "..\\w.bin", "..\\w.bin", "folder")


def external_location_is_folder(folder: Path) -> Case:
    """The weights are a folder."""
    (folder / "w.bin").mkdir()
    return damaged(_referring(folder), folder, "w.bin", "folder")


def external_location_is_model_folder(folder: Path) -> Case:
    """The weights are the very folder that the model is in."""
    return _elsewhere(folder, ".", "folder")


def external_unreadable(folder: Path) -> Case:
    """Weights that their reader may not open."""
    path = write(folder / "w.bin", _WEIGHTS)
    path.chmod(0)
    skip = why_readable(path)
    return damaged(_referring(folder), folder, "w.bin", "permission denied", skip=skip)


def external_location_is_pipe(folder: Path) -> Case:
    """The weights are a pipe that nobody writes to."""
    os.mkfifo(folder / "w.bin")
    return damaged(_referring(folder), folder, "w.bin", "pipe")


def external_shape_overflows(folder: Path) -> Case:
    """A shape whose product wraps to 0 in 64 bits, and so would need no weights at all."""
    write(folder / "w.bin", b"")
    tensor = referring({"location": "w.bin"}, dims=(2**40, 2**40))
    path = write(folder / "model.onnx", with_initializers(tensor).SerializeToString())
    return damaged(path, folder, "w.bin", "0 bytes")


def external_claims_to_be_embedded(folder: Path) -> Case:
    """A reference that passes for the tool's own note of where in this very file a weight is."""
    marked = {"onnxtool.field": "bogus", "offset": str(10**9), "length": str(WEIGHT_BYTES)}
    path = external_model(folder, {"location": "model.onnx", **marked})
    return refused(path, folder, "onnxtool.field", "reserved")


def _referring(folder: Path) -> Path:
    return external_model(folder, {"location": "w.bin"})


def _with_weights(folder: Path, reference: dict[str, str], *says: str) -> Case:
    write(folder / "w.bin", _WEIGHTS)
    return damaged(external_model(folder, {"location": "w.bin", **reference}), folder, *says)


def _elsewhere(folder: Path, location: str, *says: str) -> Case:
    return damaged(external_model(folder, {"location": location}), folder, *says)

"""Paths that lead to no model: nothing, other kinds of file, things that are no files."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

from .case import Case, refused, why_readable
from .models import small, write


def missing_path(folder: Path) -> Case:
    """A path that leads nowhere."""
    return refused(folder / "nowhere.onnx", folder, "no such file", "nowhere.onnx")


def missing_path_of_two_lines(folder: Path) -> Case:
    """A path that leads nowhere, with a line break and an escape sequence in its name."""
    return refused(folder / "two\nlines\x1b[31m.onnx", folder, "no such file")


def path_with_nul(folder: Path) -> Case:
    """A path that no file can have; the library can be given one, the command cannot."""
    skip = "a command line cannot carry a NUL byte"
    return refused(folder / "a\0b.onnx", folder, "null byte", skip=skip)


def path_too_long(folder: Path) -> Case:
    """A path longer than a file name may be."""
    return refused(folder / f"{'x' * 5_000}.onnx", folder, "too long")


def path_through_file(folder: Path) -> Case:
    """A path that takes a file for a folder."""
    return refused(write(folder / "file", b"") / "model.onnx", folder, "not a directory")


def broken_symlink(folder: Path) -> Case:
    """A symbolic link to nothing."""
    path = folder / "model.onnx"
    path.symlink_to("gone.onnx")
    return refused(path, folder, "no such file", "model.onnx")


def symlink_loop(folder: Path) -> Case:
    """Two symbolic links to each other."""
    path = folder / "model.onnx"
    path.symlink_to("other.onnx")
    (folder / "other.onnx").symlink_to("model.onnx")
    return refused(path, folder, "symbolic links", "model.onnx")


def unreadable_file(folder: Path) -> Case:
    """A sound model that its reader may not open."""
    path = write(folder / "model.onnx", small())
    path.chmod(0)
    return refused(path, folder, "permission denied", skip=why_readable(path))


def file_in_unreadable_folder(folder: Path) -> Case:
    """A sound model in a folder that its reader may not enter."""
    path = write(folder / "private" / "model.onnx", small())
    path.parent.chmod(0)
    return refused(path, folder, "permission denied", skip=why_readable(path.parent))


def named_pipe(folder: Path) -> Case:
    """A pipe that nobody writes to: opening it would wait for ever."""
    path = folder / "model.onnx"
    os.mkfifo(path)
    return refused(path, folder, "pipe")


def dev_zero(folder: Path) -> Case:
    """A device that never ends."""
    return refused(Path("/dev/zero"), folder, "device")


def empty_file(folder: Path) -> Case:
    """A file of no bytes."""
    return refused(write(folder / "model.onnx", b""), folder, "empty")


def text_file(folder: Path) -> Case:
    """Plain text."""
    return refused(write(folder / "model.onnx", b"To be done.\n" * 100), folder, "text")


def git_lfs_pointer(folder: Path) -> Case:
    """What a clone without `git lfs` has in place of a model."""
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
        "size 2435420160\n"
    )
    return refused(write(folder / "model.onnx", pointer.encode()), folder, "git lfs")


def html_page(folder: Path) -> Case:
    """What a download without a login gives."""
    page = b"<!DOCTYPE html>\n<html><head><title>401 Unauthorized</title></head></html>\n"
    return refused(write(folder / "model.onnx", page), folder, "html")


def html_page_after_blank_lines(folder: Path) -> Case:
    """The same from a server that begins with blank lines."""
    page = b"\n\n  <html><body>Not found</body></html>\n"
    return refused(write(folder / "model.onnx", page), folder, "html")


def json_file(folder: Path) -> Case:
    """A configuration by the name of a model."""
    content = json.dumps({"model_type": "encoder", "vocab_size": 1024}, indent=2)
    return refused(write(folder / "model.onnx", content.encode()), folder, "json")


def zip_archive(folder: Path) -> Case:
    """A zip archive, as a PyTorch checkpoint is."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), b"\x80\x02}." * 100)
    return refused(write(folder / "model.onnx", content.getvalue()), folder, "zip")


def tar_archive(folder: Path) -> Case:
    """A tar archive, as a NeMo checkpoint is."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("./model_config.yaml")
        entry.size = 100
        archive.addfile(entry, io.BytesIO(b"preproc: 1" * 10))
    return refused(write(folder / "model.onnx", content.getvalue()), folder, "tar")


def gzip_file(folder: Path) -> Case:
    """A sound model, compressed."""
    content = gzip.compress(small() * 10, mtime=0)
    return refused(write(folder / "model.onnx", content), folder, "gzip")


def ort_format(folder: Path) -> Case:
    """A model in ONNX Runtime's own format, a flatbuffer."""
    content = b"\x18\0\0\0ORTM" + bytes(range(256)) * 4
    return refused(write(folder / "model.onnx", content), folder, ".ort")

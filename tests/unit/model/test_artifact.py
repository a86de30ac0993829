from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnxtool.errors import ModelLoadError, OnnxToolError, UnsupportedModelError, UsageError
from onnxtool.model.artifact import CHUNK_BYTES, atomic_write, digest, load_graph, save, sha256_of
from onnxtool.model.bundle import load
from onnxtool.model.skeleton import LARGE_BYTES
from onnxtool.progress import Progress
from tests.support.models import SAMPLES, encoded, parse, view, write

RELU = "g (float[4] x) => (float[4] y) { y = Relu(x) }"
EXTERNAL = """g (float[100] x) => (float[100] y)
    <float[100] b = ["location": "b.bin"], float[100] a = ["location": "sub/a.bin"]>
    { y = Sum(x, a, b) }"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and modes are POSIX")


def embedded(elements: int = LARGE_BYTES) -> onnx.ModelProto:
    """A model with its weight inside."""
    proto = parse(RELU)
    array = np.arange(elements, dtype=np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(array, "w"))
    return proto


def external(folder: Path) -> Path:
    """A model with its weights in two files."""
    for name, byte in (("b.bin", b"b"), ("sub/a.bin", b"a")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(byte * 400)
    return write(folder / "model.onnx", EXTERNAL)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Assert that nothing in a folder changes."""
    before = contents(folder)
    yield
    assert contents(folder) == before


def contents(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


# --- Loading -------------------------------------------------------------------------------------


def test_loaded_graph_knows_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", RELU)
    model = load_graph(str(path))
    assert (model.path, model.folder, model.size_bytes) == (path, tmp_path, path.stat().st_size)
    assert not model.allow_links


def test_loading_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"m\.onnx: no such file") as caught:
        load_graph(tmp_path / "m.onnx")
    assert "path" in caught.value.hint


def test_loading_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="a folder"):
        load_graph(tmp_path)


@posix
def test_loading_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(ModelLoadError, match="a pipe"):
        load_graph(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("path", "says"),
    [("a\0b.onnx", "null byte"), ("n" * 5000, os.strerror(errno.ENAMETOOLONG))],
    ids=["NUL", "too long"],
)
def test_loading_a_path_that_cannot_be_is_refused(path: str, says: str) -> None:
    with pytest.raises(ModelLoadError, match=says):
        load_graph(path)


# --- Digests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_sha256_is_that_of_hashlib(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(0).bytes(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sha256_of(path) == sha256(content)


def test_sha256_of_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="cannot be read"):
        sha256_of(tmp_path / "file")


def test_digest_of_a_graph_without_external_data_is_that_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", embedded())
    found = digest(load_graph(path))
    assert found.sha256 == found.complete == sha256(path.read_bytes())
    assert (found.files, found.unreadable) == ((), ())


def test_digest_covers_the_graph_and_its_weights(tmp_path: Path) -> None:
    path = external(tmp_path)
    found = digest(load_graph(path))
    files = [("b.bin", sha256(b"b" * 400)), ("sub/a.bin", sha256(b"a" * 400))]
    lines = [sha256(path.read_bytes()), *(f"{value}  {name}" for name, value in files)]
    assert found.sha256 == lines[0]
    assert found.files == tuple(files)
    assert found.complete == sha256("\n".join(lines).encode())


@posix
def test_recipe_for_the_digest_gives_it(tmp_path: Path) -> None:
    document = (SAMPLES.parent / "docs/commands/inspect.md").read_text()
    (recipe,) = re.findall(r"```sh\n(printf .+)\n```", document)
    path = external(tmp_path)
    recipe = recipe.replace("encoder.onnx.data", "b.bin sub/a.bin")
    recipe = recipe.replace("encoder.onnx", path.name)
    printed = subprocess.check_output(["bash", "-c", recipe], cwd=tmp_path, text=True)
    assert printed.split()[0] == digest(load_graph(path)).complete


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("b.bin", b"b", b"c"), ("sub/a.bin", b"a", b"c"), ("model.onnx", b"Sum", b"Max")],
)
def test_complete_digest_changes_with_every_file(
    tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    path = external(tmp_path)
    before = digest(load_graph(path)).complete
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes().replace(old, new, 1))
    assert digest(load_graph(path)).complete not in {before, None}


def test_digest_is_incomplete_without_all_weights(tmp_path: Path) -> None:
    path = external(tmp_path)
    (tmp_path / "sub" / "a.bin").unlink()
    found = digest(load_graph(path))
    assert found.complete is None
    assert found.unreadable == ("sub/a.bin",)
    assert [name for name, _ in found.files] == ["b.bin"]


class Recorded(Progress):
    """What a progress bar is told."""

    def __init__(self) -> None:
        self.total_bytes = self.done_bytes = 0
        self.finished = False

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        assert "m" in label
        assert unit == "bytes"
        self.total_bytes = total

    def advance(self, count: int) -> None:
        self.done_bytes += count

    def finish(self) -> None:
        self.finished = True


def test_progress_is_told_of_every_byte(tmp_path: Path) -> None:
    path, progress = external(tmp_path), Recorded()
    digest(load_graph(path), progress=progress)
    assert progress.done_bytes == progress.total_bytes == path.stat().st_size + 800
    assert progress.finished


def test_progress_ends_when_a_file_cannot_be_read(tmp_path: Path) -> None:
    model, progress = load_graph(external(tmp_path)), Recorded()
    assert all(file.trouble is None for file in model.external_files)
    (tmp_path / "b.bin").unlink()
    with pytest.raises(ModelLoadError, match=r"b\.bin: cannot be read"):
        digest(model, progress=progress)
    assert progress.finished


# --- Saving --------------------------------------------------------------------------------------


def test_saved_file_is_the_one_that_was_loaded(tmp_path: Path) -> None:
    content = encoded(embedded(elements=CHUNK_BYTES))
    model = load_graph(write(tmp_path / "m.onnx", content))
    for name in ("first.onnx", "second.onnx"):
        save(model, tmp_path / name)
        assert (tmp_path / name).read_bytes() == content


def test_graph_can_be_saved_over_its_own_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", embedded())
    content = path.read_bytes()
    save(load_graph(path), path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_saved_file_may_be_read_by_all_whatever_the_mask(tmp_path: Path) -> None:
    model = load_graph(write(tmp_path / "m.onnx", RELU))
    mask = os.umask(0o077)
    try:
        save(model, tmp_path / "copy.onnx")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "copy.onnx").stat().st_mode) == 0o644


@posix
@pytest.mark.parametrize("kind", ["link", "broken link", "pipe"])
def test_saving_onto_a_link_or_a_device_is_refused(tmp_path: Path, kind: str) -> None:
    model, place = load_graph(write(tmp_path / "m.onnx", RELU)), tmp_path / "copy.onnx"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / ("m.onnx" if kind == "link" else "gone"))
    with unchanged(tmp_path), pytest.raises(UsageError, match="a link or a device"):
        save(model, place)
    assert place.is_symlink() == (kind != "pipe")
    assert place.is_fifo() == (kind == "pipe")


@pytest.mark.parametrize("change", ["written to", "cut", "replaced", "touched"])
def test_graph_whose_file_has_changed_is_not_saved(tmp_path: Path, change: str) -> None:
    path = write(tmp_path / "m.onnx", embedded())
    model, content = load_graph(path), path.read_bytes()
    match change:
        case "written to":
            path.write_bytes(content[:-100] + bytes(100))
        case "cut":
            os.truncate(path, 2000)
        case "replaced":
            write(tmp_path / "new.onnx", content).replace(path)
        case _:
            os.utime(path, ns=(0, 0))
    with unchanged(tmp_path), pytest.raises(ModelLoadError, match="has changed") as caught:
        save(model, tmp_path / "copy.onnx")
    assert caught.value.hint == "load it again"


def test_failed_save_leaves_everything_as_it_was(tmp_path: Path) -> None:
    model = load_graph(write(tmp_path / "m.onnx", embedded()))
    (tmp_path / "copy.onnx").write_bytes(b"old")
    os.truncate(tmp_path / "m.onnx", 2000)
    forgetful = replace(model, stamp=None)
    with unchanged(tmp_path), pytest.raises(ModelLoadError, match="ends inside a weight") as caught:
        save(forgetful, tmp_path / "copy.onnx")
    assert "restore" in caught.value.hint


def test_missing_source_is_not_blamed_on_the_copy(tmp_path: Path) -> None:
    model = load_graph(write(tmp_path / "m.onnx", RELU))
    model.path.unlink()
    with unchanged(tmp_path), pytest.raises(ModelLoadError, match=r"m\.onnx: no such") as caught:
        save(model, tmp_path / "copy.onnx")
    assert "restore" in caught.value.hint


@pytest.mark.parametrize("place", ["missing/copy.onnx", "m.onnx/copy.onnx"])
def test_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    model = load_graph(write(tmp_path / "m.onnx", RELU))
    with unchanged(tmp_path), pytest.raises(OnnxToolError, match="cannot be written") as caught:
        save(model, tmp_path / place)
    assert caught.value.hint == "check the folder"


def test_saving_onto_a_folder_is_refused(tmp_path: Path) -> None:
    model = load_graph(write(tmp_path / "m.onnx", RELU))
    with unchanged(tmp_path), pytest.raises(UsageError, match="a folder") as caught:
        save(model, tmp_path)
    assert caught.value.hint == "name a file"


def test_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OnnxToolError, match="cannot be written") as caught:
        write_and_raise(tmp_path / "m.onnx", OSError(errno.ENOSPC, "disk full"))
    assert "make room" in caught.value.hint


@pytest.mark.parametrize("call", [load, lambda path: save(view(RELU), path)])
def test_empty_path_is_not_the_current_folder(call: Callable[[str], object]) -> None:
    with pytest.raises(UsageError, match="empty"):
        call("")


def test_external_data_is_not_left_behind(tmp_path: Path) -> None:
    path = external(tmp_path / "model")
    with unchanged(tmp_path), pytest.raises(UnsupportedModelError, match="left behind") as caught:
        save(load_graph(path), tmp_path / "copy.onnx")
    assert str(path.parent) in caught.value.hint


@pytest.mark.parametrize("name", ["b.bin", "sub/a.bin", "sub/../b.bin"])
def test_graph_is_not_saved_over_its_weights(tmp_path: Path, name: str) -> None:
    model = load_graph(external(tmp_path))
    with unchanged(tmp_path), pytest.raises(UnsupportedModelError):
        save(model, tmp_path / name)


def test_graph_whose_weights_no_file_can_hold_can_be_saved(tmp_path: Path) -> None:
    content = external(tmp_path).read_bytes().replace(b"b.bin", b"b\0bin")
    save(load_graph(write(tmp_path / "m.onnx", content)), tmp_path / "copy.onnx")
    assert (tmp_path / "copy.onnx").read_bytes() == content


def test_graph_with_external_data_can_be_saved_beside_it(tmp_path: Path) -> None:
    path = external(tmp_path)
    save(load_graph(path), tmp_path / "sub" / ".." / "copy.onnx")
    assert (tmp_path / "copy.onnx").read_bytes() == path.read_bytes()


def write_and_raise(path: Path, error: BaseException) -> None:
    with atomic_write(path) as file:
        file.write(b"new")
        raise error


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "disk full"), OnnxToolError)],
)
def test_interrupted_write_leaves_the_old_file(
    tmp_path: Path, error: BaseException, raised: type[BaseException]
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"old")
    with unchanged(tmp_path), pytest.raises(raised):
        write_and_raise(path, error)


def test_write_to_a_name_as_long_as_a_name_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("語" * 83 + ".onnx")
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"

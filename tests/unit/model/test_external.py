from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path

import onnx
import pytest

from onnxtool.errors import UnsafeExternalDataError
from onnxtool.model.artifact import load_graph
from onnxtool.model.external import ExternalFile, Trouble
from tests.support.models import write

SIZE = 400
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX")


def model(folder: Path, location: str, **place: str) -> Path:
    """A model with a float32 weight of 100 elements in the file `location`."""
    reference = {"location": location, **place}
    entries = ", ".join(f'"{key}": "{value}"' for key, value in reference.items())
    text = f"""g (float[100] x) => (float[100] y) <float b = {{1}}, float[100] w = [{entries}]>
        {{ y = Sum(x, w, b) }}"""
    return write(folder / "model.onnx", text)


def external(path: Path, *, allow_links: bool = False) -> ExternalFile:
    (file,) = load_graph(path, allow_links=allow_links).external_files
    return file


def weights(path: Path, size: int = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


# --- Files that may be read ----------------------------------------------------------------------


@pytest.mark.parametrize("location", ["w.bin", "./w.bin", "sub/w.bin", "sub/./w.bin", "ø w.bin"])
def test_file_in_the_models_folder_may_be_read(tmp_path: Path, location: str) -> None:
    path = weights(tmp_path / location)
    file = external(model(tmp_path, location))
    assert (file.trouble, file.explanation, file.hint) == (None, "", "")
    assert (file.location, file.user) == (location, "main:w")
    assert (file.size_bytes, file.needed_bytes, file.tensors) == (SIZE, SIZE, 1)
    assert file.require_readable().samefile(path)


def test_file_may_be_larger_than_needed(tmp_path: Path) -> None:
    weights(tmp_path / "w.bin", 5000)
    file = external(model(tmp_path, "w.bin", offset="64"))
    assert (file.trouble, file.size_bytes, file.needed_bytes) == (None, 5000, 464)


def test_file_is_listed_once_for_all_its_tensors(tmp_path: Path) -> None:
    weights(tmp_path / "b.bin", 800)
    weights(tmp_path / "a.bin")
    path = write(
        tmp_path / "model.onnx",
        """g (float[100] x) => (float[100] y) <
            float[100] v = ["location": "b.bin", "offset": "400"],
            float[100] w = ["location": "a.bin"],
            float[100] u = ["location": "b.bin"]
        > { y = Sum(x, u, v, w) }""",
    )
    files = load_graph(path).external_files
    assert [(f.location, f.needed_bytes, f.tensors, f.user) for f in files] == [
        ("b.bin", 800, 2, "main:v"),
        ("a.bin", 400, 1, "main:w"),
    ]


def test_indices_of_a_sparse_tensor_are_named_by_what_they_are(tmp_path: Path) -> None:
    proto = onnx.load(model(tmp_path, "w.bin"), load_external_data=False)
    sparse = proto.graph.sparse_initializer.add(dims=[100])
    sparse.values.CopyFrom(onnx.helper.make_tensor("s", onnx.TensorProto.FLOAT, [1], [1.0]))
    (weight,) = (t for t in proto.graph.initializer if t.name == "w")
    sparse.indices.CopyFrom(weight)
    sparse.indices.name, sparse.indices.data_type = "", onnx.TensorProto.INT64
    sparse.indices.external_data[0].value = "i.bin"
    files = load_graph(write(tmp_path / "model.onnx", proto)).external_files
    users = {"w.bin": "main:w", "i.bin": "main:indices of a sparse initializer"}
    assert {file.location: file.user for file in files} == users


@posix
def test_models_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    weights(tmp_path / "real" / "w.bin")
    model(tmp_path / "real", "w.bin")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert external(tmp_path / "link" / "model.onnx").trouble is None


def test_model_may_be_given_by_its_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights(tmp_path / "w.bin")
    model(tmp_path, "w.bin")
    monkeypatch.chdir(tmp_path)
    assert external(Path("model.onnx")).trouble is None


# --- Files that are not what the model says ------------------------------------------------------


def assert_trouble(file: ExternalFile, trouble: Trouble, says: str, hint: str = "") -> None:
    assert file.trouble == trouble
    assert says in file.explanation
    assert hint in file.hint
    assert file.hint
    assert file.size_bytes is None or trouble in {Trouble.SHORT, Trouble.MISPLACED}
    with pytest.raises(UnsafeExternalDataError, match=re.escape(says)) as caught:
        file.require_readable()
    assert caught.value.hint == file.hint


def test_missing_file(tmp_path: Path) -> None:
    assert_trouble(external(model(tmp_path, "w.bin")), Trouble.MISSING, "is missing")


def test_location_without_a_name(tmp_path: Path) -> None:
    assert_trouble(external(model(tmp_path, "")), Trouble.MISSING, "names no file")


def test_location_that_a_system_call_would_cut(tmp_path: Path) -> None:
    weights(tmp_path / "w.bin")
    path = model(tmp_path, "w.bin#txt")
    path.write_bytes(path.read_bytes().replace(b"#", b"\0"))
    assert_trouble(external(path), Trouble.MISSING, "names no file")


def test_name_that_no_file_can_have(tmp_path: Path) -> None:
    file = external(model(tmp_path, "n" * 5000))
    assert_trouble(file, Trouble.MISSING, f"cannot be read ({os.strerror(errno.ENAMETOOLONG)})")


def test_file_in_a_file(tmp_path: Path) -> None:
    weights(tmp_path / "w.bin")
    assert_trouble(external(model(tmp_path, "w.bin/w.bin")), Trouble.MISSING, "cannot be read")


@pytest.mark.parametrize(
    ("size", "place", "needed"),
    [
        pytest.param(SIZE - 1, {}, SIZE, id="one byte"),
        pytest.param(0, {}, SIZE, id="empty"),
        pytest.param(SIZE, {"offset": "1"}, SIZE + 1, id="offset"),
        pytest.param(SIZE, {"length": "401"}, SIZE + 1, id="length"),
        pytest.param(SIZE, {"offset": str(2**62)}, 2**62 + SIZE, id="far"),
    ],
)
def test_file_that_ends_too_early(
    tmp_path: Path, size: int, place: dict[str, str], needed: int
) -> None:
    weights(tmp_path / "w.bin", size)
    file = external(model(tmp_path, "w.bin", **place))
    assert_trouble(file, Trouble.SHORT, f"has {size:,} bytes where {needed:,} are needed", "copy")
    assert (file.size_bytes, file.needed_bytes) == (size, needed)


def test_file_that_is_something_else_altogether(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    file = external(model(tmp_path, "w.bin"))
    assert_trouble(file, Trouble.SHORT, "bytes where 400 are needed", "git lfs pull")


@pytest.mark.parametrize("place", [{"offset": "-8"}, {"offset": "8", "length": "-8"}])
def test_place_before_the_beginning(tmp_path: Path, place: dict[str, str]) -> None:
    weights(tmp_path / "w.bin")
    file = external(model(tmp_path, "w.bin", **place))
    assert_trouble(file, Trouble.MISPLACED, "negative")


@pytest.mark.parametrize(
    "location",
    [
        "/etc/hostname",
        "//server/share/w.bin",
        "C:/w.bin",
        "C:\\\\w.bin",
        "C:w.bin",
        "\\\\\\\\server\\\\share\\\\w.bin",
    ],
)
def test_absolute_path_is_outside_on_every_system(tmp_path: Path, location: str) -> None:
    assert_trouble(external(model(tmp_path, location)), Trouble.OUTSIDE, "absolute")


@pytest.mark.parametrize("location", ["../w.bin", "sub/../../w.bin", "sub/../w.bin", "..\\\\w.bin"])
def test_path_with_parents_is_outside_on_every_system(tmp_path: Path, location: str) -> None:
    weights(tmp_path / "w.bin")
    (tmp_path / "model" / "sub").mkdir(parents=True)
    file = external(model(tmp_path / "model", location), allow_links=True)
    assert_trouble(file, Trouble.OUTSIDE, "leads out of the model's folder")


@pytest.mark.parametrize("location", [".", "sub"])
def test_folder_is_no_file(tmp_path: Path, location: str) -> None:
    (tmp_path / "sub").mkdir()
    assert_trouble(external(model(tmp_path, location)), Trouble.NOT_A_FILE, "a folder")


@posix
def test_file_that_nobody_may_read(tmp_path: Path) -> None:
    path = weights(tmp_path / "w.bin")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read any file")
    assert_trouble(external(model(tmp_path, "w.bin")), Trouble.MISSING, "permission denied")


@posix
def test_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.bin")
    assert_trouble(external(model(tmp_path, "w.bin")), Trouble.NOT_A_FILE, "a pipe")


# --- Links ---------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("location", ["link.bin", "folder/w.bin"])
def test_link_inside_the_folder_must_be_allowed(tmp_path: Path, location: str) -> None:
    weights(tmp_path / "sub" / "w.bin")
    (tmp_path / "link.bin").symlink_to("sub/w.bin")
    (tmp_path / "folder").symlink_to("sub")
    path = model(tmp_path, location)
    assert_trouble(external(path), Trouble.LINK, "is a link to sub/w.bin", "--allow-links")
    assert external(path, allow_links=True).size_bytes == SIZE


@posix
@pytest.mark.parametrize("allow_links", [False, True])
@pytest.mark.parametrize("location", ["link.bin", "folder/w.bin", "chain.bin"])
def test_link_that_leads_outside_is_never_followed(
    tmp_path: Path, location: str, allow_links: bool
) -> None:
    outside = weights(tmp_path / "outside" / "w.bin")
    path = model(tmp_path / "model", location)
    (path.parent / "link.bin").symlink_to(outside)
    (path.parent / "chain.bin").symlink_to("link.bin")
    (path.parent / "folder").symlink_to("../outside")
    file = external(path, allow_links=allow_links)
    assert_trouble(file, Trouble.OUTSIDE, "outside the model's folder")


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_link_to_a_device_is_never_followed(tmp_path: Path, device: str) -> None:
    (tmp_path / "w.bin").symlink_to(device)
    file = external(model(tmp_path, "w.bin"), allow_links=True)
    assert_trouble(file, Trouble.OUTSIDE, "outside the model's folder")


@posix
def test_link_to_a_pipe_inside_the_folder_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "w.bin").symlink_to("pipe")
    file = external(model(tmp_path, "w.bin"), allow_links=True)
    assert_trouble(file, Trouble.NOT_A_FILE, "a pipe")


@posix
@pytest.mark.parametrize(("target", "says"), [("nothing", "is missing"), ("w.bin", "cannot be")])
def test_link_to_nothing_or_to_itself_is_missing(tmp_path: Path, target: str, says: str) -> None:
    (tmp_path / "w.bin").symlink_to(target)
    file = external(model(tmp_path, "w.bin"), allow_links=True)
    assert_trouble(file, Trouble.MISSING, says)


@posix
def test_hard_link_must_be_allowed(tmp_path: Path) -> None:
    os.link(weights(tmp_path / "other.bin"), tmp_path / "w.bin")
    path = model(tmp_path, "w.bin")
    assert_trouble(external(path), Trouble.LINK, "has 2 names", "--allow-links")
    assert external(path, allow_links=True).size_bytes == SIZE


def hugging_face(hub: Path, repository: str) -> Path:
    """The folder of a snapshot in a cache, with links to the blobs, as huggingface_hub makes it."""
    blobs = hub / f"models--{repository}" / "blobs"
    snapshot = hub / f"models--{repository}" / "snapshots" / "0123abc" / "onnx"
    weights(blobs / "77aa")
    os.link(model(blobs / "made", "w.bin"), blobs / "99bb")
    (blobs / "made" / "model.onnx").unlink()
    snapshot.mkdir(parents=True)
    (snapshot / "model.onnx").symlink_to("../../../blobs/99bb")
    (snapshot / "w.bin").symlink_to("../../../blobs/77aa")
    return snapshot


@posix
def test_blob_of_the_models_own_hugging_face_cache_must_be_allowed(tmp_path: Path) -> None:
    path = hugging_face(tmp_path / "hub", "org--name") / "model.onnx"
    assert_trouble(external(path), Trouble.LINK, "Hugging Face cache", "--allow-links")
    assert external(path, allow_links=True).size_bytes == SIZE


@posix
def test_blob_of_another_repository_is_never_followed(tmp_path: Path) -> None:
    hugging_face(tmp_path / "hub", "org--other")
    snapshot = hugging_face(tmp_path / "hub", "org--name")
    (snapshot / "w.bin").unlink()
    (snapshot / "w.bin").symlink_to(tmp_path / "hub" / "models--org--other" / "blobs" / "77aa")
    file = external(snapshot / "model.onnx", allow_links=True)
    assert_trouble(file, Trouble.OUTSIDE, "outside the model's folder")

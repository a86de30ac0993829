from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import onnx
import pytest

from onnxtool import ManifestVerification, repack, verify_manifest, write_manifest
from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.release.file_changes import Change
from onnxtool.release.lockfile import NAME
from onnxtool.render import markdown
from onnxtool.render.manifest import as_json, verified
from tests.support.models import SAMPLES

from .releases import graph, make_release

SCHEMA = json.loads(
    (SAMPLES.parent / "docs" / "json-schemas" / "manifest-verify-1.json").read_text()
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A locked release."""
    folder = make_release(tmp_path / "release")
    write_manifest(folder)
    return folder


def verify(folder: Path, manifest: Path | None = None) -> ManifestVerification:
    """Verify; the result can be written in every format."""
    result = verify_manifest(folder, manifest)
    jsonschema.validate(as_json(result), SCHEMA, cls=jsonschema.Draft202012Validator)
    assert markdown.render(verified(result), max_rows=None)
    return result


def changes(result: ManifestVerification) -> dict[str, str]:
    return {change.path: change.change.value for change in result.file_changes}


def verdicts(result: ManifestVerification) -> dict[str, str]:
    return {change.file: change.verdict.value for change in result.graph_changes}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_release_is_as_it_was_locked(release: Path) -> None:
    result = verify(release)
    assert result.identical
    assert not result.repacked
    assert (result.files, result.tensors) == (5, 3)
    assert result.version_changes == ()


def test_a_copy_elsewhere_is_too(release: Path) -> None:
    shutil.copytree(release, release.with_name("copy"))
    assert verify(release.with_name("copy")).identical


Mutation = Callable[[Path], object]
# What is done to a release -> what became of its files, and of its graph.
MUTATIONS: dict[str, tuple[Mutation, dict[str, str], dict[str, str]]] = {
    "companion changed": (
        lambda folder: (folder / "vocab.txt").write_text("b 0\n"),
        {"vocab.txt": "content"},
        {},
    ),
    "companion missing": (
        lambda folder: (folder / "vocab.txt").unlink(),
        {"vocab.txt": "missing"},
        {},
    ),
    "file added": (
        lambda folder: (folder / "new.txt").touch(),
        {"new.txt": "extra"},
        {},
    ),
    "file added beside weights": (
        lambda folder: (folder / "sub" / "new.bin").touch(),
        {"sub/new.bin": "extra"},
        {},
    ),
    "graph added": (
        lambda folder: shutil.copy(folder / "m.onnx", folder / "n.onnx"),
        {"n.onnx": "extra"},
        {"n.onnx": "extra"},
    ),
    "graph missing": (
        lambda folder: (folder / "m.onnx").unlink(),
        {"m.onnx": "missing"},
        {"m.onnx": "missing"},
    ),
    "graph cut": (
        lambda folder: (folder / "m.onnx").write_bytes((folder / "m.onnx").read_bytes()[:40]),
        {"m.onnx": "content"},
        {"m.onnx": "unreadable"},
    ),
    "weights changed": (
        lambda folder: (folder / "sub" / "a.bin").write_bytes(b"\1" * 2400),
        {"sub/a.bin": "content"},
        {"m.onnx": "changed"},
    ),
    "weights missing": (
        lambda folder: (folder / "sub" / "a.bin").unlink(),
        {"sub/a.bin": "missing"},
        {"m.onnx": "changed"},
    ),
    "weights cut": (
        lambda folder: (folder / "sub" / "a.bin").write_bytes(b"\0" * 2399),
        {"sub/a.bin": "content"},
        {"m.onnx": "changed"},
    ),
    "everything gone": (
        lambda folder: [shutil.move(path, folder.parent / "gone") for path in folder.iterdir()],
        dict.fromkeys(("m.onnx", "stale.bin", "sub/a.bin", "sub/b.bin", "vocab.txt"), "missing"),
        {"m.onnx": "missing"},
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_changed_is_named(release: Path, name: str) -> None:
    mutate, files, graphs = MUTATIONS[name]
    shutil.copy(release / NAME, release.with_name("lock.json"))
    (release.parent / "gone").mkdir()
    mutate(release)
    result = verify(release, release.with_name("lock.json"))
    assert (changes(result), verdicts(result)) == (files, graphs)
    assert not result.identical
    assert not result.repacked


def test_the_changed_tensor_is_named(release: Path) -> None:
    (release / "sub" / "a.bin").write_bytes(b"\1" * 2400)
    (change,) = verify(release).graph_changes
    assert [difference.what for difference in change.tensors] == ["main:a"]
    assert not change.structure
    (release / "sub" / "a.bin").unlink()
    (change,) = verify(release).graph_changes
    assert "is missing" in change.tensors[0].found


def renamed(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = proto.graph.node[1].input[0] = "z"


def reshaped(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 7


def another_opset(proto: onnx.ModelProto) -> None:
    proto.opset_import[0].version = 21


def another_producer(proto: onnx.ModelProto) -> None:
    proto.producer_name = "someone"


def another_operator(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].op_type = "Sub"


def without_weight(proto: onnx.ModelProto) -> None:
    del proto.graph.initializer[1]


def another_constant(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].attribute[0].t.float_data[0] = 4


@pytest.mark.parametrize(
    ("change", "interface", "structure", "tensors"),
    [
        (renamed, ["input x", "input z"], True, []),
        (reshaped, ["input x"], True, []),
        (another_opset, ["operator set ai.onnx"], True, []),
        (another_producer, ["producer"], True, []),
        (another_operator, [], True, []),
        (without_weight, [], True, ["main:b"]),
        (another_constant, [], False, ["main:k"]),
    ],
)
def test_what_changed_in_a_graph_is_named(
    release: Path,
    change: Callable[[onnx.ModelProto], None],
    interface: list[str],
    structure: bool,
    tensors: list[str],
) -> None:
    proto = graph()
    change(proto)
    make_release(release.with_name("changed"), proto)
    (found,) = verify(release.with_name("changed"), release / NAME).graph_changes
    assert [difference.what for difference in found.interface] == interface
    assert found.structure == structure
    assert [difference.what for difference in found.tensors] == tensors
    assert found.verdict == "changed"


@pytest.mark.parametrize("inline", [True, False])
def test_repacked_weights_are_told_from_changed_ones(release: Path, inline: bool) -> None:
    (release / "stale.bin").unlink()
    write_manifest(release)
    repack(release, release.with_name("packed"), inline=inline)
    result = verify(release.with_name("packed"), release / NAME)
    assert result.repacked
    assert not result.identical
    assert verdicts(result) == {"m.onnx": "repacked"}
    (release.with_name("packed") / "vocab.txt").write_text("c 0\n")
    assert not verify(release.with_name("packed"), release / NAME).repacked


@posix
def test_permissions_count_unless_they_are_ignored(release: Path) -> None:
    (release / "sub" / "a.bin").chmod(0o600)
    (change,) = verify(release).file_changes
    assert (change.change, change.locked, change.found) == (Change.MODE, "0644", "0600")
    assert verify_manifest(release, ignore_mode=True).identical


@posix
def test_a_file_that_became_a_link_is_not_followed(release: Path) -> None:
    (release / "vocab.txt").rename(release.parent / "vocab.txt")
    (release / "vocab.txt").symlink_to("../vocab.txt")
    for allow_links in (False, True):
        (change,) = verify_manifest(release, allow_links=allow_links).file_changes
        assert change.change is Change.REFUSED
        assert "outside the model's folder" in change.found


@posix
def test_a_folder_that_became_a_link_is_not_followed(release: Path) -> None:
    (release / "sub").rename(release.parent / "sub")
    (release / "sub").symlink_to("../sub")
    found = changes(verify(release))
    assert (found["sub/a.bin"], found["sub/b.bin"]) == ("refused", "refused")


def test_a_manifest_that_lacks_a_tensor_is_refused(release: Path) -> None:
    lock = json.loads((release / NAME).read_text())
    lock["graphs"][0]["tensors"].pop()
    (release / NAME).write_text(json.dumps(lock))
    with pytest.raises(MetadataError, match=r"m\.onnx: 2 tensors are listed, and it has 3"):
        verify_manifest(release)


@posix
def test_other_permissions_are_no_other_storage(release: Path) -> None:
    (release / "stale.bin").unlink()
    write_manifest(release)
    repack(release, release.with_name("packed"))
    (release.with_name("packed") / "m.onnx").chmod(0o777)
    assert not verify(release.with_name("packed"), release / NAME).repacked
    assert verify_manifest(release.with_name("packed"), release / NAME, ignore_mode=True).repacked


@pytest.mark.parametrize("junk", [b"junk", b"\0"])
def test_bytes_of_no_tensor_are_no_other_storage(release: Path, junk: bytes) -> None:
    (release / "stale.bin").unlink()
    write_manifest(release)
    packed = release.with_name("packed")
    repack(release, packed)
    with (packed / "m.onnx.data").open("ab") as file:
        file.write(junk)
    result = verify(packed, release / NAME)
    assert changes(result)["m.onnx.data"] == "unreferenced"
    assert not result.repacked


@posix
def test_new_weights_are_as_open_as_their_graph(release: Path) -> None:
    (release / "stale.bin").unlink()
    write_manifest(release)
    packed = release.with_name("packed")
    repack(release, packed)
    (packed / "m.onnx.data").chmod(0o600)
    assert not verify(packed, release / NAME).repacked
    assert verify_manifest(packed, release / NAME, ignore_mode=True).repacked


def test_other_versions_are_shown_and_do_not_count(release: Path) -> None:
    lock = json.loads((release / NAME).read_text())
    lock["versions"] |= {"onnx": "0.0.1", "gone": "1"}
    (release / NAME).write_text(json.dumps(lock))
    result = verify(release)
    assert result.identical
    assert {(v.package, v.locked) for v in result.version_changes} == {
        ("onnx", "0.0.1"),
        ("gone", "1"),
    }


def test_a_missing_manifest_is_an_error(release: Path) -> None:
    (release / NAME).unlink()
    with pytest.raises(MetadataError, match="cannot be read"):
        verify_manifest(release)


def test_a_missing_folder_is_an_error(release: Path) -> None:
    with pytest.raises(OnnxToolError, match="no such file or folder"):
        verify_manifest(release / "gone", release / NAME)

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from onnxtool import repack, write_manifest
from onnxtool.errors import MetadataError, ModelLoadError, OnnxToolError, UsageError
from onnxtool.release.lockfile import NAME, as_json, as_text
from onnxtool.release.lockfile_reader import read_manifest
from tests.support.models import SAMPLES, WORDS_TDT

from .releases import make_release

SCHEMA = json.loads((SAMPLES.parent / "docs" / "json-schemas" / "manifest-1.json").read_text())
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "release")


@posix
def test_every_file_is_locked(release: Path) -> None:
    (release / "vocab.txt").chmod(0o600)
    manifest = write_manifest(release)
    assert {file.path: file.kind for file in manifest.files} == {
        "m.onnx": "graph",
        "stale.bin": "orphan",
        "sub/a.bin": "weights",
        "sub/b.bin": "weights",
        "vocab.txt": "vocabulary",
    }
    for file in manifest.files:
        content = (release / file.path).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert {file.mode for file in manifest.files if file.path != "vocab.txt"} == {"0644"}
    assert next(file.mode for file in manifest.files if file.path == "vocab.txt") == "0600"


def test_every_tensor_is_locked(release: Path) -> None:
    (graph,) = write_manifest(release).graphs
    digests = {tensor.name: tensor.sha256 for tensor in graph.tensors}
    assert sorted(digests) == ["main:a", "main:b", "main:k"]
    assert digests["main:b"] == hashlib.sha256(np.ones(500, np.float32).tobytes()).hexdigest()


def test_a_release_and_its_repacked_form_have_the_same_graphs(release: Path) -> None:
    repack(release, release.with_name("packed"))
    first, second = write_manifest(release), write_manifest(release.with_name("packed"))
    assert first.graphs == second.graphs
    assert first.files != second.files


def test_it_is_byte_identical_on_every_run(release: Path) -> None:
    write_manifest(release)
    before = (release / NAME).read_bytes()
    shutil.copytree(release, release.with_name("copy"))
    write_manifest(release)
    write_manifest(release.with_name("copy"))
    assert (release / NAME).read_bytes() == before
    assert (release.with_name("copy") / NAME).read_bytes() == before
    assert str(release).encode() not in before


def test_it_reads_back(release: Path) -> None:
    manifest = write_manifest(release)
    assert read_manifest(release / NAME) == manifest
    assert json.loads((release / NAME).read_text()) == as_json(manifest)


def test_it_follows_the_schema(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    manifest = write_manifest(WORDS_TDT, tmp_path / "lock.json")
    jsonschema.validate(as_json(manifest), SCHEMA, cls=jsonschema.Draft202012Validator)
    encoder = next(graph for graph in manifest.graphs if graph.role == "streaming-encoder")
    assert encoder.states["cache_last_channel"] == "cache_last_channel_out"
    assert encoder.inputs[0].shape == ("batch", 80, "time")
    assert not (WORDS_TDT / NAME).exists()


def test_a_tensor_has_a_line_of_its_own(release: Path) -> None:
    lines = as_text(write_manifest(release)).split("\n")
    assert sum('"name": "main:' in line for line in lines) == 3
    assert sum('"path": ' in line for line in lines) == 5


@posix
def test_it_is_readable_for_all(release: Path) -> None:
    write_manifest(release)
    assert stat.S_IMODE((release / NAME).stat().st_mode) == 0o644


def test_what_is_no_manifest_is_not_replaced(release: Path) -> None:
    for name in ("vocab.txt", "m.onnx", "sub/a.bin"):
        before = (release / name).read_bytes()
        with pytest.raises(UsageError, match="is no manifest"):
            write_manifest(release, release / name)
        assert (release / name).read_bytes() == before


@pytest.mark.parametrize("damage", ["graph", "missing", "short"])
def test_a_damaged_release_is_not_locked(release: Path, damage: str) -> None:
    match damage:
        case "graph":
            (release / "other.onnx").write_bytes(b"\0")
        case "missing":
            (release / "sub" / "a.bin").unlink()
        case _:
            (release / "sub" / "a.bin").write_bytes(b"")
    with pytest.raises(ModelLoadError):
        write_manifest(release)
    assert not (release / NAME).exists()


@posix
def test_links_are_refused_unless_they_are_allowed(release: Path) -> None:
    (release / "config.json").symlink_to("vocab.txt")
    with pytest.raises(OnnxToolError, match=r"config\.json: is a link"):
        write_manifest(release)
    manifest = write_manifest(release, allow_links=True)
    assert "config.json" in {file.path for file in manifest.files}


@posix
def test_links_to_elsewhere_are_refused_always(release: Path) -> None:
    (release.parent / "secret").write_text("s")
    (release / "config.json").symlink_to("../secret")
    with pytest.raises(OnnxToolError, match="outside the model's folder"):
        write_manifest(release, allow_links=True)


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OnnxToolError, match="folder"):
        write_manifest(tmp_path / name)


# --- Manifests that anybody may have written -----------------------------------------------------

Object = dict[str, object]
SHA256 = "0" * 64
FILE: Object = {
    "path": "a.onnx",
    "kind": "graph",
    "size_bytes": 1,
    "mode": "0644",
    "sha256": SHA256,
}
TENSOR: Object = {"name": "main:a", "dtype": "float32", "shape": [1], "sha256": SHA256}
GRAPH: Object = {
    "file": "a.onnx",
    "role": "other",
    "family": None,
    "structure_sha256": SHA256,
    "ir_version": 8,
    "opset_imports": {"": 17},
    "producer": "",
    "inputs": [{"name": "x", "dtype": "float32", "shape": [1, "T", None]}],
    "outputs": [{"name": "y", "dtype": "float32", "shape": None}],
    "states": {},
    "tensors": [TENSOR],
}
WHOLE: Object = {
    "schema": "onnxtool.manifest/1",
    "versions": {},
    "files": [FILE],
    "graphs": [GRAPH],
}


def with_file(**fields: object) -> Object:
    return WHOLE | {"files": [FILE | fields]}


def with_graph(**fields: object) -> Object:
    return WHOLE | {"graphs": [GRAPH | fields]}


def test_the_smallest_manifest_reads(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(json.dumps(WHOLE))
    jsonschema.validate(WHOLE, SCHEMA)
    assert read_manifest(tmp_path / "lock").graphs[0].outputs[0].shape is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (WHOLE | {"schema": "onnxtool.manifest/2"}, "schema: 'onnxtool.manifest/2' is not"),
        (WHOLE | {"files": {}}, "files: an object where an array"),
        (WHOLE | {"graphs": [[]]}, "graphs[0]: an array where an object"),
        (WHOLE | {"versions": {"onnx": 1}}, "versions.onnx: a number where a string"),
        ({"schema": "onnxtool.manifest/1"}, "manifest: lacks `files`"),
        (with_file(path="/etc/passwd"), "files[0].path: '/etc/passwd' is no path inside"),
        (with_file(path="../a"), "is no path inside"),
        (with_file(path="a/../../b"), "is no path inside"),
        (with_file(path="C:\\a"), "is no path inside"),
        (with_file(path="..\\a"), "is no path inside"),
        (with_file(path=""), "is no path inside"),
        (with_file(path="a\0b"), "is no path inside"),
        (with_file(size_bytes=-1), "files[0].size_bytes: a number that nothing has"),
        (with_file(size_bytes=10**30), "files[0].size_bytes: a number that nothing has"),
        (with_file(size_bytes=True), "a boolean where an integer"),
        (with_file(size_bytes=1.5), "a number where an integer"),
        (with_file(mode="rw-r--r--"), "files[0].mode: 'rw-r--r--' does not match"),
        (with_file(sha256="F" * 64), "files[0].sha256: "),
        (with_file(sha256=None), "null where a string"),
        (WHOLE | {"files": [FILE, FILE]}, "files[1]: 'a.onnx' is listed twice"),
        (with_graph(tensors=[TENSOR | {"shape": [-1]}]), "graphs[0].tensors[0].shape[0]: "),
        (with_graph(opset_imports={"": "17"}), "a string where an integer"),
        (with_graph(inputs=[{"name": "x"}]), "graphs[0].inputs[0]: lacks `shape`"),
        (with_graph(file="/a"), "graphs[0].file: "),
        (with_graph(file="b.onnx"), "graphs[0]: 'b.onnx' is no graph among the files"),
        (WHOLE | {"graphs": [GRAPH, GRAPH]}, "graphs[1]: 'a.onnx' is listed twice"),
        (WHOLE | {"graphs": []}, "graphs: lacks 'a.onnx', which is among the files"),
    ],
)
def test_a_manifest_that_is_none_says_where(tmp_path: Path, content: Object, says: str) -> None:
    (tmp_path / "lock").write_text(json.dumps(content, indent=1))
    with pytest.raises(MetadataError) as caught:
        read_manifest(tmp_path / "lock")
    assert says in str(caught.value)
    assert re.match(rf"{re.escape(str(tmp_path / 'lock'))}:\d+:\d+: ", str(caught.value))


def test_a_key_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps(WHOLE).replace('"mode": "0644"', '"mode": "0600", "mode": "0644"')
    (tmp_path / "lock").write_text(text)
    with pytest.raises(MetadataError, match="the key 'mode' is given twice"):
        read_manifest(tmp_path / "lock")


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "{", '{"a": NaN}', "[" * 5000, "\udc80"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MetadataError):
        read_manifest(tmp_path / "lock")

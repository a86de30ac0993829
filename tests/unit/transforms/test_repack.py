from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool import repack
from onnxtool.errors import (
    ModelLoadError,
    OnnxToolError,
    UnsafeExternalDataError,
    UnsupportedModelError,
    UsageError,
)
from onnxtool.model.artifact import load_graph
from onnxtool.model.skeleton import referenced_files
from onnxtool.model.tensor_digest import digest_tensors
from onnxtool.transforms import packed
from onnxtool.transforms import repack as module
from tests.support.models import WORDS_TDT, parse, write

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX")
ELEMENTS = 1000
WHERE = ("w", "branch", "constant", "function", "small", "sparse")


def values(name: str) -> np.ndarray:
    size = 10 if name == "small" else ELEMENTS
    return np.random.default_rng(WHERE.index(name)).standard_normal(size).astype(np.float32)


def stored(folder: Path, name: str, *, external: bool) -> TensorProto:
    """A tensor in the graph, or in a file by its name."""
    tensor = numpy_helper.from_array(values(name), name)
    if external:
        (folder / f"{name}.bin").write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=f"{name}.bin")
    return tensor


def everywhere(folder: Path, *, external: bool = True) -> Path:
    """A model that has tensors wherever one can be."""
    folder.mkdir(exist_ok=True)
    proto = parse(f"""g (bool c, float[{ELEMENTS}] x) => (float[{ELEMENTS}] y) {{
        [k] k = Constant()
        s = Add(x, w) t = Add(s, k)
        y = If(c) <then_branch = a () => (float[{ELEMENTS}] u) {{ u = Add(t, branch) }},
                   else_branch = b () => (float[{ELEMENTS}] v) {{ v = local.f(t) }}> }}
        <domain: "local", opset_import: ["": 20]> f (a) => (b) {{
            one = Constant() b = Add(a, one) }}""")
    proto.metadata_props.add(key="vocab_size", value="35")
    proto.graph.initializer.append(stored(folder, "w", external=external))
    proto.graph.initializer.append(stored(folder, "small", external=external))
    sparse = proto.graph.sparse_initializer.add(dims=[2 * ELEMENTS])
    sparse.values.CopyFrom(stored(folder, "sparse", external=external))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.arange(ELEMENTS)))
    branch = proto.graph.node[3].attribute[0].g
    branch.initializer.append(stored(folder, "branch", external=external))
    for node, name in ((proto.graph.node[0], "constant"), (proto.functions[0].node[0], "function")):
        tensor = stored(folder, name, external=external)
        node.attribute.append(helper.make_attribute("value", tensor))
    return write(folder / "m.onnx", proto)


def listing(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def same_tensors(left: Path, right: Path) -> bool:
    return digest_tensors(load_graph(left)) == digest_tensors(load_graph(right))


@pytest.mark.parametrize("external", [True, False], ids=["external", "inline"])
@pytest.mark.parametrize(
    ("inline", "shard_bytes", "data"),
    [
        (False, None, ["out.onnx.data"]),
        (True, None, []),
        (False, 1, None),
        (False, 10_000, None),
    ],
    ids=["one file", "inline", "shard each", "shards"],
)
def test_tensors_are_identical_wherever_they_are(
    tmp_path: Path, external: bool, inline: bool, shard_bytes: int | None, data: list[str] | None
) -> None:
    source = everywhere(tmp_path / "in", external=external)
    before = listing(tmp_path / "in")
    out = tmp_path / "new" / "out.onnx"
    out.parent.mkdir()
    result = repack(source, out, inline=inline, shard_bytes=shard_bytes)
    assert same_tensors(source, out)
    written = [file.name for file in result.graphs[0].data]
    assert sorted(listing(out.parent)) == sorted([*written, "out.onnx"])
    assert referenced_files(out) == set(written)
    assert data is None or written == data
    assert listing(tmp_path / "in") == before
    (entry,) = load_graph(out).proto.metadata_props
    assert (entry.key, entry.value) == ("vocab_size", "35")


def test_inline_brings_back_the_very_bytes(tmp_path: Path) -> None:
    repack(WORDS_TDT / "joint.onnx", tmp_path / "out.onnx")
    repack(tmp_path / "out.onnx", tmp_path / "back.onnx", inline=True)
    assert (tmp_path / "back.onnx").read_bytes() == (WORDS_TDT / "joint.onnx").read_bytes()


def test_it_is_byte_identical_on_every_run(tmp_path: Path) -> None:
    source = everywhere(tmp_path / "in")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        repack(source, tmp_path / name / "out.onnx")
    assert listing(tmp_path / "first") == listing(tmp_path / "second")


def test_it_does_not_depend_on_how_it_was_stored(tmp_path: Path) -> None:
    """What is in attributes stays inside, so only initializers are the same."""
    joint = onnx.load(WORDS_TDT / "joint.onnx")
    (tmp_path / "in").mkdir()
    onnx.save(
        joint,
        tmp_path / "in" / "joint.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=False,
    )
    for name, source in (("a", WORDS_TDT / "joint.onnx"), ("b", tmp_path / "in" / "joint.onnx")):
        (tmp_path / name).mkdir()
        repack(source, tmp_path / name / "out.onnx")
    assert listing(tmp_path / "a")["out.onnx.data"] == listing(tmp_path / "b")["out.onnx.data"]


def test_onnx_runtime_gives_the_same_outputs(tmp_path: Path) -> None:
    repack(WORDS_TDT / "predictor.onnx", tmp_path / "out.onnx")
    feeds = {
        "y": np.arange(4, dtype=np.int64).reshape(2, 2),
        "h": np.full((2, 2, 96), 0.5, np.float32),
        "c": np.full((2, 2, 96), -0.5, np.float32),
    }
    before, after = (
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feeds)
        for path in (WORDS_TDT / "predictor.onnx", tmp_path / "out.onnx")
    )
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


def test_offsets_are_aligned_and_gaps_are_zero(tmp_path: Path) -> None:
    arrays = {"small": 300, "large": 1 << 18, "last": 400}
    proto = parse("g (float[4] x) => (float[4] y) { y = Relu(x) }")
    for name, elements in arrays.items():
        ones = np.ones(elements, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(ones, name))
    repack(write(tmp_path / "m.onnx", proto), tmp_path / "out.onnx")
    placed = {t.name: (t.offset, t.length) for t in load_graph(tmp_path / "out.onnx").tensors}
    end = (1 << 16) + (1 << 20)
    assert placed == {"small": (0, 1200), "large": (1 << 16, 1 << 20), "last": (end, 1600)}
    content = np.fromfile(tmp_path / "out.onnx.data", np.uint8)
    assert not content[1200 : 1 << 16].any()
    assert len(content) == end + 1600


def test_shared_bytes_are_stored_once(tmp_path: Path) -> None:
    first = stored(tmp_path, "w", external=True)
    second = TensorProto()
    second.CopyFrom(first)
    second.name = "again"
    proto = parse("g (float[4] x) => (float[4] y) { y = Relu(x) }")
    proto.graph.initializer.extend([first, second])
    repack(write(tmp_path / "m.onnx", proto), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx.data").stat().st_size == 4 * ELEMENTS


@posix
def test_every_file_is_readable_for_all(tmp_path: Path) -> None:
    source = everywhere(tmp_path / "in")
    for path in source.parent.iterdir():
        path.chmod(0o600)
    repack(source, tmp_path / "out.onnx")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("out.onnx*")}
    assert modes == {0o644}


# --- Folders -------------------------------------------------------------------------------------


def test_a_folder_takes_what_belongs_to_it(tmp_path: Path) -> None:
    everywhere(tmp_path / "in")
    for name in (
        "model_meta.json",
        "vocab.txt",
        "stale.bin",
        "SHA256SUMS",
        "onnxtool.manifest.json",
    ):
        (tmp_path / "in" / name).write_text("{}" if name.endswith("json") else "a 0\n")
    (tmp_path / "in" / "logs").mkdir()
    result = repack(tmp_path / "in", tmp_path / "out")
    expected = ["m.onnx", "m.onnx.data", "model_meta.json", "vocab.txt"]
    assert sorted(listing(tmp_path / "out")) == expected
    assert result.copied == ("model_meta.json", "vocab.txt")
    assert set(result.left_behind) == {
        "stale.bin",
        "SHA256SUMS",
        "onnxtool.manifest.json",
        "logs/",
    }


@pytest.mark.parametrize("exists", [True, False])
def test_an_output_inside_the_folder_is_not_left_behind(tmp_path: Path, exists: bool) -> None:
    everywhere(tmp_path / "in")
    (tmp_path / "in" / "logs").mkdir()
    if exists:
        (tmp_path / "in" / "out").mkdir()
    result = repack(tmp_path / "in", tmp_path / "in" / "out")
    assert result.left_behind == ("logs/",)


def test_a_folder_with_a_damaged_graph_is_refused(tmp_path: Path) -> None:
    everywhere(tmp_path / "in")
    (tmp_path / "in" / "bad.onnx").write_bytes(b"\0")
    with pytest.raises(ModelLoadError, match="bad"):
        repack(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["file", "folder"])
def test_a_folder_that_exists_is_refused(tmp_path: Path, name: str) -> None:
    everywhere(tmp_path / "in")
    out = tmp_path / "out"
    if name == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine").touch()
    before = listing(tmp_path)
    with pytest.raises(UsageError, match="exists"):
        repack(tmp_path / "in", out)
    assert listing(tmp_path) == before


# --- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["out.onnx", "out.onnx.data"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    source = everywhere(tmp_path / "in")
    (tmp_path / taken).write_text("mine")
    before = listing(tmp_path)
    with pytest.raises(UsageError, match=f"{taken}: exists"):
        repack(source, tmp_path / "out.onnx")
    assert listing(tmp_path) == before


def test_a_run_can_be_repeated(tmp_path: Path) -> None:
    source = everywhere(tmp_path / "in")
    repack(source, tmp_path / "out.onnx")
    (tmp_path / "out.onnx").unlink()  # As after a kill between the two renames.
    repack(source, tmp_path / "out.onnx")
    before = listing(tmp_path)
    repack(source, tmp_path / "out.onnx")
    assert listing(tmp_path) == before


@pytest.mark.parametrize("output", ["m.onnx", "w.bin", "out", "."])
def test_an_output_that_is_no_new_graph_is_refused(tmp_path: Path, output: str) -> None:
    source = everywhere(tmp_path)
    before = listing(tmp_path)
    with pytest.raises(UsageError):
        repack(source, tmp_path / output)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["n" * 5000 + ".onnx", "a\0.onnx", "\udc80.onnx", "gone/o.onnx"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OnnxToolError):
        repack(everywhere(tmp_path / "in"), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(("inline", "shard_bytes"), [(True, 5), (False, 0)])
def test_options_that_contradict_are_refused(
    tmp_path: Path, inline: bool, shard_bytes: int
) -> None:
    source = everywhere(tmp_path)
    with pytest.raises(UsageError, match="shards"):
        repack(source, tmp_path / "out.onnx", inline=inline, shard_bytes=shard_bytes)


def test_more_than_protobuf_allows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MAX_PROTOBUF_BYTES", 5_000)
    source = everywhere(tmp_path / "in")
    with pytest.raises(UnsupportedModelError, match="protobuf allows 5,000"):
        repack(source, tmp_path / "out.onnx", inline=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("problem", ["missing", "short", "outside"])
def test_weights_that_cannot_be_read_are_refused(tmp_path: Path, problem: str) -> None:
    source = everywhere(tmp_path / "in")
    path = tmp_path / "in" / "function.bin"
    match problem:
        case "missing":
            path.unlink()
        case "short":
            path.write_bytes(path.read_bytes()[:-1])
        case _:
            shutil.move(path, tmp_path)
            path.symlink_to(tmp_path / path.name)
    with pytest.raises(ModelLoadError, match=r"function\.bin"):
        repack(source, tmp_path / "out.onnx")
    assert not list(tmp_path.glob("out*")) + list(tmp_path.glob(".out*"))


@posix
def test_links_are_followed_when_they_are_allowed(tmp_path: Path) -> None:
    source = everywhere(tmp_path / "in")
    (tmp_path / "in" / "w.bin").rename(tmp_path / "in" / "real")
    (tmp_path / "in" / "w.bin").symlink_to("real")
    with pytest.raises((UnsafeExternalDataError, ModelLoadError)):
        repack(source, tmp_path / "out.onnx")
    repack(source, tmp_path / "out.onnx", allow_links=True)
    assert not any(path.is_symlink() for path in tmp_path.glob("out.onnx*"))


def test_what_came_out_changed_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verification can fail: here the disk gives back one byte wrong."""

    def damaging(model: object, layout: object, path: Path, *rest: object) -> None:
        packed.write_packed(model, layout, path, *rest)  # type: ignore[arg-type]
        content = bytearray(path.with_name("out.onnx.data").read_bytes())
        content[5] ^= 1
        path.with_name("out.onnx.data").write_bytes(content)

    source = everywhere(tmp_path / "in")
    monkeypatch.setattr(module, "write_packed", damaging)
    with pytest.raises(OnnxToolError, match="came out changed"):
        repack(source, tmp_path / "out.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]

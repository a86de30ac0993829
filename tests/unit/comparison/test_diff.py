"""What can be compared with what, folders, and inspections that were kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from onnxtool.analysis.inspection import inspect
from onnxtool.comparison.diff import diff
from onnxtool.comparison.difference import Impact, Kind
from onnxtool.comparison.operands import OperandKind, kind_of, read_operand
from onnxtool.errors import MetadataError, ModelLoadError, OnnxToolError, UnsupportedModelError
from onnxtool.model import contract
from onnxtool.model.bundle import load_bundle
from onnxtool.render.json import inspection
from tests.support.models import WORDS_TDT, write

JOINT = WORDS_TDT / "joint.onnx"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The sample bundle, without its recordings."""
    folder = tmp_path / "copied"
    folder.mkdir()
    for file in WORDS_TDT.iterdir():
        if file.suffix in {".onnx", ".json", ".txt"}:
            shutil.copy(file, folder)
    return folder


def saved(path: Path, folder: Path) -> Path:
    """What `inspect --format json` writes of a graph or a folder."""
    target = folder / f"saved-{path.stem}.json"
    document = inspection(inspect(path, hash=False), depth=0)
    target.write_text(json.dumps(document))
    return target


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", OperandKind.FOLDER),
        ("joint.onnx", OperandKind.GRAPH),
        ("model_meta.json", OperandKind.METADATA),
    ],
)
def test_a_side_is_told_by_what_it_is(name: str, kind: OperandKind) -> None:
    assert kind_of(read_operand(WORDS_TDT / name)) is kind


def test_a_bare_name_is_looked_for_in_the_folder() -> None:
    found = diff(WORDS_TDT, "model_meta.json")
    assert found.after == WORDS_TDT / "model_meta.json"
    assert found.metadata
    assert found.fails()


def test_a_bare_name_beside_the_caller_comes_first(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied)
    assert diff(WORDS_TDT, "model_meta.json").after == Path("model_meta.json")


def test_metadata_may_come_first() -> None:
    one = diff(WORDS_TDT, "model_meta.json").differences
    assert diff(WORDS_TDT / "model_meta.json", WORDS_TDT).differences == one


def test_one_graph_is_checked_for_what_it_says() -> None:
    found = diff(JOINT, WORDS_TDT / "model_meta.json")
    assert found.metadata
    wrong = {c.field for c in found.metadata.checks if c.disagrees}
    assert wrong == {"tensor_layout_contract.joint_input", "tensor_layout_contract.joint_output"}


def test_a_folder_and_itself() -> None:
    found = diff(WORDS_TDT, WORDS_TDT)
    assert len(found.graphs) == 4
    assert (found.differences, found.fails(Impact.COSMETIC)) == ((), False)


def rewrite(folder: Path, **fields: object) -> None:
    path = folder / "model_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("change", "kind", "impact"),
    [
        (lambda f: (f / "joint.onnx").unlink(), Kind.GRAPH_REMOVED, Impact.BREAKING),
        (
            lambda f: write(f / "x.onnx", "g (int32[1] a) => (int32[1] b) { b = Neg(a) }"),
            Kind.GRAPH_ADDED,
            Impact.COSMETIC,
        ),
        (
            lambda f: (f / "joint.onnx").rename(f / "joiner.onnx"),
            Kind.GRAPH_RENAMED,
            Impact.BREAKING,
        ),
        (lambda f: rewrite(f, blank_id=0), Kind.METADATA_FIELD, Impact.BEHAVIORAL),
        (lambda f: rewrite(f, model_name="words"), Kind.METADATA_FIELD, Impact.COSMETIC),
        (lambda f: rewrite(f, url="x"), Kind.METADATA_FIELD, Impact.COSMETIC),
        (lambda f: (f / "model_meta.json").unlink(), Kind.METADATA_FIELD, Impact.BREAKING),
        (lambda f: (f / "vocab.txt").unlink(), Kind.VOCABULARY, Impact.BREAKING),
        (lambda f: (f / "vocab.txt").write_text("a 0\nb 1\n"), Kind.VOCABULARY, Impact.BREAKING),
    ],
)
def test_what_changes_in_a_folder(
    change: Callable[[Path], object], kind: Kind, impact: Impact, copied: Path
) -> None:
    change(copied)
    found = diff(WORDS_TDT, copied)
    assert [(d.kind, d.impact) for d in found.differences] == [(kind, impact)]


def test_graphs_that_changed_names_are_told_apart_by_role(copied: Path) -> None:
    (copied / "joint.onnx").rename(copied / "other")
    (copied / "predictor.onnx").rename(copied / "joint.onnx")
    (copied / "other").rename(copied / "predictor.onnx")
    found = diff(WORDS_TDT, copied)
    assert {d.kind for d in found.differences} == {Kind.GRAPH_RENAMED}


@pytest.mark.parametrize("source", [JOINT, WORDS_TDT])
def test_a_kept_inspection_is_the_model_it_was_made_of(source: Path, tmp_path: Path) -> None:
    kept = saved(source, tmp_path)
    for found in (diff(kept, source), diff(source, kept), diff(kept, kept)):
        assert found.differences == ()
        assert all(graph.not_compared for graph in found.graphs)


def test_a_kept_inspection_shows_what_changed(tmp_path: Path) -> None:
    proto = onnx.load(JOINT)
    proto.graph.output[0].type.tensor_type.shape.dim[3].dim_value = 1030
    proto.graph.node.append(onnx.helper.make_node("Neg", ["joint_output"], ["unused"]))
    found = diff(saved(JOINT, tmp_path), write(tmp_path / "joint.onnx", proto))
    assert {(d.kind, d.where) for d in found.differences} == {
        (Kind.AXIS, "joint_output:3"),
        (Kind.OPERATORS, "Neg"),
    }


def test_an_inspection_with_gaps_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    for text in (
        '{"schema": "onnxtool.inspect/1"}',
        '{"schema": "onnxtool.inspect/1", "bundle":1}',
    ):
        path.write_text(text)
        with pytest.raises(MetadataError, match="is no complete result"):
            diff(path, JOINT)


@pytest.mark.parametrize(
    ("one", "other"),
    [(JOINT, WORDS_TDT), (WORDS_TDT, JOINT), (WORDS_TDT / "model_meta.json", "saved")],
)
def test_kinds_that_cannot_be_compared_are_refused(
    one: Path, other: Path | str, tmp_path: Path
) -> None:
    other = saved(JOINT, tmp_path) if other == "saved" else other
    with pytest.raises(UnsupportedModelError, match="cannot be compared"):
        diff(one, other)


def test_folders_with_nothing_in_common_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "x.onnx", "g (int32[1] a) => (int32[1] b) { b = Neg(a) }")
    with pytest.raises(UnsupportedModelError, match="nothing in common"):
        diff(WORDS_TDT, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("no-such-file.onnx", None, ModelLoadError),
        ("x" * 5000, None, ModelLoadError),
        ("empty.onnx", b"", ModelLoadError),
        ("text.onnx", b"hello", ModelLoadError),
        ("broken.json", b"{", MetadataError),
        ("list.json", b"[]", MetadataError),
        ("other.json", b'{"name": "package"}', MetadataError),
        ("bench.json", b'{"schema": "onnxtool.bench/1"}', UnsupportedModelError),
    ],
)
def test_what_cannot_be_read_is_an_error_on_either_side(
    name: str, content: bytes | None, error: type[OnnxToolError], tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for sides in ((path, JOINT), (JOINT, path)):
        with pytest.raises(error):
            diff(*sides)


def test_a_contract_is_kept_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by another module: what it gives is compared."""
    joint = next(m for m in load_bundle(WORDS_TDT).models if m.name == "joint.onnx").signature
    decoding = contract.Decoding(blank_id=0, vocab_size=35, duration_values=(0, 1, 2, 3, 4))
    streaming = contract.StreamingConfig(last_channel_cache_size=256, conv_cache_size=8)
    promised = contract.Contract(
        tmp_path / "x.contract.json",
        {
            "joint.onnx": contract.Interface(joint.inputs, joint.outputs[:0]),
            "ctc.onnx": contract.Interface((), ()),
        },
        streaming,
        decoding,
    )
    promised.path.write_text("{}")
    monkeypatch.setattr(contract, "read_contract", lambda _: promised, raising=False)
    found = diff(promised.path, WORDS_TDT)
    assert {(d.kind, d.where) for d in found.differences} == {
        (Kind.GRAPH_REMOVED, "ctc.onnx"),
        (Kind.PROMISE, "blank_id"),
        (Kind.PROMISE, "conv_cache_size"),
    }
    assert found.fails()

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from onnxtool.errors import MetadataError, ModelLoadError
from onnxtool.model.bundle import Bundle, companion_kind, graph_files, load, load_bundle
from onnxtool.model.families import Role
from onnxtool.model.view import ModelView
from tests.support.models import WORDS_TDT, write

RELU = "g (float[4] x) => (float[4] y) { y = Relu(x) }"
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX")


def external(location: str) -> str:
    """A graph with its weight in another file."""
    return f"""g (float[4] x) => (float[4] y) <float[4] w = ["location": "{location}"]>
        {{ y = Add(x, w) }}"""


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(16))


# --- What is loaded ------------------------------------------------------------------------------


def test_file_is_loaded_as_a_graph(tmp_path: Path) -> None:
    model = load(write(tmp_path / "m.onnx", RELU), allow_links=True)
    assert isinstance(model, ModelView)
    assert model.allow_links


def test_folder_is_loaded_as_a_bundle(tmp_path: Path) -> None:
    write(tmp_path / "b.onnx", RELU)
    write(tmp_path / "a.onnx", RELU)
    bundle = load(tmp_path, allow_links=True)
    assert isinstance(bundle, Bundle)
    assert [member.name for member in bundle.models] == ["a.onnx", "b.onnx"]
    assert all(member.view.allow_links for member in bundle.models)


def test_nothing_at_the_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no such file or folder"):
        load(tmp_path / "m.onnx")


def test_folder_without_graphs_is_told(tmp_path: Path) -> None:
    files(tmp_path, "model.pt", "folder.onnx/x")
    with pytest.raises(ModelLoadError, match=r"no \.onnx file in this folder") as caught:
        load(tmp_path)
    assert "pass" in caught.value.hint


def test_graphs_a_folder_deeper_are_pointed_to(tmp_path: Path) -> None:
    write(tmp_path / "onnx" / "m.onnx", RELU)
    with pytest.raises(ModelLoadError) as caught:
        graph_files(tmp_path)
    assert caught.value.hint == f"did you mean {tmp_path / 'onnx'}?"


def test_graph_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path / "a.onnx", RELU)
    write(tmp_path / "b.onnx", b"")
    bundle = load_bundle(tmp_path)
    assert [member.name for member in bundle.models] == ["a.onnx"]
    ((name, error),) = bundle.unreadable
    assert name == "b.onnx"
    assert "is empty" in str(error)


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, " (and 2 more graphs of this folder)")])
def test_folder_of_which_no_graph_can_be_read_is_refused(
    tmp_path: Path, count: int, more: str
) -> None:
    for number in range(count):
        write(tmp_path / f"{number}.onnx", b"")
    with pytest.raises(ModelLoadError) as caught:
        load_bundle(tmp_path)
    assert str(caught.value).endswith(f"0.onnx: the file is empty{more}")
    assert caught.value.hint


@posix
def test_pipe_with_a_graphs_name_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path / "a.onnx", RELU)
    os.mkfifo(tmp_path / "b.onnx")
    assert [name for name, _ in load_bundle(tmp_path).unreadable] == ["b.onnx"]


# --- Metadata and vocabulary ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vocab.txt", "tokens.txt"])
def test_metadata_and_vocabulary_are_read(tmp_path: Path, name: str) -> None:
    write(tmp_path / "m.onnx", RELU)
    (tmp_path / "model_meta.json").write_text('{"blank_id": 1}')
    (tmp_path / name).write_text("a 0\n<blk> 1\n")
    bundle = load_bundle(tmp_path)
    assert bundle.metadata is not None
    assert bundle.metadata.fields == {"blank_id": 1}
    assert bundle.vocabulary is not None
    assert bundle.vocabulary.blank_id == 1
    assert bundle.unreadable == ()


def test_first_of_two_vocabularies_is_read(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", RELU)
    (tmp_path / "tokens.txt").write_text("second 0\n")
    (tmp_path / "vocab.txt").write_text("first 0\n")
    vocabulary = load_bundle(tmp_path).vocabulary
    assert vocabulary is not None
    assert vocabulary.tokens == ("first",)


def test_metadata_and_vocabulary_may_be_missing(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", RELU)
    bundle = load_bundle(tmp_path)
    assert (bundle.metadata, bundle.vocabulary, bundle.unreadable) == (None, None, ())


def test_metadata_and_vocabulary_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", RELU)
    (tmp_path / "model_meta.json").write_text("{")
    (tmp_path / "vocab.txt").write_text("a 0\nb 0\n")
    bundle = load_bundle(tmp_path)
    assert [name for name, _ in bundle.unreadable] == ["model_meta.json", "vocab.txt"]
    assert all(isinstance(error, MetadataError) for _, error in bundle.unreadable)


# --- The other files -----------------------------------------------------------------------------


def test_files_are_companions_or_orphans(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", external("m.onnx.data"))
    files(tmp_path, "m.onnx.data", "old.onnx.data", "README.md", "tokens.txt", "take 1.wav")
    (tmp_path / "tokens.txt").write_text("a\n")
    bundle = load_bundle(tmp_path)
    assert bundle.orphans == ("old.onnx.data",)
    assert bundle.companions == (
        ("document", "README.md"),
        ("recording", "take 1.wav"),
        ("vocabulary", "tokens.txt"),
    )


@pytest.mark.parametrize(
    "name", ["added_tokens.json", "normalizer.json", "chat_template.jinja", "am.mvn", "itn.fst"]
)
def test_what_other_toolkits_release_is_no_orphan(tmp_path: Path, name: str) -> None:
    write(tmp_path / "m.onnx", RELU)
    files(tmp_path, name)
    assert load_bundle(tmp_path).orphans == ()


@pytest.mark.parametrize("location", ["sub/w.bin", "./sub/w.bin", "sub//w.bin", "sub/./w.bin"])
def test_folder_counts_where_external_data_lies_in_it(tmp_path: Path, location: str) -> None:
    write(tmp_path / "m.onnx", external(location))
    files(tmp_path, "sub/w.bin", "sub/old.bin", "sub/deeper/x.bin", "other/y.bin")
    assert load_bundle(tmp_path).orphans == (str(Path("sub", "old.bin")),)


@pytest.mark.parametrize(
    "location",
    ["../outside/w.bin", "sub/../../outside/w.bin", "{outside}/w.bin", "n" * 300 + "/w.bin"],
)
def test_folder_outside_or_impossible_is_not_listed(tmp_path: Path, location: str) -> None:
    outside = tmp_path / "outside"
    write(tmp_path / "model" / "m.onnx", external(location.format(outside=outside.as_posix())))
    files(outside, "w.bin", "secret.bin")
    assert load_bundle(tmp_path / "model").orphans == ()


@posix
def test_folder_behind_a_link_is_not_listed(tmp_path: Path) -> None:
    write(tmp_path / "model" / "m.onnx", external("sub/w.bin"))
    files(tmp_path / "outside", "w.bin", "secret.bin")
    (tmp_path / "model" / "sub").symlink_to(tmp_path / "outside")
    assert load_bundle(tmp_path / "model").orphans == ()


@posix
def test_link_in_the_folder_is_nobodys_orphan(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", RELU)
    files(tmp_path, "old.bin")
    (tmp_path / "link.bin").symlink_to("old.bin")
    assert load_bundle(tmp_path).orphans == ("old.bin",)


@posix
def test_bundle_may_be_reached_through_a_link(tmp_path: Path) -> None:
    write(tmp_path / "model" / "m.onnx", external("sub/w.bin"))
    files(tmp_path / "model", "sub/w.bin", "sub/old.bin", "old.bin")
    (tmp_path / "link").symlink_to("model")
    assert load_bundle(tmp_path / "link").orphans == ("old.bin", "sub/old.bin")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("config.json", "metadata"),
        ("parakeet.contract.json", "metadata"),
        ("tokenizer.model", "tokenizer"),
        ("words.nemo", "checkpoint"),
        ("LICENSE", "document"),
        ("audio/000.wav", "recording"),
        ("manifest.jsonl", "test data"),
        ("m.onnx.sha256", "checksum"),
        ("export.py", "script"),
        (".DS_Store", "of the system"),
        ("._weights.bin", "of the system"),
        ("m.onnx.data", None),
        ("weights.bin", None),
        ("core.1234", None),
    ],
)
def test_kind_of_companion_is_told_by_its_name(name: str, kind: str | None) -> None:
    assert companion_kind(name) == kind


# --- The sample ----------------------------------------------------------------------------------


def test_sample_is_a_whole_bundle() -> None:
    bundle = load_bundle(WORDS_TDT)
    assert {member.name: member.signature.role for member in bundle.models} == {
        "encoder.onnx": Role.ENCODER,
        "encoder_streaming.onnx": Role.STREAMING_ENCODER,
        "joint.onnx": Role.JOINT,
        "predictor.onnx": Role.PREDICTOR,
    }
    assert [(wire.source, wire.target, wire.problem) for wire in bundle.wiring] == [
        ("encoder.onnx:encoder_output", "joint.onnx:encoder_output", ""),
        ("encoder_streaming.onnx:encoder_output", "joint.onnx:encoder_output", ""),
        ("predictor.onnx:g", "joint.onnx:predictor_output", ""),
    ]
    assert bundle.vocabulary is not None
    assert bundle.vocabulary.blank_id == 35
    assert bundle.metadata is not None
    assert bundle.metadata.fields["blank_id"] == 35
    assert (bundle.orphans, bundle.unreadable) == ((), ())
    assert set(bundle.companions) >= {
        ("metadata", "model_meta.json"),
        ("vocabulary", "vocab.txt"),
        ("test data", "features_nemo.npz"),
        ("test data", "manifest.jsonl"),
    }


def test_sample_without_its_joint_has_no_wires(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(WORDS_TDT, folder, ignore=shutil.ignore_patterns("joint.onnx", "audio"))
    assert load_bundle(folder).wiring == ()

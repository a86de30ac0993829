"""`onnxtool.inspect`: everything that is known of a graph or a folder, as frozen data."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import TensorProto

import onnxtool
from onnxtool.analysis import inspection
from onnxtool.analysis.cost import Cost
from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
from onnxtool.errors import ModelLoadError, UsageError
from onnxtool.model.bundle import Bundle
from onnxtool.model.view import ModelView
from onnxtool.progress import Progress
from tests.support.models import WORDS_TDT, model, write

JOINT = WORDS_TDT / "joint.onnx"
RELU = "g (float[T] x) => (float[T] y) { y = Relu(x) }"


def graph(path: Path, *, hash: bool = True) -> Inspection:
    found = inspect(path, hash=hash)
    assert isinstance(found, Inspection)
    return found


def folder(path: Path, *, hash: bool = True) -> BundleInspection:
    found = inspect(path, hash=hash)
    assert isinstance(found, BundleInspection)
    return found


# --- A graph -------------------------------------------------------------------------------------


def test_the_header_is_as_the_file_has_it(tmp_path: Path) -> None:
    proto = model(RELU)
    proto.producer_name, proto.producer_version = "pytorch", "2.13"
    proto.domain, proto.model_version, proto.doc_string = "org.example", 7, "A model."
    proto.metadata_props.add(key="vocab_size", value="35")
    header = graph(write(tmp_path / "m.onnx", proto)).header
    assert (header.ir_version, header.opset_imports[""]) == (10, 21)
    assert (header.producer, header.producer_version) == ("pytorch", "2.13")
    assert (header.domain, header.model_version) == ("org.example", 7)
    assert header.doc_string == "A model."
    assert header.metadata_props == {"vocab_size": "35"}


def test_nodes_are_counted_in_all_scopes(tmp_path: Path) -> None:
    text = """g (bool c, float[1] x) => (float[1] y) {
        a = local.f(x) b = com.microsoft.Gelu(a) d = custom.Magic(b)
        y = If (c) <then_branch = t () => (float[1] o) { o = Abs(d) },
                    else_branch = e () => (float[1] p) { q = Abs(d) p = Neg(q) }>
    }
    <domain: "local", opset_import: ["": 21]> f (a) => (b) { b = Abs(a) }"""
    found = graph(write(tmp_path / "m.onnx", model(text)))
    assert found.nodes == 8
    assert found.operators == {
        "Abs": 3,
        "Neg": 1,
        "If": 1,
        "local::f": 1,
        "com.microsoft::Gelu": 1,
        "custom::Magic": 1,
    }
    assert next(iter(found.operators)) == "Abs"
    assert (found.subgraphs, found.functions) == (2, ("local::f",))
    assert found.custom_domains == ("com.microsoft", "custom")


def test_a_slash_in_the_domain_of_a_function_makes_no_subgraph(tmp_path: Path) -> None:
    proto = model(RELU)
    proto.functions.add(domain="com/example", name="f")
    assert graph(write(tmp_path / "m.onnx", proto)).subgraphs == 0


def test_the_standard_domain_is_not_custom_under_its_long_name(tmp_path: Path) -> None:
    proto = model(RELU)
    proto.graph.node[0].domain = "ai.onnx"
    found = graph(write(tmp_path / "m.onnx", proto))
    assert (found.custom_domains, found.operators) == ((), {"Relu": 1})


def test_the_hash_is_that_of_the_file() -> None:
    found = graph(JOINT)
    assert found.digest is not None
    assert found.digest.sha256 == hashlib.sha256(JOINT.read_bytes()).hexdigest()
    assert found.digest.complete == found.digest.sha256
    assert found.size_bytes == JOINT.stat().st_size


def test_the_hash_can_be_left_out() -> None:
    assert graph(JOINT, hash=False).digest is None
    assert all(found.digest is None for found in folder(WORDS_TDT, hash=False).models)


class Spy(Progress):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.done_bytes = 0

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        assert label
        assert unit == "bytes"
        self.started.append(total)

    def advance(self, count: int) -> None:
        self.done_bytes += count


def test_progress_is_told_every_byte_that_is_hashed() -> None:
    spy = Spy()
    inspect(JOINT, progress=spy)
    assert spy.started == [JOINT.stat().st_size]
    assert spy.done_bytes == JOINT.stat().st_size


def test_nobody_is_told_of_a_hash_that_is_not_made() -> None:
    spy = Spy()
    inspect(JOINT, progress=spy, hash=False)
    assert (spy.started, spy.done_bytes) == ([], 0)


def test_a_graph_of_fixed_sizes_has_a_cost_without_asking(tmp_path: Path) -> None:
    text = "g (float[2,3] x, float[3,4] w) => (float[2,4] y) { y = MatMul(x, w) }"
    found = graph(write(tmp_path / "m.onnx", model(text)))
    assert found.cost is not None
    assert (found.cost.total_macs, found.cost.sizes) == (2 * 3 * 4, {})


def test_a_huge_graph_of_fixed_sizes_has_a_cost_only_if_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "m.onnx", model("g (float[1] x) => (float[1] y) { y = Relu(x) }"))
    monkeypatch.setattr(inspection, "MAX_UNASKED_NODES", 0)
    assert graph(path).cost is None
    asked = inspect(path, at={})
    assert isinstance(asked, Inspection)
    assert asked.cost is not None


def test_only_the_fixed_graphs_of_a_folder_have_one(tmp_path: Path) -> None:
    write(tmp_path / "dynamic.onnx", model(RELU))
    write(tmp_path / "fixed.onnx", model(RELU.replace("T", "7")))
    costs = [found.cost is not None for found in folder(tmp_path, hash=False).models]
    assert costs == [False, True]


def test_the_cost_is_there_if_sizes_were_given() -> None:
    assert graph(JOINT, hash=False).cost is None
    found = inspect(JOINT, at={"time": 9}, hash=False)
    assert isinstance(found, Inspection)
    assert isinstance(found.cost, Cost)
    assert found.cost.sizes == {"time": 9}
    assert found.modules.macs == found.cost.total_macs


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="no input has an axis called `tme`") as caught:
        inspect(JOINT, at={"tme": 9})
    assert caught.value.hint == "there is batch, time, token_len"


# --- The same for a path, and for what was loaded ------------------------------------------------


@pytest.mark.parametrize("path", [JOINT, WORDS_TDT], ids=["graph", "folder"])
def test_a_path_and_what_was_loaded_give_the_same(path: Path) -> None:
    at = {"time": 9}
    expected = inspect(path, at=at)
    assert inspect(str(path), at=at) == expected
    assert inspect(onnxtool.load(path), at=at) == expected


def test_load_tells_graphs_from_folders() -> None:
    assert isinstance(onnxtool.load(JOINT), ModelView)
    assert isinstance(onnxtool.load(WORDS_TDT), Bundle)


def parts(value: object) -> Iterator[object]:
    """A result and every result inside it."""
    yield value
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item)
    elif type(value).__module__.startswith("onnxtool.") and dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))


def test_results_are_frozen_with_tuples_inside() -> None:
    found = list(parts(inspect(WORDS_TDT, at={"time": 9})))
    assert not any(isinstance(part, list | set) for part in found)
    kinds = {type(part): part for part in found if dataclasses.is_dataclass(part)}
    assert {"BundleInspection", "Inspection", "Cost", "Module", "TensorSpec", "Weights"} <= {
        kind.__name__ for kind in kinds
    }
    for part in kinds.values():
        name = dataclasses.fields(part)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, name, None)


# --- A folder ------------------------------------------------------------------------------------


def test_a_folder_is_one_model() -> None:
    found = folder(WORDS_TDT, hash=False)
    assert {m.path.name: m.signature.role.value for m in found.models} == {
        "encoder.onnx": "encoder",
        "encoder_streaming.onnx": "streaming-encoder",
        "joint.onnx": "joint",
        "predictor.onnx": "predictor",
    }
    assert found.models == tuple(graph(m.path, hash=False) for m in found.models)
    assert found.metadata is not None
    assert found.vocabulary is not None
    assert {(wire.source, wire.target) for wire in found.wiring} >= {
        ("encoder.onnx:encoder_output", "joint.onnx:encoder_output"),
        ("predictor.onnx:g", "joint.onnx:predictor_output"),
    }
    assert found.orphans == ()


def test_sizes_are_for_whichever_graph_has_them() -> None:
    found = inspect(WORDS_TDT, at={"token_len": 4, "time": 9}, hash=False)
    assert isinstance(found, BundleInspection)
    given = {m.path.stem: dict(m.cost.sizes) if m.cost else None for m in found.models}
    assert given == {
        "encoder": {"time": 9},
        "encoder_streaming": {"time": 9},
        "joint": {"time": 9, "token_len": 4},
        "predictor": {"token_len": 4},
    }


def test_a_size_that_no_graph_of_a_folder_has_is_refused() -> None:
    with pytest.raises(UsageError, match="`tokens`"):
        inspect(WORDS_TDT, at={"time": 9, "tokens": 4}, hash=False)


def test_a_broken_graph_is_listed_and_hides_nothing(tmp_path: Path) -> None:
    shutil.copy(JOINT, tmp_path)
    (tmp_path / "broken.onnx").write_bytes(JOINT.read_bytes()[:5000])
    found = folder(tmp_path, hash=False)
    assert [m.path.name for m in found.models] == ["joint.onnx"]
    (item,) = found.unreadable
    assert item.where == "broken.onnx"
    assert item.what
    assert found.damage == (item,)


def test_the_damage_of_a_folder_is_that_of_its_graphs_too(tmp_path: Path) -> None:
    (tmp_path / "model_meta.json").write_text("{")
    text = "g (float[1] x) => (float[1] y) { y = Add(x, gone) }"
    write(tmp_path / "m.onnx", model(text))
    found = folder(tmp_path, hash=False)
    assert [item.where for item in found.damage] == ["model_meta.json", "main:Add"]


def test_a_file_of_two_graphs_is_shared(tmp_path: Path) -> None:
    proto = model(RELU)
    proto.graph.initializer.add(
        name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL
    ).external_data.add(key="location", value="w.bin")
    (tmp_path / "w.bin").write_bytes(bytes(8))
    for name in "ab":
        write(tmp_path / f"{name}.onnx", proto)
    shared = [m.external.shared for m in folder(tmp_path).models]
    assert shared == [(("w.bin", "b.onnx"),), (("w.bin", "a.onnx"),)]


@pytest.mark.parametrize("content", [None, b"", b"no model"], ids=["missing", "empty", "text"])
def test_what_cannot_be_read_is_an_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelLoadError) as caught:
        inspect(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.hint

"""External files: what is there, what is wrong with it, and whose it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
from onnxtool.analysis.storage import ExternalData
from tests.support.models import model, write


def graph(*files: str) -> onnx.ModelProto:
    """A graph with an initializer of 8 bytes in each of these files, at their start."""
    proto = model("g (float[2] x) => (float[2] y) { y = Relu(x) }")
    for index, file in enumerate(files):
        refer(proto.graph.initializer.add(name=f"w{index}"), file)
    return proto


def refer(tensor: TensorProto, file: str, offset: int = 0) -> None:
    tensor.data_type = TensorProto.FLOAT
    tensor.dims.append(2)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", str(offset)), ("length", "8")):
        tensor.external_data.add(key=key, value=value)


def stored(folder: Path, proto: onnx.ModelProto, files: Mapping[str, int]) -> ExternalData:
    """Write the graph beside files of these sizes, and inspect it."""
    for name, size_bytes in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(bytes(size_bytes))
    found = inspect(write(folder / "model.onnx", proto), hash=False)
    assert isinstance(found, Inspection)
    return found.external


EMPTY = ExternalData(0, 0, 0, (), (), (), (), (), (), (), ())


def test_a_model_without_external_data_does_not_look_around(tmp_path: Path) -> None:
    assert stored(tmp_path, graph(), {"anything.bin": 9}) == EMPTY


def test_counts_files_bytes_and_tensors(tmp_path: Path) -> None:
    proto = graph("a.bin", "b.bin")
    refer(proto.graph.initializer.add(name="second"), "b.bin", 8)
    found = stored(tmp_path, proto, {"a.bin": 8, "b.bin": 100})
    assert (found.files, found.bytes, found.tensors) == (2, 108, 3)


def test_names_files_of_node_attributes(tmp_path: Path) -> None:
    proto = graph("a.bin")
    attribute = proto.graph.node.add(op_type="Constant", output=["c"]).attribute.add(
        name="value", type=onnx.AttributeProto.TENSOR
    )
    refer(attribute.t, "constant.bin")
    found = stored(tmp_path, proto, {"a.bin": 8, "constant.bin": 8})
    assert found.in_attributes == ("constant.bin",)


def test_names_what_is_wrong(tmp_path: Path) -> None:
    proto = graph("missing.bin", "short.bin", "../outside.bin", "/etc/hostname", "folder", "fine")
    (tmp_path / "folder").mkdir()
    found = stored(tmp_path, proto, {"short.bin": 7, "fine": 8})
    assert found.missing == ("missing.bin",)
    assert found.short == ("short.bin",)
    assert found.outside == ("../outside.bin", "/etc/hostname")
    assert found.refused == ("folder",)


def test_a_place_before_the_beginning_is_not_short(tmp_path: Path) -> None:
    proto = graph()
    refer(proto.graph.initializer.add(name="w"), "w.bin", -8)
    found = stored(tmp_path, proto, {"w.bin": 8})
    assert (found.misplaced, found.short) == (("w.bin",), ())


def test_links_are_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(bytes(8))
    (tmp_path / "link.bin").symlink_to("real.bin")
    assert stored(tmp_path, graph("link.bin"), {}).refused == ("link.bin",)
    allowed = inspect(tmp_path / "model.onnx", hash=False, allow_links=True)
    assert isinstance(allowed, Inspection)
    assert allowed.external.refused == ()


def test_names_files_that_another_graph_refers_to(tmp_path: Path) -> None:
    write(tmp_path / "other.onnx", graph("a.bin"))
    found = stored(tmp_path, graph("a.bin", "b.bin"), {"a.bin": 8, "b.bin": 8})
    assert found.shared == (("a.bin", "other.onnx"),)


def test_names_files_that_no_graph_refers_to(tmp_path: Path) -> None:
    write(tmp_path / "other.onnx", graph("theirs.bin"))
    files = {"ours.bin": 8, "theirs.bin": 8, "left.bin": 8, "README.md": 8, "tokens.txt": 8}
    assert stored(tmp_path, graph("ours.bin"), files).orphaned == ("left.bin",)


def test_a_graph_that_cannot_be_read_does_not_hide_the_rest(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_text("no model")
    (tmp_path / "folder.onnx").mkdir()
    found = stored(tmp_path, graph("a.bin"), {"a.bin": 8, "left.bin": 8})
    assert found.orphaned == ("left.bin",)


@pytest.mark.parametrize("name", ["model.pb", "model.bin", "model"])
def test_a_graph_may_have_any_suffix(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(8))
    found = inspect(write(tmp_path / name, graph("a.bin")), hash=False)
    assert isinstance(found, Inspection)
    assert (found.external.files, found.external.shared) == (1, ())


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_what_an_allowed_link_leads_to_is_not_left_over(tmp_path: Path) -> None:
    (tmp_path / "target.bin").write_bytes(bytes(8))
    (tmp_path / "left.bin").write_bytes(bytes(8))
    (tmp_path / "w.bin").symlink_to("target.bin")
    path = write(tmp_path / "model.onnx", graph("w.bin"))
    found = inspect(path, hash=False, allow_links=True)
    folder = inspect(tmp_path, hash=False, allow_links=True)
    assert isinstance(found, Inspection)
    assert isinstance(folder, BundleInspection)
    assert found.external.orphaned == folder.orphans == ("left.bin",)

"""Whatever it is given, repacking and locking give a whole result, or none and the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from onnxtool.errors import OnnxToolError
from onnxtool.model.arguments import is_folder
from onnxtool.model.artifact import load_graph
from onnxtool.model.tensor_digest import digest_tensors
from onnxtool.release.manifest import write_manifest
from onnxtool.release.verification import verify_manifest
from onnxtool.transforms.repack import repack

from .build import BUILDERS, Builder, case_name
from .sizes import external_of_1_gb, half_a_million_nodes, larger_than_2_gib

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and modes are POSIX")

# They take long, and show nothing here that smaller ones do not.
LARGE = (larger_than_2_gib, external_of_1_gb, half_a_million_nodes)
each_builder = pytest.mark.parametrize(
    "builder", [builder for builder in BUILDERS if builder not in LARGE], ids=case_name
)


@each_builder
def test_repack(builder: Builder, tmp_path: Path) -> None:
    folder = tmp_path / case_name(builder)
    folder.mkdir()
    case = builder(folder)
    outside = tmp_path / "out"
    outside.mkdir()
    name = "out" if is_folder(case.path) else "out.onnx"
    try:
        repack(case.path, outside / name)
    except OnnxToolError:
        assert list(outside.iterdir()) == []
        return
    assert case.outcome != "refused" or case.skip
    if name == "out.onnx":
        assert digest_tensors(load_graph(outside / name)) == digest_tensors(load_graph(case.path))


@each_builder
def test_manifest(builder: Builder, tmp_path: Path) -> None:
    folder = tmp_path / case_name(builder)
    folder.mkdir()
    case = builder(folder)
    release = case.path if is_folder(case.path) else case.path.parent
    lock = tmp_path / "lock.json"
    try:
        write_manifest(release, lock)
    except OnnxToolError:
        assert not lock.exists()
        return
    assert verify_manifest(release, lock).identical

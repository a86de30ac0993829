"""However a model is stored, and stored anew, its tensors are the same."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from onnxtool import repack
from onnxtool.errors import OnnxToolError
from onnxtool.model.artifact import load_graph
from onnxtool.model.skeleton import referenced_files
from onnxtool.model.structure import structure_sha256
from onnxtool.model.tensor_digest import digest_tensors

from .test_skeleton import BACKEND_MODELS, PLACES, damaged, models

packings = st.sampled_from([(False, None), (True, None), (False, 1), (False, 5000)])


def assert_repacks(source: Path, out: Path, *, inline: bool, shard_bytes: int | None) -> None:
    """Repacked and repacked again, a model has the tensors and the structure that it had."""
    repack(source, out, inline=inline, shard_bytes=shard_bytes)
    models = [load_graph(path) for path in (source, out)]
    before, after = map(digest_tensors, models)
    assert before == after
    assert structure_sha256(models[0]) == structure_sha256(models[1])
    found = {path.name for path in out.parent.iterdir()} - {out.name}
    assert found == referenced_files(out)


def test_backend_models() -> None:
    """For every model of onnx's tests, repacking keeps every tensor."""
    assert len(BACKEND_MODELS) > 100
    for path in BACKEND_MODELS:
        with tempfile.TemporaryDirectory() as folder:
            assert_repacks(path, Path(folder, "out.onnx"), inline=False, shard_bytes=None)


@given(models(list(PLACES)), packings)
def test_generated_models(model: tuple[bytes, bytes], packing: tuple[bool, int | None]) -> None:
    """For every model, repacking keeps every tensor, or refuses what cannot be read."""
    content, weights = model
    inline, shard_bytes = packing
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in", "model.onnx"), Path(folder, "out", "out.onnx")
        for path in (source, out):
            path.parent.mkdir()
        source.write_bytes(content)
        source.with_name("weights.bin").write_bytes(weights)
        assert_repacks(source, out, inline=inline, shard_bytes=shard_bytes)


@settings(max_examples=300)
@given(damaged(), packings)
def test_damaged_models(content: bytes, packing: tuple[bool, int | None]) -> None:
    """Whatever the bytes, OnnxToolError says why not, and then nothing is left behind."""
    inline, shard_bytes = packing
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in", "model.onnx"), Path(folder, "out", "out.onnx")
        for path in (source, out):
            path.parent.mkdir()
        source.write_bytes(content)
        source.with_name("w.bin").write_bytes(bytes(24))
        with suppress(OnnxToolError):
            repack(source, out, inline=inline, shard_bytes=shard_bytes)
        assert out.exists() or not list(out.parent.iterdir())

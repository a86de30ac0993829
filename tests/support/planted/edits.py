"""Changes of graphs and files in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx

from onnxtool.model.artifact import sha256_of


def edit(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    """Change the graph at `path`."""
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


def attest(bundle: Path) -> None:
    """Record the hash of every file."""
    names = sorted(path.name for path in bundle.iterdir())
    (bundle / "SHA256SUMS").write_text("".join(f"{sha256_of(bundle / n)}  {n}\n" for n in names))


def outside(path: Path) -> Path:
    """Move a graph's weights into `NAME.data`."""
    model = onnx.load(path)
    data = f"{path.name}.data"
    onnx.save(model, path, save_as_external_data=True, location=data)
    data_path = path.with_name(data)
    data_path.chmod(0o644)
    return data_path


def axes(value: onnx.ValueInfoProto) -> Sequence[onnx.TensorShapeProto.Dimension]:
    """The declared axes of an input or output."""
    sizes: Sequence[onnx.TensorShapeProto.Dimension] = value.type.tensor_type.shape.dim
    return sizes

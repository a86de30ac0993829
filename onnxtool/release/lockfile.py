"""The lock file of a release: its fields, and how it is written.

The schema is docs/json-schemas/manifest-1.json. There are no times and no paths of a machine in it,
so that the same folder always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from onnxtool.model.manifests import LOCK_FILE
from onnxtool.model.tensor_digest import TensorDigest
from onnxtool.model.tensors import Shape

SCHEMA = "onnxtool.manifest/1"
NAME = LOCK_FILE


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of the release.

    Attributes:
        path: Relative to the folder, with slashes.
        kind: `graph`, `weights`, `metadata`, ...; `orphan` for what belongs to nothing.
        mode: Its permission bits, as `0644`.
    """

    path: str
    kind: str
    size_bytes: int
    mode: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedValue:
    """An input or output of a graph."""

    name: str
    dtype: str
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class LockedGraph:
    """A graph of the release.

    Attributes:
        file: Its path, as in the files.
        structure_sha256: Of all but the values of its tensors; see `model.structure`.
        states: The output that feeds each input in the next call, by input.
        tensors: What it stores, whatever file that is in.
    """

    file: str
    role: str
    family: str | None
    structure_sha256: str
    ir_version: int
    opset_imports: Mapping[str, int]
    producer: str
    inputs: tuple[LockedValue, ...]
    outputs: tuple[LockedValue, ...]
    states: Mapping[str, str]
    tensors: tuple[TensorDigest, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release consists of.

    Attributes:
        versions: Of onnxtool and of the packages that read the files for it.
    """

    versions: Mapping[str, str]
    files: tuple[LockedFile, ...]
    graphs: tuple[LockedGraph, ...]


def as_json(manifest: Manifest) -> dict[str, object]:
    """The fields of a manifest as JSON has them."""
    return {
        "schema": SCHEMA,
        "versions": dict(manifest.versions),
        "files": [
            {
                "path": file.path,
                "kind": file.kind,
                "size_bytes": file.size_bytes,
                "mode": file.mode,
                "sha256": file.sha256,
            }
            for file in manifest.files
        ],
        "graphs": [_graph_json(graph) for graph in manifest.graphs],
    }


def _graph_json(graph: LockedGraph) -> dict[str, object]:
    return {
        "file": graph.file,
        "role": graph.role,
        "family": graph.family,
        "structure_sha256": graph.structure_sha256,
        "ir_version": graph.ir_version,
        "opset_imports": dict(graph.opset_imports),
        "producer": graph.producer,
        "inputs": [_value_json(value) for value in graph.inputs],
        "outputs": [_value_json(value) for value in graph.outputs],
        "states": dict(graph.states),
        "tensors": [
            {
                "name": tensor.name,
                "dtype": tensor.dtype,
                "shape": list(tensor.shape),
                "sha256": tensor.sha256,
            }
            for tensor in graph.tensors
        ],
    }


def _value_json(value: LockedValue) -> dict[str, object]:
    shape = None if value.shape is None else list(value.shape)
    return {"name": value.name, "dtype": value.dtype, "shape": shape}


def as_text(manifest: Manifest) -> str:
    """The lock file: a line for each file and each tensor, so that its history reads well."""
    return _lines(as_json(manifest), "") + "\n"


def _lines(value: object, indent: str) -> str:
    parts = _parts(value)
    if not any(isinstance(part, dict) or _parts_are_objects(part) for part in parts):
        return json.dumps(value, allow_nan=False)
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key)}: {_lines(part, inner)}" for key, part in value.items()]
    else:
        rows = [inner + _lines(part, inner) for part in parts]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, ",\n".join(rows), indent + closing])


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _parts_are_objects(value: object) -> bool:
    return any(isinstance(part, dict) for part in _parts(value))

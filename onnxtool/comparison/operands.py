"""What can be compared, and how a path is told to be one or the other."""

from __future__ import annotations

import enum
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxtool.comparison.profile import Profile
from onnxtool.comparison.saved import INSPECT_SCHEMA, saved_profiles
from onnxtool.errors import MetadataError, ModelLoadError, UnsupportedModelError
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import Bundle, load_bundle
from onnxtool.model.contract import Contract
from onnxtool.model.metadata import Metadata, read_metadata
from onnxtool.model.view import ModelView

# Of which a metadata file of any exporter has one.
_METADATA_FIELDS = frozenset(
    {"blank_id", "features", "frontend", "joint_vocab_size", "labels", "sample_rate", "vocab_size"}
)


class OperandKind(enum.StrEnum):
    """What a side of a comparison is."""

    GRAPH = "graph"
    FOLDER = "folder"
    METADATA = "metadata"
    CONTRACT = "contract"
    INSPECTION = "inspection"


@dataclass(frozen=True, slots=True)
class SavedInspection:
    """The JSON of `onnxtool inspect`."""

    path: Path
    graphs: tuple[Profile, ...]


Operand = ModelView | Bundle | Metadata | Contract | SavedInspection
_KINDS = {
    ModelView: OperandKind.GRAPH,
    Bundle: OperandKind.FOLDER,
    Metadata: OperandKind.METADATA,
    Contract: OperandKind.CONTRACT,
    SavedInspection: OperandKind.INSPECTION,
}


def kind_of(operand: Operand) -> OperandKind:
    """What it is."""
    return _KINDS[type(operand)]


def read_operand(path: Path, *, beside: Path | None = None, allow_links: bool = False) -> Operand:
    """Read a side of a comparison.

    Args:
        path: A graph, a folder, a `model_meta.json`, a contract, or a saved inspection.
        beside: The folder that a bare name may also be meant in.
        allow_links: Let external data be read through links.

    Raises:
        OnnxToolError: It cannot be read, or is nothing that can be compared.
    """
    # Unlike `Path.exists`, it takes names that no file can have.
    if beside is not None and path.name == str(path) and not os.path.lexists(path):
        inside = beside / path
        path = inside if os.path.lexists(inside) else path
    if not os.path.lexists(path):
        raise ModelLoadError(path, "no such file or folder", hint="check the path")
    if path.is_dir():
        return load_bundle(path, allow_links=allow_links)
    if path.suffix.lower() == ".json":
        return _json(path)
    return load_graph(path, allow_links=allow_links)


def _json(path: Path) -> Operand:
    """A JSON file: by its schema, by its name, by its fields."""
    read = read_metadata(path)
    schema = read.fields.get("schema")
    if schema == INSPECT_SCHEMA:
        return SavedInspection(path, saved_profiles(read))
    if isinstance(schema, str) and schema.startswith("onnxtool."):
        raise UnsupportedModelError(
            f"{path}: {schema} cannot be compared",
            hint="of saved results, inspections can be, and two benchmarks with one another",
        )
    if "contract" in path.name.lower() or "contract_version" in read.fields:
        return _contract(path)
    if not _METADATA_FIELDS & set(read.fields):
        raise MetadataError(
            path,
            "JSON, but no metadata of a model, no contract and no saved inspection",
            hint="pass a model_meta.json, or the output of `onnxtool inspect --format json`",
        )
    return read


def _contract(path: Path) -> Contract:
    # By name: a version that cannot read contracts says so.
    module: Any = importlib.import_module("onnxtool.model.contract")
    if not hasattr(module, "read_contract"):
        raise UnsupportedModelError(f"{path}: contracts cannot be read by this version")
    contract: Contract = module.read_contract(path)
    return contract

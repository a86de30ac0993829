"""Graphs of which only an inspection was kept: the JSON of `onnxtool inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnxtool.comparison.profile import Profile
from onnxtool.errors import MetadataError
from onnxtool.model.frozen import thawed
from onnxtool.model.metadata import Metadata
from onnxtool.model.states import StateKind, StatePair
from onnxtool.model.tensors import Shape, TensorSpec

INSPECT_SCHEMA = "onnxtool.inspect/1"
ORIGIN = ("producer", "producer_version", "domain", "model_version", "doc_string")


def saved_profiles(saved: Metadata) -> tuple[Profile, ...]:
    """The graphs of a saved inspection, in order.

    Raises:
        MetadataError: It is not what `inspect` writes.
    """
    try:
        return tuple(_profile(graph) for graph in _graphs(thawed(saved.fields)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MetadataError(
            saved.path,
            f"is no complete result of `onnxtool inspect`: {type(error).__name__} {error}",
            hint="write it anew with `onnxtool inspect --format json`",
        ) from None


def _graphs(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "results" in fields:
        return [graph for result in fields["results"] for graph in _graphs(result)]
    return list(fields["models"]) if fields.get("bundle") else [fields]


def _profile(graph: Mapping[str, Any]) -> Profile:
    return Profile(
        name=str(graph["path"]).replace("\\", "/").rpartition("/")[2],
        role=str(graph["role"]),
        inputs=tuple(map(_spec, graph["inputs"])),
        outputs=tuple(map(_spec, graph["outputs"])),
        states=tuple(map(_state, graph["states"])),
        ir_version=int(graph["ir_version"]),
        opset_imports=_integers(graph["opset_imports"]),
        custom_domains=tuple(map(str, graph["custom_domains"])),
        origin={name: str(graph[name]) for name in ORIGIN},
        metadata_props={str(k): str(v) for k, v in graph["metadata_props"].items()},
        operators=_integers(graph["operators"]),
        parameters=int(graph["parameters"]),
        weight_bytes=_integers(graph["weight_bytes"]),
    )


def _spec(spec: Mapping[str, Any]) -> TensorSpec:
    auto = tuple((int(axis), str(name)) for axis, name in spec["auto_named"].items())
    return TensorSpec(str(spec["name"]), str(spec["dtype"]), _shape(spec["shape"]), auto)


def _shape(shape: list[Any] | None) -> Shape | None:
    if shape is None:
        return None
    for size in shape:
        if not isinstance(size, int | str | None):
            raise TypeError(f"`{size}` is no size of an axis")
    return tuple(shape)


def _state(state: Mapping[str, Any]) -> StatePair:
    return StatePair(
        input=str(state["input"]),
        output=str(state["output"]),
        kind=StateKind(state["kind"]),
        dtype=str(state["dtype"]),
        shape=_shape(state["shape"]),
        zero_bytes=state["zero_bytes"],
        found_by=str(state["found_by"]),
        problem=str(state["problem"] or ""),
    )


def _integers(numbers: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(number) for name, number in numbers.items()}

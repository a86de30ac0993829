"""Runtimes that a release is for, and what each of them requires."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from onnxtool.errors import UsageError
from onnxtool.model.families import Role

RUNTIMES = ("sherpa-onnx", "onnx-asr", "onnxruntime")
Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output that a runtime feeds or reads; the name binds only where `by_name`."""

    name: str
    dtype: str
    rank: int


@dataclass(frozen=True, slots=True)
class TargetGraph:
    """What a runtime requires of the graphs of some roles.

    Attributes:
        families: Those whose graphs it is about; empty for all.
        by_name: Whether it finds inputs and outputs by name; otherwise by position.
        metadata: Key of metadata_props -> `integer`, `integers`, `text`, or the texts it knows.
        instead: The file that it wants instead of such a graph; else empty.
    """

    roles: tuple[Role, ...]
    families: tuple[str, ...]
    by_name: bool
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str | tuple[str, ...]]
    instead: str


@dataclass(frozen=True)
class Target:
    """A runtime, in a version.

    Attributes:
        name: As the user gave it: `sherpa-onnx`, `onnxruntime==1.20`.
        runtime: Without the version.
        version: If there is one.
        graphs: By role.
        files: Patterns of the names of files that it looks for, each with its alternatives.
        max_ir_version: The newest that it loads; None for not known.
        max_opset: Of the standard operators; likewise.
        operators: Operator of com.microsoft -> the version of ONNX Runtime that first has it;
            empty for not known.
        kernels: Likewise, of what operators can do.
        says: Trouble -> what the runtime itself says of it, with `{found}` and `{limit}` to fill
            in.
        tdt_in_url: Whether it knows a TDT model by `tdt` in the metadata's `url`.
    """

    name: str
    runtime: str
    version: Version | None = None
    graphs: tuple[TargetGraph, ...] = ()
    files: tuple[tuple[str, ...], ...] = ()
    max_ir_version: int | None = None
    max_opset: int | None = None
    operators: Mapping[str, Version] = field(default_factory=dict)
    kernels: Mapping[str, Version] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    tdt_in_url: bool = False

    def graph(self, role: Role, family: str | None = None) -> TargetGraph | None:
        """What it is known to require of a graph of this role and family, if anything."""
        return next(
            (
                graph
                for graph in self.graphs
                if role in graph.roles
                and (not (graph.families and family) or family in graph.families)
            ),
            None,
        )

    def knows(self, families: Iterable[str]) -> bool:
        """Whether it is known what it requires of a model of these families."""
        known = {family for graph in self.graphs for family in graph.families}
        return not known.isdisjoint(families)

    def saying(self, trouble: str, found: object = "", limit: object = "") -> str:
        """`; sherpa-onnx says: …`, or nothing where its words are not known."""
        words = self.says.get(trouble)
        return f"; {self.runtime} says: {words.format(found=found, limit=limit)}" if words else ""


def parse_target(text: str) -> Target:
    """The target that the user names: `sherpa-onnx`, `onnx-asr` or `onnxruntime==1.20`.

    Raises:
        UsageError: There is no such target, or it is not known in this version.
    """
    match = re.fullmatch(r"([a-z-]+)(?:==(\d+)\.(\d+)(?:\.\d+)*)?", text)
    if not match or match[1] not in RUNTIMES:
        known = "sherpa-onnx, onnx-asr, onnxruntime==X.Y"
        raise UsageError(f"no target `{text}`", hint=f"one of {known}")
    table = _table(match[1])
    version = (int(match[2]), int(match[3])) if match[2] else None
    if match[1] == "onnxruntime":
        return _onnxruntime(text, version, table)
    if version:
        raise UsageError(f"{match[1]} is known in one version only", hint=f"--target {match[1]}")
    return Target(
        name=text,
        runtime=match[1],
        graphs=tuple(_graph(graph, table["families"]) for graph in table["graphs"]),
        files=tuple(map(tuple, table.get("files", ()))),
        says=table["says"],
        tdt_in_url=table.get("tdt_in_url", False),
    )


def newest_onnxruntime() -> Target:
    """The newest ONNX Runtime that is known: what it does not load, none does."""
    version = max(map(_version, _table("onnxruntime")["limits"]))
    return parse_target(f"onnxruntime=={version[0]}.{version[1]}")


def _onnxruntime(text: str, version: Version | None, table: Mapping[str, Any]) -> Target:
    limits = {_version(key): limit for key, limit in table["limits"].items()}
    if version not in limits:
        first, last = (f"{v[0]}.{v[1]}" for v in (min(limits), max(limits)))
        raise UsageError(
            f"no target `{text}`",
            hint=f"onnxruntime is known in {first} to {last}: onnxruntime=={last}",
        )
    ir_version, opset = limits[version]
    return Target(
        name=text,
        runtime="onnxruntime",
        version=version,
        max_ir_version=ir_version,
        max_opset=opset,
        operators=_first_versions(table["operators"].items()),
        kernels={kernel: _version(first) for kernel, first in table["kernels"].items()},
        says=table["says"],
    )


def _first_versions(operators: Iterable[tuple[str, list[str]]]) -> dict[str, Version]:
    return {name: _version(version) for version, names in operators for name in names}


def _version(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)


def _graph(table: Mapping[str, Any], families: Iterable[str]) -> TargetGraph:
    return TargetGraph(
        roles=tuple(map(Role, table["roles"])),
        families=tuple(table.get("families", families)),
        by_name=table.get("by_name", False),
        inputs=tuple(Port(*port) for port in table.get("inputs", ())),
        outputs=tuple(Port(*port) for port in table.get("outputs", ())),
        metadata={
            key: tuple(kind) if isinstance(kind, list) else kind
            for key, kind in table.get("metadata", {}).items()
        },
        instead=table.get("instead", ""),
    )


@cache
def _table(runtime: str) -> Mapping[str, Any]:
    text = files("onnxtool.rules").joinpath("targets", f"{runtime}.toml").read_text("utf-8")
    return tomllib.loads(text)

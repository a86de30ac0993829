"""Is a graph the one that was locked, whatever files its tensors are in?"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnxtool.model.tensor_digest import TensorDigest
from onnxtool.model.tensors import shape_text
from onnxtool.release.lockfile import LockedGraph, LockedValue


class Verdict(enum.StrEnum):
    """What became of a graph."""

    REPACKED = "repacked"  # the same in other bytes: tensors and structure are identical
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the manifest has it; empty on the side that lacks it."""

    what: str
    locked: str
    found: str


@dataclass(frozen=True, slots=True)
class GraphChange:
    """A graph that is not stored as it was, or is not what it was.

    Attributes:
        interface: Inputs, outputs, states, operator sets, producer.
        structure: Whether anything but values of tensors changed: nodes, attributes, names,
            metadata, or what `interface` lists.
        tensors: Tensors that changed, by name.
        trouble: Why it cannot be read; else empty.
    """

    file: str
    verdict: Verdict
    interface: tuple[Difference, ...] = ()
    structure: bool = False
    tensors: tuple[Difference, ...] = ()
    trouble: str = ""


def compare_graphs(locked: LockedGraph, found: LockedGraph) -> GraphChange:
    """What differs, apart from where tensors are stored."""
    interface = tuple(_interface(locked, found))
    tensors = tuple(_by_name("", _contents(locked.tensors), _contents(found.tensors)))
    structure = locked.structure_sha256 != found.structure_sha256
    same = not (interface or tensors or structure)
    verdict = Verdict.REPACKED if same else Verdict.CHANGED
    return GraphChange(locked.file, verdict, interface, structure, tensors)


def _interface(locked: LockedGraph, found: LockedGraph) -> Iterator[Difference]:
    yield from _values("input", locked.inputs, found.inputs)
    yield from _values("output", locked.outputs, found.outputs)
    yield from _by_name("state", locked.states, found.states)
    opsets = [
        {name or "ai.onnx": str(number) for name, number in side.opset_imports.items()}
        for side in (locked, found)
    ]
    yield from _by_name("operator set", *opsets)
    before = {"IR version": str(locked.ir_version), "producer": locked.producer}
    after = {"IR version": str(found.ir_version), "producer": found.producer}
    yield from _by_name("", before, after)


def _values(
    what: str, locked: Sequence[LockedValue], found: Sequence[LockedValue]
) -> Iterator[Difference]:
    before, after = _described(locked), _described(found)
    yield from _by_name(what, before, after)
    if before == after and locked != found:
        yield Difference(f"order of {what}s", _names(locked), _names(found))


def _by_name(
    what: str, locked: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*locked, *found)):
        old, new = locked.get(name, ""), found.get(name, "")
        if old != new:
            yield Difference(f"{what} {name}".strip(), old, new)


def _names(values: Sequence[LockedValue]) -> str:
    return ", ".join(value.name for value in values)


def _described(values: Sequence[LockedValue]) -> dict[str, str]:
    return {value.name: f"{value.dtype} {shape_text(value.shape)}" for value in values}


def _contents(tensors: Sequence[TensorDigest]) -> dict[str, str]:
    return {tensor.name: _content(tensor) for tensor in tensors}


def _content(tensor: TensorDigest) -> str:
    values = tensor.trouble if tensor.sha256 is None else tensor.sha256
    return f"{tensor.dtype} {shape_text(tensor.shape)} {values}"

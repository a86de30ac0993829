"""The sizes that a `tensor_layout_contract` claims in words, against the graphs' interfaces.

Its entries read `joint_output: [B, T, U, V_joint(=8198)]`: names of values, and for each axis a
letter, a size, or a letter and a size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxtool.model.bundle import Member
from onnxtool.model.families import Role
from onnxtool.model.tensors import TensorSpec, shape_text
from onnxtool.model.wiring import ENCODERS, JOINTS

_VALUE = re.compile(r"(?P<names>[\w./]+): ?\[(?P<axes>[^\[\]]*)\]")
_SIZE = re.compile(r"(?<![\w.])\d{1,12}(?![\w.])")
_ROLES: Mapping[str, tuple[Role, ...]] = {
    "encoder": ENCODERS,
    "predictor": (Role.PREDICTOR, Role.DECODER_JOINT),
    "joint": JOINTS,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """An entry, and what is true.

    Attributes:
        right: The entry with the graph's sizes.
        in_graph: The values that it is about, with their shapes.
        source: The graph.
    """

    right: str
    in_graph: str
    source: str


def check_claim(key: str, text: str, members: Sequence[Member]) -> Claim | None:
    """Compare an entry such as `joint_output` with the graph that it is about; None if none is."""
    role, _, way = key.rpartition("_")
    member = next((m for m in members if m.signature.role in _ROLES.get(role, ())), None)
    if member is None or way not in {"input", "output"}:
        return None
    known = member.signature
    specs = {spec.name: spec for spec in (known.inputs if way == "input" else known.outputs)}
    used = [name for found in _VALUE.finditer(text) for name in found["names"].split("/")]
    if not used:
        return None
    if not all(name in specs for name in used):
        right = ", ".join(f"{name}: {shape_text(spec.shape)}" for name, spec in specs.items())
        return Claim(right, right, member.name)
    in_graph = ", ".join(f"{name}: {shape_text(specs[name].shape)}" for name in used)
    right = _VALUE.sub(lambda found: _corrected(found, specs), text)
    return Claim(right, in_graph, member.name)


def _corrected(found: re.Match[str], specs: Mapping[str, TensorSpec]) -> str:
    """One value's axes, with the sizes of the graph where the entry gives others."""
    spec = specs[found["names"].split("/")[0]]
    axes = found["axes"].split(",")
    if spec.shape is None:
        return found[0]
    if len(axes) != len(spec.shape):
        return f"{found['names']}: {shape_text(spec.shape)}"
    right = [
        _SIZE.sub(str(size), axis) if isinstance(size, int) else axis
        for axis, size in zip(axes, spec.shape, strict=True)
    ]
    return found[0].replace(f"[{found['axes']}]", f"[{','.join(right)}]")

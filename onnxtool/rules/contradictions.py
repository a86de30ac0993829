"""B005: what `model_meta.json` says of the graphs, against the graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from onnxtool.model.bundle import Bundle
from onnxtool.model.families import Role
from onnxtool.model.tensors import TensorSpec
from onnxtool.rules.examples.graphs import ADD, folder
from onnxtool.rules.metadata import at, required
from onnxtool.rules.rule import Problem, Severity, bundle_rule
from onnxtool.rules.subject import BundleSubject


@bundle_rule(
    "B005",
    "contradictory-metadata",
    severity=Severity.ERROR,
    fix="Let the exporter write what it exports, instead of the numbers of one model.",
    bad=folder(
        {
            "a.onnx": ADD,
            "model_meta.json": {"tensor_layout_contract": {"encoder_input": "x: [3]"}},
        }
    ),
    good=folder(
        {
            "a.onnx": ADD,
            "model_meta.json": {"tensor_layout_contract": {"encoder_input": "x: [2]"}},
        }
    ),
)
def contradictory_metadata(bundle: BundleSubject) -> Iterator[Problem]:
    """What the metadata says of the graphs, its name among it, is not what they are.

    1. Tensors of `tensor_layout_contract` that no graph has, or that have other sizes there.
    2. A model that is named for its size, `0.6b`, and has another. That is a warning.
    3. Labels that are not the vocabulary.
    4. Durations that are not the contract's.

    Exporters hard-code the first two for the model that they were written for.
    """
    fields = required(bundle)
    contract = fields.get("tensor_layout_contract")
    if isinstance(contract, Mapping):
        for name, text in contract.items():
            if isinstance(text, str):
                yield from _layout(bundle, f"tensor_layout_contract.{name}", text)  # 1
    yield from _named_for_size(bundle, fields.get("model_name"))  # 2
    promised = bundle.contract.decoding if bundle.contract else None
    durations = fields.get("duration_values")
    promised_durations = (promised.duration_values or ()) if promised else ()
    if promised_durations and isinstance(durations, tuple) and durations != promised_durations:  # 4
        message = (
            f"`duration_values` are {list(durations)}, {list(promised_durations)} were promised"
        )
        yield Problem(message, at("duration_values"))
    yield from _labels(bundle, fields.get("labels"))  # 3


def _labels(bundle: BundleSubject, labels: object) -> Iterator[Problem]:
    """Case 3: labels may leave the blank out."""
    vocabulary = bundle.bundle.vocabulary
    if not isinstance(labels, tuple) or not labels or not vocabulary:
        return
    tokens = tuple(t for i, t in enumerate(vocabulary.tokens) if i != vocabulary.blank_id)
    if labels not in {tokens, vocabulary.tokens}:
        pairs = enumerate(zip(labels, tokens, strict=False))
        first = next((i for i, (label, text) in pairs if label != text), None)
        place = f", and differ at {first}" if first is not None else ""
        message = f"`labels` are {len(labels)}, {vocabulary.path.name} has {len(tokens)}{place}"
        yield Problem(message, at("labels"))


def _layout(bundle: BundleSubject, name: str, text: str) -> Iterator[Problem]:
    """Read `y: [B, U], h/c: [L, B, H(=640)]`, and hold it against the graphs."""
    role, _, direction = name.rpartition(".")[2].partition("_")
    described = re.findall(r"([\w./]+): \[([^\]]*)\]", text)
    if not described:
        yield Problem(f"`{name}` describes no tensor: {text!r:.60}", at(name))
    for names, sizes in described:
        for tensor in names.split("/"):
            specs = _specs(bundle, role, direction, tensor)
            if not specs:
                yield Problem(f"`{name}`: no {role} has the {direction} `{tensor}`", at(name))
            for graph, spec in specs:
                if wrong := _misfit(sizes.split(","), spec):
                    yield Problem(f"`{name}`: `{tensor}` of {graph} {wrong}", at(name))


def _specs(
    bundle: BundleSubject, role: str, direction: str, tensor: str
) -> list[tuple[str, TensorSpec]]:
    """The inputs, or outputs, of this name: of graphs of the role, or of any where it is none."""
    roles = {"encoder": (Role.ENCODER, Role.STREAMING_ENCODER)}.get(role, (role,))
    graphs = [g for g in bundle.graphs if g.signature.role in roles] or bundle.graphs
    found: list[tuple[str, TensorSpec]] = []
    for graph in graphs:
        specs = graph.signature.outputs if direction == "output" else graph.signature.inputs
        found.extend((graph.name, spec) for spec in specs if spec.name == tensor)
    return found


def _misfit(sizes: Sequence[str], spec: TensorSpec) -> str:
    """How the described axes are not those of the tensor; empty if they are."""
    shape = spec.shape
    if shape is None:
        return ""
    if len(sizes) != len(shape):
        return f"has {len(shape)} axes, not {len(sizes)}"
    for axis, (text, size) in enumerate(zip(sizes, shape, strict=True)):
        number = re.fullmatch(r"\s*(?:\w+\(=)?(\d+)\)?\s*", text)
        if number and isinstance(size, int) and int(number[1]) != size:
            return f"has {size} on axis {axis}, not {number[1]}"
    return ""


def _named_for_size(bundle: BundleSubject, name: object) -> Iterator[Problem]:
    """Case 2: `parakeet-tdt-0.6b-v3` has about 600 million parameters."""
    match = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", str(name).lower())
    count = _parameters(bundle.bundle)
    if not match or not count:
        return
    promised = float(match[1]) * (1e9 if match[2] == "b" else 1e6)
    if not 0.5 < count / promised < 2:
        message = (
            f"`model_name` is {name!r}, and the model has {count / 1e6:,.1f} million parameters"
        )
        yield Problem(message, at("model_name"), Severity.WARNING)


def _parameters(bundle: Bundle) -> int:
    """Elements of all weights, of one encoder only: the other ones hold the same."""
    largest: dict[str, int] = {}
    for member in bundle.models:
        elements = sum(t.elements for t in member.view.tensors if len(t.shape) > 1)
        kind = "encoder" if "encoder" in member.signature.role else member.name
        largest[kind] = max(largest.get(kind, 0), elements)
    return sum(largest.values())

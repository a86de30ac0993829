"""B005: what `model_meta.json` says of the graphs, against the graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from onnxtool.model.bundle import Bundle
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.wiring import ENCODERS
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.bundle.graphs import missing_parts
from onnxtool.rules.bundle.layouts import Said, described, misfit
from onnxtool.rules.bundle.metadata import LAYOUT, at, required
from onnxtool.rules.bundle.schema import are_texts
from onnxtool.rules.examples.graphs import ADD, folder
from onnxtool.rules.rule import bundle_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject
from onnxtool.rules.transducer import durations, integer_field, joint_width


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

    1. Tensors of `tensor_layout_contract` that no graph has, or whose axes have another size there,
       or another order: a dynamic axis where a number or a size of the network is.
    2. A model that is named for its size, `0.6b`, and has another. That is a warning.
    3. Labels that are not the vocabulary.
    4. Durations that are not the contract's.
    5. A number of tokens that is not the vocabulary's, where no joint shows it (J003).

    Exporters hard-code the first two for the model that they were written for.
    """
    fields = required(bundle).fields
    layouts = fields.get(LAYOUT)
    if isinstance(layouts, Mapping):
        for name, text in layouts.items():
            if isinstance(text, str):
                yield from _layout(bundle, f"{LAYOUT}.{name}", text)  # 1
    yield from _named_for_size(bundle, fields.get("model_name"))  # 2
    promised = bundle.contract.decoding if bundle.contract else None
    steps = fields.get("duration_values")
    promised_steps = (promised.duration_values or ()) if promised else ()
    if promised_steps and isinstance(steps, tuple) and steps != promised_steps:  # 4
        message = f"`duration_values` are {list(steps)}, {list(promised_steps)} were promised"
        yield Problem(message, at("duration_values"))
    yield from _labels(bundle, fields.get("labels"))  # 3
    yield from _token_count(bundle)  # 5


def _labels(bundle: BundleSubject, labels: object) -> Iterator[Problem]:
    """Case 3: labels may leave the blank out."""
    vocabulary = bundle.bundle.vocabulary
    if not are_texts(labels) or not labels or not vocabulary:
        return
    tokens = tuple(t for i, t in enumerate(vocabulary.tokens) if i != vocabulary.blank_id)
    if labels not in {tokens, vocabulary.tokens}:
        pairs = enumerate(zip(labels, tokens, strict=False))
        first = next((i for i, (label, text) in pairs if label != text), None)
        place = f", and differ at {first}" if first is not None else ""
        message = f"`labels` are {len(labels)}, {vocabulary.path.name} has {len(tokens)}{place}"
        yield Problem(message, at("labels"))


def _token_count(bundle: BundleSubject) -> Iterator[Problem]:
    """Case 5: the width of a joint tells only where its durations are known."""
    vocabulary, name = bundle.bundle.vocabulary, "tokenizer_vocab_size"
    declared = integer_field(bundle.bundle, name)
    if not vocabulary or not declared:
        return
    width, steps = joint_width(bundle.bundle), durations(bundle.bundle, bundle.contract)
    if width and isinstance(width.value, int) and steps:
        return
    count = vocabulary.token_count
    if declared != count:
        yield Problem(f"`{name}` is {declared}, {vocabulary.path.name} has {count}", at(name))


def _layout(bundle: BundleSubject, name: str, text: str) -> Iterator[Problem]:
    """Case 1: read `y: [B, U], h/c: [L, B, H(=640)]`, and hold it against the graphs."""
    role, _, direction = name.rpartition(".")[2].partition("_")
    if role in missing_parts(bundle):  # B002 tells.
        return
    tensors = list(described(text))
    if not tensors:
        yield Problem(f"`{name}` describes no tensor: {text!r:.60}", at(name))
    sizes = _sizes(bundle, role)
    for tensor, axes in tensors:
        specs = _specs(bundle, role, direction, tensor)
        # One that cannot be read may have it.
        if not specs and not bundle.unreadable_graphs:
            yield Problem(f"`{name}`: no {role} has the {direction} `{tensor}`", at(name))
        for graph, spec in specs:
            if wrong := misfit(axes, spec, sizes):
                yield Problem(f"`{name}`: `{tensor}` of {graph} {wrong}", at(name))


def _sizes(bundle: BundleSubject, role: str) -> dict[str, Said]:
    """What symbols stand for, by any layout of the role; `n_mels` has a rule of its own."""
    sizes: dict[str, Said] = {}
    layouts = required(bundle).fields.get(LAYOUT)
    for name, text in layouts.items() if isinstance(layouts, Mapping) else ():
        if name.startswith(f"{role}_") and isinstance(text, str):
            axes = (axis for _, axes in described(text) for axis in axes)
            sizes |= {a.symbol: Said(a.size, name) for a in axes if a.symbol and a.size is not None}
    return sizes


def _specs(
    bundle: BundleSubject, role: str, direction: str, tensor: str
) -> list[tuple[str, TensorSpec]]:
    """The inputs, or outputs, of this name: of graphs of the role, or of any where it is none."""
    roles = {"encoder": ENCODERS}.get(role, (role,))
    graphs: Sequence[GraphSubject] = [g for g in bundle.graphs if g.signature.role in roles]
    if not graphs and not bundle.unreadable_graphs:
        graphs = bundle.graphs
    found: list[tuple[str, TensorSpec]] = []
    for graph in graphs:
        specs = graph.signature.outputs if direction == "output" else graph.signature.inputs
        found.extend((graph.name, spec) for spec in specs if spec.name == tensor)
    return found


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

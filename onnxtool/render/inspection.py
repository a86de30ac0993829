"""What `inspect` found, as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from onnxtool.analysis.inspection import BundleInspection, Inspection
from onnxtool.analysis.modules import Module
from onnxtool.analysis.storage import ExternalData
from onnxtool.analysis.weights import Weights
from onnxtool.model.damage import Damage
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.wiring import Wire
from onnxtool.render.document import (
    Align,
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Share,
    Table,
    Tone,
)
from onnxtool.render.units import amount, count, listed, shape, size

if TYPE_CHECKING:
    from onnxtool.analysis.cost import Cost

LEFT, RIGHT = Align.LEFT, Align.RIGHT
# Metadata values can be whole vocabularies.
MAX_VALUE = 200


def document(result: Inspection | BundleInspection, *, depth: int) -> Document:
    """Everything found, for people; the module tree to `depth` levels, 0 for none."""
    if isinstance(result, Inspection):
        return tuple(_graph(result, depth))
    return tuple(_bundle(result, depth))


def _bundle(bundle: BundleInspection, depth: int) -> Iterator[Block]:
    yield Heading(str(bundle.path), level=1, note=count(len(bundle.models), "graph"))
    yield _members(bundle)
    if bundle.wiring:
        yield Heading("Wiring")
        yield _wiring(bundle.wiring)
    if bundle.metadata:
        yield Heading(bundle.metadata.path.name)
        yield Facts(tuple(_fields(bundle.metadata.fields)))
    yield Heading("Files beside the graphs")
    yield Facts(tuple(_files(bundle)))
    yield from _damage(bundle.unreadable)
    for model in bundle.models:
        yield from _graph(model, depth)


def _wiring(wires: Sequence[Wire]) -> Table:
    columns = ("output", "feeds", "dtype", "shape out", "shape in")
    rows = [
        (w.source, w.target, w.dtype, shape(w.source_shape), shape(w.target_shape)) for w in wires
    ]
    if any(wire.problem for wire in wires):
        problems = (wire.problem or "none" for wire in wires)
        return Table(
            (*columns, "misfit"),
            tuple((*row, problem) for row, problem in zip(rows, problems, strict=True)),
        )
    return Table(columns, tuple(rows))


def _members(bundle: BundleInspection) -> Table:
    rows = tuple(
        (
            model.path.name,
            model.signature.role.value,
            model.signature.family or "unknown",
            f"{model.weights.parameters:,}",
            size(model.size_bytes + model.external.bytes),
            listed(f"{spec.name} {shape(spec.shape)}" for spec in model.signature.free_inputs),
        )
        for model in bundle.models
    )
    columns = ("graph", "role", "family", "parameters", "on disk", "takes, besides states")
    return Table(columns, rows, (LEFT, LEFT, LEFT, RIGHT, RIGHT, LEFT))


def _fields(fields: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """JSON fields, those of nested objects under dotted names."""
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _value(value)


def _files(bundle: BundleInspection) -> Iterator[tuple[str, str]]:
    if bundle.vocabulary:
        blank = bundle.vocabulary.blank_id
        note = "no blank token" if blank is None else f"blank is {blank}"
        tokens = count(len(bundle.vocabulary.tokens), "token")
        yield "vocabulary", f"{bundle.vocabulary.path.name}: {tokens}, {note}"
    else:
        yield "vocabulary", "none"
    for kind in dict.fromkeys(kind for kind, _ in bundle.companions):
        if kind != "vocabulary":
            yield kind, listed(name for known, name in bundle.companions if known == kind)
    yield "orphans", listed(bundle.orphans) or "none"


def _graph(result: Inspection, depth: int) -> Iterator[Block]:
    known = result.signature
    what = " · ".join(part for part in (known.role.value, known.title) if part)
    yield Heading(str(result.path), level=1, note=what)
    yield Facts(tuple(_header(result)))
    yield Heading("Interface")
    yield _interface(known)
    yield from _symbols(known)
    yield from _states(known)
    yield Heading("Operators", note=_node_counts(result))
    yield Paragraph(" · ".join(f"{name} {n:,}" for name, n in result.operators.items()) or "none")
    if result.functions:
        yield Facts((("functions", listed(result.functions)),))
    if result.custom_domains:
        yield Facts((("custom domains", listed(result.custom_domains)),))
    yield Heading("Weights")
    yield Facts(tuple(_weights(result.weights)))
    if result.external.files:
        yield Heading("External data")
        yield Facts(tuple(_external(result.external)))
    yield from _cost(result)
    yield from _modules(result, depth)
    yield from _damage(result.damage)


def _header(result: Inspection) -> Iterator[tuple[str, str]]:
    header = result.header
    opsets = (f"{domain or 'ai.onnx'} {v}" for domain, v in header.opset_imports.items())
    yield "family", result.signature.family or "unknown"
    yield "format", f"IR {header.ir_version} · opset {listed(opsets) or 'none'}"
    producer = " ".join(part for part in (header.producer, header.producer_version) if part)
    yield "producer", producer or "unknown"
    yield "graph file", f"{size(result.size_bytes)} ({result.size_bytes:,} bytes)"
    if result.digest:
        alone = f" (covers none of {count(result.external.files, 'weight file')})"
        yield "SHA-256", result.digest.sha256 + (alone if result.external.files else "")
        if result.external.files:
            yield "with weights", result.digest.complete or "not all files can be read"
    for key, value in header.metadata_props.items():
        yield f"metadata {key}", _value(value)
    if header.doc_string:
        yield "doc string", _value(header.doc_string)


def _value(value: object) -> str:
    text = str(value) if value is not None else "null"
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}… ({len(text):,} characters)"


def _interface(known: Signature) -> Table:
    states = {p.input for p in known.states} | {p.output for p in known.states}
    rows = [
        (
            way + (" state" if spec.name in states else ""),
            spec.name,
            spec.dtype,
            shape(spec.shape),
            _axes(spec),
        )
        for way, specs in (("input", known.inputs), ("output", known.outputs))
        for spec in specs
    ]
    return Table(("", "name", "dtype", "shape", "dynamic axes"), tuple(rows))


def _axes(spec: TensorSpec) -> str:
    if spec.shape is None:
        return "rank unknown"
    return ", ".join(f"{axis}: {name or '?'}" for axis, name in spec.dynamic_axes.items()) or "none"


def _symbols(known: Signature) -> Iterator[Block]:
    if known.symbols:
        yield Heading("Dynamic sizes")
        yield Table(
            ("symbol", "axes that bear it"),
            tuple((symbol.name, listed(symbol.axes, None)) for symbol in known.symbols),
        )


def _states(known: Signature) -> Iterator[Block]:
    if known.states:
        yield Heading("States", note="each output is the next call's input")
        rows = tuple(
            (
                pair.input,
                pair.output,
                pair.kind.value + (f" ({pair.problem})" if pair.problem else ""),
                pair.dtype,
                shape(pair.shape),
                "unknown" if pair.zero_bytes is None else size(pair.zero_bytes),
            )
            for pair in known.states
        )
        columns = ("input", "from output", "kind", "dtype", "shape", "zero state")
        yield Table(columns, rows, (LEFT, LEFT, LEFT, LEFT, LEFT, RIGHT))
    if known.host_held:
        yield Heading("Held by the host", note="inputs that no output gives back")
        yield Facts(tuple((held.input, held.meaning) for held in known.host_held))


def _node_counts(result: Inspection) -> str:
    counts = [count(result.nodes, "node")]
    if result.subgraphs:
        counts.append(count(result.subgraphs, "subgraph"))
    if result.functions:
        counts.append(count(len(result.functions), "function"))
    return ", ".join(counts)


def _weights(weights: Weights) -> Iterator[tuple[str, str]]:
    yield "parameters", f"{weights.parameters:,} in {count(weights.initializers, 'initializer')}"
    yield "bytes", _by_dtype(weights.bytes_by_dtype)
    if weights.attribute_tensors:
        inside = _by_dtype(weights.attribute_bytes_by_dtype)
        yield "in node attributes", f"{count(weights.attribute_tensors, 'tensor')}: {inside}"
    if weights.duplicates:
        names = listed(" = ".join(d.names[:3]) for d in weights.duplicates)
        yield (
            "stored twice",
            f"{size(weights.wasted_bytes)} in {count(len(weights.duplicates), 'group')}: {names}",
        )


def _by_dtype(sizes: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {size(n)}" for name, n in sizes.items()) or "none"


def _external(data: ExternalData) -> Iterator[tuple[str, str]]:
    yield (
        "files",
        f"{count(data.files, 'file')}, {size(data.bytes)}, {count(data.tensors, 'tensor')}",
    )
    for label, names in (
        ("of node attributes", data.in_attributes),
        ("missing", data.missing),
        ("short", data.short),
        ("misplaced", data.misplaced),
        ("outside the folder", data.outside),
        ("refused", data.refused),
        ("orphaned", data.orphaned),
        ("shared", tuple(f"{location} (with {graph})" for location, graph in data.shared)),
    ):
        if names:
            yield label, f"{len(names):,}: {listed(names)}"


def _cost(result: Inspection) -> Iterator[Block]:
    cost = result.cost
    if cost is None:
        return
    yield Heading("Cost", note="of one run at " + (_pairs(cost.sizes) or "the sizes of the graph"))
    facts = [
        ("MACs", _total_macs(cost)),
        ("weights", size(cost.weight_bytes)),
        (
            "peak activations",
            f"about {size(cost.peak_activation_bytes)}, at {cost.peak_at or 'no node'}",
        ),
        ("outputs", " · ".join(f"{name} {shape(sizes)}" for name, sizes in cost.outputs)),
    ]
    if cost.assumed:
        facts.insert(0, ("assumed", _pairs(cost.assumed)))
    if cost.unsized:
        facts.append(("not in the peak", count(cost.unsized, "value") + " of unknown size"))
    yield Facts(tuple(facts))
    rows = tuple((n, f"{m:,}", Share(m / max(cost.total_macs, 1))) for n, m in cost.macs.items())
    if rows:
        yield Table(("operator", "MACs", "share"), rows, (LEFT, RIGHT, LEFT))
    for conflict in cost.conflicts:
        sizes = ", ".join(f"{number} at {axis}" for axis, number in conflict.sizes)
        yield Paragraph(f"One symbol, several sizes: {conflict.symbol} is {sizes}.", Tone.BAD)
    for taken, given, before, after in cost.misfits:
        yield Paragraph(
            f"State that does not fit: {given} comes out as {shape(after)}, and {taken} takes "
            f"{shape(before)}.",
            Tone.BAD,
        )
    for wrong in cost.misdeclared:
        yield Paragraph(
            f"Output that is not as declared: {wrong.output} comes out as {shape(wrong.computed)}, "
            f"and the graph says {shape(wrong.declared)}.",
            Tone.BAD,
        )
    if cost.refusals:
        yield Heading("Not executable", note="inputs do not fit at these sizes")
        yield Table(
            ("node", "operator", "takes"),
            tuple((r.node, r.operator, listed(map(shape, r.shapes))) for r in cost.refusals),
            tone=Tone.BAD,
        )
    if cost.unresolved:
        yield Heading(
            "Not resolved", note=count(len(cost.unresolved), "node") + ", not in the total"
        )
        yield Table(
            ("node", "operator", "why"),
            tuple((gap.node, gap.operator, gap.reason) for gap in cost.unresolved),
        )


def _total_macs(cost: Cost) -> str:
    """The total; the least that it can be, where nodes are not in it."""
    if cost.unresolved and not cost.total_macs:
        return "unknown"
    at_least = "≥ " if cost.unresolved else ""
    return f"{at_least}{amount(cost.total_macs)} ({cost.total_macs:,})"


def _pairs(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={number}" for name, number in sizes.items())


def _modules(result: Inspection, depth: int) -> Iterator[Block]:
    root = result.modules
    if not depth or not root.children:
        return
    by_macs = bool(root.macs)
    yield Heading("Modules", note="share of the MACs" if by_macs else "share of the weight bytes")
    columns = ("module", "nodes", "parameters", "bytes", *(("MACs",) if by_macs else ()), "share")
    align = (LEFT, *(RIGHT,) * (len(columns) - 2), LEFT)
    rows = [*_module_rows(root, root.children, depth)]
    if not root.elsewhere.is_empty:
        rows.append(_module_row(root, root.elsewhere, "(elsewhere)"))
    yield Table(columns, tuple(rows), align)


def _module_rows(
    root: Module, children: Sequence[Module], depth: int, indent: str = ""
) -> Iterator[tuple[str | Share, ...]]:
    for module in children:
        yield _module_row(root, module, indent + module.name)
        if depth > 1:
            yield from _module_rows(root, module.children, depth - 1, indent + "  ")


def _module_row(root: Module, module: Module, name: str) -> tuple[str | Share, ...]:
    macs = (amount(module.macs or 0),) if root.macs else ()
    numbers = f"{module.nodes:,}", f"{module.parameters:,}", size(module.weight_bytes), *macs
    return (name, *numbers, Share(module.share_of(root)))


def _damage(damage: Sequence[Damage]) -> Iterator[Block]:
    if damage:
        yield Heading("Damage", note=f"{len(damage):,} found")
        rows = tuple((item.where, item.what, item.hint) for item in damage)
        yield Table(("where", "what", "what to do"), rows, tone=Tone.BAD)

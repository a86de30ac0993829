"""Results as JSON. The keys are a public contract, so each is spelled out here.

The schema is docs/json-schemas/inspect-1.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onnxtool.analysis.inspection import BundleInspection, Inspection
from onnxtool.analysis.modules import Module
from onnxtool.analysis.storage import ExternalData
from onnxtool.errors import OnnxToolError
from onnxtool.model.damage import Damage
from onnxtool.model.signature import Signature
from onnxtool.model.states import StatePair
from onnxtool.model.tensors import TensorSpec

if TYPE_CHECKING:
    from onnxtool.analysis.cost import Cost

INSPECT_SCHEMA = "onnxtool.inspect/1"
Object = dict[str, object]
# Some exporters keep logs there.
MAX_DOC_STRING = 10_000


def inspections(
    results: Sequence[Inspection | BundleInspection],
    failures: Sequence[OnnxToolError],
    *,
    depth: int | None,
) -> Object:
    """One result as itself; several, or one among failures, as a list."""
    if len(results) == 1 and not failures:
        return inspection(results[0], depth=depth)
    return {
        "schema": INSPECT_SCHEMA,
        "results": [inspection(result, depth=depth) for result in results],
        "failures": [{"message": str(failure), "hint": failure.hint} for failure in failures],
    }


def inspection(result: Inspection | BundleInspection, *, depth: int | None) -> Object:
    """A graph, or a folder of them; the module tree to `depth` levels, None for all."""
    if isinstance(result, BundleInspection):
        return _bundle(result, depth)
    return {"schema": INSPECT_SCHEMA, **_graph(result, depth)}


def _bundle(bundle: BundleInspection, depth: int | None) -> Object:
    vocabulary = bundle.vocabulary
    return {
        "schema": INSPECT_SCHEMA,
        "bundle": True,
        "path": str(bundle.path),
        "models": [_graph(model, depth) for model in bundle.models],
        "wiring": [
            {
                "from": wire.source,
                "to": wire.target,
                "dtype": wire.dtype,
                "from_shape": _list(wire.source_shape),
                "to_shape": _list(wire.target_shape),
                "problem": wire.problem or None,
            }
            for wire in bundle.wiring
        ],
        "metadata": dict(bundle.metadata.fields) if bundle.metadata else None,
        "vocabulary": {
            "file": vocabulary.path.name,
            "tokens": len(vocabulary.tokens),
            "blank_id": vocabulary.blank_id,
        }
        if vocabulary
        else None,
        "companions": [{"kind": kind, "name": name} for kind, name in bundle.companions],
        "orphans": list(bundle.orphans),
        "damage": _damage(bundle.unreadable),
    }


def _graph(result: Inspection, depth: int | None) -> Object:
    header, signature, weights = result.header, result.signature, result.weights
    return {
        "path": str(result.path),
        "sha256": result.digest.sha256 if result.digest else None,
        "sha256_with_weights": result.digest.complete if result.digest else None,
        "size_bytes": result.size_bytes,
        "ir_version": header.ir_version,
        "opset_imports": dict(header.opset_imports),
        "producer": header.producer,
        "producer_version": header.producer_version,
        "domain": header.domain,
        "model_version": header.model_version,
        "doc_string": header.doc_string[:MAX_DOC_STRING],
        "metadata_props": dict(header.metadata_props),
        "role": signature.role.value,
        "family": signature.family,
        "title": signature.title,
        "inputs": [_spec(spec) for spec in signature.inputs],
        "outputs": [_spec(spec) for spec in signature.outputs],
        "defaulted_inputs": list(signature.defaulted),
        "states": [_state(pair) for pair in signature.states],
        "host_held": [{"input": h.input, "meaning": h.meaning} for h in signature.host_held],
        "symbols": _symbols(signature),
        "nodes": result.nodes,
        "operators": dict(result.operators),
        "subgraphs": result.subgraphs,
        "functions": list(result.functions),
        "custom_domains": list(result.custom_domains),
        "initializers": weights.initializers,
        "parameters": weights.parameters,
        "weight_bytes": dict(weights.bytes_by_dtype),
        "attribute_tensors": weights.attribute_tensors,
        "attribute_bytes": dict(weights.attribute_bytes_by_dtype),
        "duplicate_weights": [
            {"names": list(d.names), "size_bytes": d.size_bytes} for d in weights.duplicates
        ],
        "external_data": _external(result.external),
        "cost": _cost(result.cost) if result.cost else None,
        "modules": _modules(result.modules, result.modules, depth),
        "outside_modules": _sums(result.modules, result.modules.elsewhere),
        "damage": _damage(result.damage),
    }


def _list(shape: Sequence[int | str | None] | None) -> list[int | str | None] | None:
    return None if shape is None else list(shape)


def _spec(spec: TensorSpec) -> Object:
    return {
        "name": spec.name,
        "dtype": spec.dtype,
        "shape": _list(spec.shape),
        "dynamic_axes": {str(axis): name for axis, name in spec.dynamic_axes.items()},
        "auto_named": {str(axis): name for axis, name in spec.auto_named},
        "element_shape": _list(spec.element_shape),
    }


def _state(pair: StatePair) -> Object:
    return {
        "input": pair.input,
        "output": pair.output,
        "kind": pair.kind.value,
        "dtype": pair.dtype,
        "shape": _list(pair.shape),
        "zero_bytes": pair.zero_bytes,
        "found_by": pair.found_by,
        "problem": pair.problem or None,
        "note": pair.note or None,
    }


def _symbols(signature: Signature) -> Object:
    return {symbol.name: list(symbol.axes) for symbol in signature.symbols}


def _external(data: ExternalData) -> Object:
    return {
        "files": data.files,
        "bytes": data.bytes,
        "tensors": data.tensors,
        "in_attributes": list(data.in_attributes),
        "missing": list(data.missing),
        "short": list(data.short),
        "misplaced": list(data.misplaced),
        "outside": list(data.outside),
        "refused": list(data.refused),
        "shared": [{"location": location, "graph": graph} for location, graph in data.shared],
        "orphaned": list(data.orphaned),
    }


def _cost(cost: Cost) -> Object:
    return {
        "sizes": dict(cost.sizes),
        "assumed": dict(cost.assumed),
        "macs": dict(cost.macs),
        "total_macs": cost.total_macs if cost.total_macs or not cost.unresolved else None,
        "total_is_exact": not cost.unresolved,
        "weight_bytes": cost.weight_bytes,
        "peak_activation_bytes": cost.peak_activation_bytes,
        "peak_at": cost.peak_at,
        "unsized_values": cost.unsized,
        "outputs": {name: _list(shape) for name, shape in cost.outputs},
        "conflicts": [{"symbol": c.symbol, "sizes": dict(c.sizes)} for c in cost.conflicts],
        "misfits": [
            {"input": taken, "output": given, "takes": _list(before), "gives": _list(after)}
            for taken, given, before, after in cost.misfits
        ],
        "misdeclared": [
            {"output": m.output, "declared": _list(m.declared), "computed": _list(m.computed)}
            for m in cost.misdeclared
        ],
        "refusals": [
            {"node": r.node, "operator": r.operator, "shapes": [list(s) for s in r.shapes]}
            for r in cost.refusals
        ],
        "unresolved": [
            {"node": gap.node, "operator": gap.operator, "reason": gap.reason}
            for gap in cost.unresolved
        ],
    }


def _modules(root: Module, parent: Module, depth: int | None) -> list[Object]:
    """The children of a module, to `depth` levels."""
    if depth == 0:
        return []
    return [
        {
            "path": module.path,
            **_sums(root, module),
            "children": _modules(root, module, None if depth is None else depth - 1),
        }
        for module in parent.children
    ]


def _sums(root: Module, module: Module) -> Object:
    return {
        "nodes": module.nodes,
        "parameters": module.parameters,
        "weight_bytes": module.weight_bytes,
        "macs": module.macs,
        "share": module.share_of(root),
    }


def _damage(damage: Sequence[Damage]) -> list[Object]:
    return [{"what": item.what, "where": item.where, "hint": item.hint} for item in damage]

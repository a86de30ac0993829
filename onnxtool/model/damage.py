"""What is broken in a model that can still be read.

Not a linter: each entry is something that ONNX or every runtime refuses, or that makes what
`inspect` shows unreliable.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import onnx

from onnxtool.model.dtypes import DTYPES
from onnxtool.model.external import ExternalFile
from onnxtool.model.functions import recursive_functions
from onnxtool.model.order import WITH_SUBGRAPHS, in_order, reads
from onnxtool.model.skeleton import MAX_PROTOBUF_BYTES
from onnxtool.model.stored_tensors import Storage, StoredTensor
from onnxtool.model.view import STANDARD_DOMAINS, ModelView, Scope, subgraphs

EXPORT_AGAIN = "export the model again"
# The subgraphs without which a node has nothing to run.
_NEEDED_SUBGRAPHS = {"If": ("then_branch", "else_branch"), "Loop": ("body",), "Scan": ("body",)}
# ONNX adds one or two operator sets a year, and an IR version less often: what is newer than that
# of the onnx installed may be sound, but not by so many.
MAX_VERSIONS_AHEAD = 20


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is broken, where, and what to do about it."""

    what: str
    where: str
    hint: str = EXPORT_AGAIN


def find_damage(model: ModelView, files: Iterable[ExternalFile]) -> tuple[Damage, ...]:
    """Everything that is broken: files, header, stored tensors, names, order, functions."""
    return (
        *_file_damage(files),
        *_header_damage(model),
        *(damage for tensor in model.tensors for damage in _tensor_damage(tensor)),
        *(damage for root in model.roots for damage in _graph_damage(root, ChainMap())),
        *_function_damage(model.proto),
    )


def _file_damage(files: Iterable[ExternalFile]) -> Iterator[Damage]:
    for file in files:
        if file.trouble is not None:
            where = file.location or file.user
            yield Damage(f"external file {file.explanation}", where, file.hint)


def _header_damage(model: ModelView) -> Iterator[Damage]:
    if model.size_bytes > MAX_PROTOBUF_BYTES:
        yield Damage(
            f"the file has {model.size_bytes:,} bytes: protobuf and ONNX Runtime refuse over 2 GiB",
            model.path.name,
            "save it with external data",
        )
    if "" not in model.opset_imports and any("::" not in name for name in model.operators):
        yield Damage("no version of the standard operators is imported", "opset_import")
    yield from _unknown_operators(model)
    yield from _unlikely_versions(model)
    for spec in (*model.inputs, *model.outputs):
        if "type" in spec.dtype:
            yield Damage(f"unknown element type {spec.dtype.strip('type')}", f"main:{spec.name}")


def _unlikely_versions(model: ModelView) -> Iterator[Damage]:
    """No version, or one that no release of ONNX will have soon."""
    if not model.proto.ir_version:
        yield Damage("no IR version", "ir_version")
    opset, newest = model.opset_imports.get("", 0), onnx.defs.onnx_opset_version()
    for where, version, known in (
        ("ir_version", model.proto.ir_version, onnx.IR_VERSION),
        ("opset_import", opset, newest),
    ):
        if version > known + MAX_VERSIONS_AHEAD:
            yield Damage(f"version {version}, where onnx {onnx.__version__} has {known}", where)


def _unknown_operators(model: ModelView) -> Iterator[Damage]:
    """Standard operators that the model's operator set does not have."""
    version = model.opset_imports.get("", 0)
    # A set that is newer than the one at hand may have any.
    if not 0 < version <= onnx.defs.onnx_opset_version():
        return
    for name in model.operators:
        if name and "::" not in name and not onnx.defs.has(name):
            yield Damage(f"operator set {version} has no operator {name}", "opset_import")


def _tensor_damage(tensor: StoredTensor) -> Iterator[Damage]:
    where = f"{tensor.scope}:{tensor.name or tensor.node}"
    if tensor.unreadable:
        yield Damage(f"external reference with the {tensor.unreadable}: not a number", where)
    if any(size < 0 for size in tensor.shape):
        yield Damage(f"stored tensor with the impossible shape {list(tensor.shape)}", where)
        return
    if tensor.proto.data_type not in DTYPES:
        yield Damage(f"stored tensor of unknown element type {tensor.proto.data_type}", where)
        return
    stored = _stored_bytes(tensor)
    if stored is not None and stored != tensor.size_bytes:
        yield Damage(
            f"stored tensor has {stored:,} bytes where its shape needs {tensor.size_bytes:,}", where
        )


def _stored_bytes(tensor: StoredTensor) -> int | None:
    """How many bytes there are for a tensor; None where the storage does not say."""
    proto, bits = tensor.proto, tensor.dtype.bits
    if tensor.storage is not Storage.INLINE:
        return tensor.length
    if proto.HasField("raw_data"):
        return len(proto.raw_data)
    if bits is None:
        return None
    # Narrow types are stored one in each number, those under a byte a byte in each; complex in two.
    wide = 8 * len(proto.int64_data) + 8 * len(proto.double_data) + 4 * len(proto.float_data)
    return wide + len(proto.int32_data) * max(bits // 8, 1) + len(proto.uint64_data) * bits // 8


def _graph_damage(scope: Scope, outer: ChainMap[str, None]) -> Iterator[Damage]:
    """Names of a graph and of the graphs inside it: made once, made before they are read."""
    stored = [t.name for t in scope.initializers]
    stored += [t.values.name for t in scope.sparse_initializers]
    made = [name for names in scope.makes for name in names if name]
    yield from _repeated(scope, stored, "initializer")
    yield from _repeated(scope, scope.input_names, "input")
    yield from _repeated(scope, [*dict.fromkeys((*stored, *scope.input_names)), *made], "value")
    # A map for each graph, since a copy of all that is outside would be one for each subgraph.
    visible = outer.new_child(dict.fromkeys((*stored, *scope.input_names, *made)))
    for node, names in zip(scope.nodes, scope.reads, strict=True):
        if not node.op_type:
            yield Damage("node without an operator", str(scope.at(node=node)))
        for name in _missing_subgraphs(node):
            yield Damage(f"{node.op_type} without its {name}", str(scope.at(node=node)))
        for name in names:
            if name and name not in visible:
                yield Damage(
                    f"reads `{name}`, which nothing gives", str(scope.at(node=node)), EXPORT_AGAIN
                )
    for name in scope.output_names:
        if name not in visible:
            yield Damage("output that nothing gives", str(scope.at(value=name)))
    yield from _disorder(scope)
    for inner in scope.inner:
        yield from _graph_damage(inner, visible)


def _missing_subgraphs(node: onnx.NodeProto) -> Iterator[str]:
    if node.op_type in _NEEDED_SUBGRAPHS and node.domain in STANDARD_DOMAINS:
        given = dict(subgraphs(node))
        yield from (name for name in _NEEDED_SUBGRAPHS[node.op_type] if name not in given)


def _repeated(scope: Scope, names: Iterable[str], kind: str) -> Iterator[Damage]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Damage(f"{kind} given {count} times", str(scope.at(value=name)))


def _disorder(scope: Scope) -> Iterator[Damage]:
    """Nodes that stand before what they read, or that wait for each other."""
    position = {name: i for i, names in enumerate(scope.makes) for name in names if name}
    early = [
        node
        for i, (node, names) in enumerate(zip(scope.nodes, scope.reads, strict=True))
        if any(position.get(name, -1) >= i for name in _needs(node, names))
    ]
    if not early:
        return
    ordered = in_order(scope.nodes)
    place = {id(node): i for i, node in enumerate(ordered)}
    after = {name: place[id(node)] for node in ordered for name in node.output}
    stuck = [n for n in ordered if any(after.get(name, -1) >= place[id(n)] for name in reads(n))]
    if stuck:
        yield Damage("cycle: the node waits for its own output", str(scope.at(node=stuck[0])))
    else:
        yield Damage("node that stands before what it reads", str(scope.at(node=early[0])))


def _needs(node: onnx.NodeProto, inputs: Iterable[str]) -> Iterable[str]:
    return reads(node) if node.op_type in WITH_SUBGRAPHS else inputs


def _function_damage(proto: onnx.ModelProto) -> Iterator[Damage]:
    for domain, name in recursive_functions(proto):
        yield Damage("function that calls itself", f"{domain}::{name}")

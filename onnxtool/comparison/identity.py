"""What nodes and values of a graph are known by, whatever they are called."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from onnxtool.model.skeleton import LARGE_BYTES
from onnxtool.model.stored_tensors import Holder, Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView, Scope, operator, subgraphs

# What a value is known by: its content, the type of a weight, or the value that it corresponds to.
Token = tuple[object, ...]
# A weight of a model: the path of its graph, and the name of its value there.
WeightKey = tuple[str, str]
# Operators that hand their input on as it is.
TRANSPARENT = frozenset({"Identity"})
# Numbers of a constant that are told.
MAX_SHOWN = 8
_SHOWN = frozenset({"bool", "int8", "uint8", "int32", "int64", "float16", "float32", "float64"})
_INTEGERS = ("int", "uint", "bool", "string")


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it is compared.

    Attributes:
        proto: It.
        operator: With the domain, unless that is the standard one.
        attributes: By name, in order of name; subgraphs left out, weights by their type.
        inputs: Names of values; empty for one that is left out.
        outputs: Likewise.
        graphs: Its subgraphs, by attribute.
    """

    proto: onnx.NodeProto
    operator: str
    attributes: tuple[tuple[str, object], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graphs: Mapping[str, Scope]

    @property
    def name(self) -> str:
        return self.proto.name

    @property
    def label(self) -> str:
        """What to call it: its name, or operator and output where it has none."""
        return self.name or f"{self.operator} → {next(filter(None, self.outputs), 'nothing')}"


@dataclass(frozen=True, slots=True)
class Content:
    """The values of a model that are stored in it, by scope path and value.

    Attributes:
        constants: Small ones, which are part of the structure, and what they are known by.
        weights: All others.
    """

    constants: Mapping[str, Mapping[str, Token]]
    weights: Mapping[str, Mapping[str, StoredTensor]]


def content(model: ModelView) -> Content:
    """Tell the weights of a model from the constants of its structure.

    Integers that are small enough to be in the skeleton, and single numbers, are structure: sizes,
    axes, factors. All else is weights, wherever it is stored.

    Raises:
        ModelLoadError: A constant is damaged.
    """
    constants: defaultdict[str, dict[str, Token]] = defaultdict(dict)
    weights: defaultdict[str, dict[str, StoredTensor]] = defaultdict(dict)
    for tensor, name in _named(model):
        if tensor.holder is Holder.ATTRIBUTE and not _is_constant(tensor):
            # Part of what its node does, unless it is large.
            if tensor.storage is not Storage.INLINE:
                weights[tensor.scope][name] = tensor
        elif _is_structure(tensor):
            constants[tensor.scope][name] = _constant_token(tensor, model.path)
        else:
            weights[tensor.scope][name] = tensor
    return Content(constants, weights)


def _named(model: ModelView) -> Iterator[tuple[StoredTensor, str]]:
    """Every stored tensor, and the value that it is, or belongs to."""
    values = ""
    for tensor in model.tensors:
        match tensor.holder:
            case Holder.SPARSE_INDICES:
                yield tensor, f"{values} (indices)"
            case Holder.ATTRIBUTE:
                made = next(iter(tensor.node_proto.output), "") if tensor.node_proto else ""
                own = _is_constant(tensor)
                yield tensor, made if own else f"{made} ({tensor.name or tensor.node})"
            case _:
                values = tensor.name
                yield tensor, tensor.name


def _is_constant(tensor: StoredTensor) -> bool:
    node = tensor.node_proto
    return node is not None and node.op_type == "Constant" and tensor.holder is Holder.ATTRIBUTE


def _is_structure(tensor: StoredTensor) -> bool:
    if tensor.storage is not Storage.INLINE or tensor.holder is Holder.SPARSE_VALUES:
        return False
    counts = tensor.dtype.name.startswith(_INTEGERS) and tensor.size_bytes <= LARGE_BYTES
    return counts or tensor.elements <= 1


def _constant_token(tensor: StoredTensor, path: Path) -> Token:
    """The type and the bytes of a small tensor."""
    if tensor.dtype.bits is None:
        return ("constant", tensor.dtype.name, tensor.shape, tuple(tensor.proto.string_data))
    return ("constant", tensor.dtype.name, tensor.shape, read_bytes(tensor, path))


def constant_text(token: Token | None) -> str:
    """A numeric constant in words, `int64 [0, -1]`; empty for another value."""
    match token:
        case ("constant", str(name), tuple(), bytes(content)) if name in _SHOWN:
            numbers = np.frombuffer(content, name).tolist()
            shown = ", ".join(map(str, numbers[:MAX_SHOWN]))
            more = ", …" if len(numbers) > MAX_SHOWN else ""
            return f"{name} [{shown}{more}]"
        case _:
            return ""


def weight_token(tensor: StoredTensor) -> Token:
    """The type of a weight: its values are compared apart from the structure."""
    return ("weight", tensor.dtype.name, tensor.shape)


def nodes_of(scope: Scope) -> list[Node]:
    """The nodes of a graph or function that compute something, in order."""
    inner = iter(scope.inner)
    nodes: list[Node] = []
    for proto in scope.nodes:
        # Scopes are listed in the order of the attributes that hold them.
        graphs = {name: next(inner) for name, _ in subgraphs(proto)}
        if is_constant_node(proto):
            continue
        attributes = _attributes(proto, graphs)
        ends = tuple(proto.input), tuple(proto.output)
        nodes.append(Node(proto, operator(proto), attributes, *ends, graphs))
    return nodes


def is_constant_node(node: onnx.NodeProto) -> bool:
    """Whether a node is no more than a value that is stored in it."""
    return node.op_type == "Constant" and not node.input and not node.domain


def constants_in_nodes(scope: Scope) -> Iterator[tuple[str, Token]]:
    """The values of `Constant` nodes that hold numbers or text instead of a tensor."""
    for node in scope.nodes:
        if is_constant_node(node) and len(node.output) == 1:
            yield node.output[0], ("constant", _attributes(node, {}))


def _attributes(
    node: onnx.NodeProto, graphs: Mapping[str, Scope]
) -> tuple[tuple[str, object], ...]:
    lists = {name.partition("[")[0] for name in graphs}
    named = ((a.name, attribute_value(a)) for a in node.attribute if a.name not in lists)
    return tuple(sorted(named, key=lambda pair: pair[0]))


def attribute_value(attribute: onnx.AttributeProto) -> object:
    """An attribute by its value; floats by their bits, so that NaN is itself."""
    if attribute.ref_attr_name:
        return ("ref", attribute.ref_attr_name)
    match attribute.type:
        case onnx.AttributeProto.INT:
            return attribute.i
        case onnx.AttributeProto.INTS:
            return tuple(attribute.ints)
        case onnx.AttributeProto.FLOAT:
            return struct.pack("<f", attribute.f)
        case onnx.AttributeProto.FLOATS:
            return struct.pack(f"<{len(attribute.floats)}f", *attribute.floats)
        case onnx.AttributeProto.STRING:
            return attribute.s
        case onnx.AttributeProto.STRINGS:
            return tuple(attribute.strings)
        case onnx.AttributeProto.TENSOR:
            return _tensor_value(attribute.t)
        case _:
            return attribute.SerializeToString(deterministic=True)


def _tensor_value(tensor: onnx.TensorProto) -> object:
    kind = tensor.data_type, tuple(tensor.dims)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return kind
    bare = onnx.TensorProto()
    bare.CopyFrom(tensor)
    bare.ClearField("name")
    bare.ClearField("doc_string")
    return (*kind, bare.SerializeToString(deterministic=True))

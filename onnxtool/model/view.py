"""A read-only view of an ONNX model: the one shape of data every analysis starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import onnx

from onnxtool.model.external import ExternalFile, external_files, link_targets
from onnxtool.model.file_stamp import FileStamp
from onnxtool.model.skeleton import own_location
from onnxtool.model.stored_tensors import Holder, StoredTensor, stored_tensor
from onnxtool.model.tensors import TensorSpec, spec_of

# Both spellings of the domain of the standard operators.
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
# The domains that ONNX itself defines operators in, as `operator` writes them.
_ONNX_DOMAINS = frozenset({"", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"})


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a model something is, e.g. `main/If_3.then_branch`, node `Conv_12`."""

    scope: str
    node: str = ""
    value: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scope, self.node, self.value) if part)


@dataclass(frozen=True)
class Scope:
    """One graph of the model: the main graph, a subgraph of a node, or a function body.

    Attributes:
        path: `main`, `main/If_3.then_branch`, or `domain::Function` for a function body.
        body: The graph, or the function.
        inner: The subgraphs of its nodes.
    """

    path: str
    body: onnx.GraphProto | onnx.FunctionProto
    inner: tuple[Scope, ...] = ()

    @property
    def nodes(self) -> Sequence[onnx.NodeProto]:
        nodes: Sequence[onnx.NodeProto] = self.body.node
        return nodes

    @cached_property
    def reads(self) -> tuple[tuple[str, ...], ...]:
        """The inputs of each node: read once, because protobuf makes each name anew."""
        return tuple(tuple(node.input) for node in self.nodes)

    @cached_property
    def makes(self) -> tuple[tuple[str, ...], ...]:
        """The outputs of each node, likewise."""
        return tuple(tuple(node.output) for node in self.nodes)

    @property
    def initializers(self) -> Sequence[onnx.TensorProto]:
        return self.body.initializer if isinstance(self.body, onnx.GraphProto) else ()

    @property
    def sparse_initializers(self) -> Sequence[onnx.SparseTensorProto]:
        return self.body.sparse_initializer if isinstance(self.body, onnx.GraphProto) else ()

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """Inputs of the graph or function, in order."""
        return _names(self.body.input)

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """Outputs of the graph or function, in order."""
        return _names(self.body.output)

    def at(self, *, node: onnx.NodeProto | None = None, value: str = "") -> Location:
        """A location in this scope."""
        return Location(self.path, (node.name or node.op_type) if node else "", value)


@dataclass(frozen=True)
class ModelView:
    """A loaded model. Nothing here mutates `proto`.

    Attributes:
        proto: The model without its large payloads (see `skeleton`).
        path: The file it was read from.
        size_bytes: The size of that file.
        allow_links: Whether its external data may be read through links.
        stamp: Of that file when it was read; None for a model that no file holds.
    """

    proto: onnx.ModelProto
    path: Path
    size_bytes: int = 0
    allow_links: bool = False
    stamp: FileStamp | None = None

    @property
    def folder(self) -> Path:
        """The folder that its external data is relative to."""
        return self.path.parent

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Every graph of the model: main, its subgraphs, then functions and theirs."""
        return tuple(scope for root in self.roots for scope in _flat(root))

    @cached_property
    def roots(self) -> tuple[Scope, ...]:
        """The main graph, then the functions."""
        functions = (
            _scope(f"{function.domain}::{function.name}", function)
            for function in self.proto.functions
        )
        return (_scope("main", self.proto.graph), *functions)

    @cached_property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What a caller must feed: graph inputs that no initializer has a value for."""
        defaulted = set(self.defaulted_inputs)
        return tuple(spec_of(v) for v in self.proto.graph.input if v.name not in defaulted)

    @cached_property
    def defaulted_inputs(self) -> tuple[str, ...]:
        """Names of graph inputs that an initializer has a value for: before IR version 4, all."""
        graph = self.proto.graph
        initialized = {tensor.name for tensor in graph.initializer}
        initialized |= {tensor.values.name for tensor in graph.sparse_initializer}
        return tuple(value.name for value in graph.input if value.name in initialized)

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What a caller gets."""
        return tuple(spec_of(value) for value in self.proto.graph.output)

    @cached_property
    def opset_imports(self) -> dict[str, int]:
        """Operator set version by domain; the standard domain is the empty string."""
        return {
            "" if opset.domain in STANDARD_DOMAINS else opset.domain: opset.version
            for opset in self.proto.opset_import
        }

    @cached_property
    def metadata_props(self) -> dict[str, str]:
        """What was written into the model, by key; of a key that is there twice, the last."""
        return {entry.key: entry.value for entry in self.proto.metadata_props}

    @cached_property
    def operators(self) -> Counter[str]:
        """Number of nodes by operator, in all scopes; `domain::Name` outside the standard."""
        return Counter(operator(node) for scope in self.scopes for node in scope.nodes)

    @property
    def custom_domains(self) -> tuple[str, ...]:
        """Domains of operators that neither ONNX nor a function of the model defines."""
        own = {function.domain for function in self.proto.functions}
        used = {name.rpartition("::")[0] for name in self.operators}
        return tuple(sorted(used - own - _ONNX_DOMAINS))

    @cached_property
    def tensors(self) -> tuple[StoredTensor, ...]:
        """Every tensor whose values are part of the model, in every scope."""
        own = own_location(self.path)
        return tuple(tensor for scope in self.scopes for tensor in _stored(scope, own))

    @cached_property
    def external_locations(self) -> frozenset[str]:
        """What its tensors refer to, relative to its folder: without a look at the files."""
        return frozenset(tensor.file for tensor in self.tensors if tensor.file)

    @cached_property
    def used_files(self) -> frozenset[str]:
        """The same, and what its allowed links lead to: nothing of this is left over."""
        linked = link_targets(self.external_files, self.folder) if self.allow_links else ()
        return self.external_locations.union(linked)

    @cached_property
    def external_files(self) -> tuple[ExternalFile, ...]:
        """The files that its tensors refer to, and whether they may and can be read."""
        return external_files(self.tensors, self.folder, allow_links=self.allow_links)


def operator(node: onnx.NodeProto) -> str:
    """The operator of a node: its name, with the domain unless that is the standard one."""
    if node.domain in STANDARD_DOMAINS:
        return node.op_type
    return f"{node.domain}::{node.op_type}"


def node_name(node: onnx.NodeProto) -> str:
    """What a node is called: its name, or what it makes."""
    return node.name or "/".join(node.output)


def subgraphs(node: onnx.NodeProto) -> Iterator[tuple[str, onnx.GraphProto]]:
    """The graphs in a node's attributes, with the attribute's name."""
    for attribute in node.attribute:
        # `attribute.g` is never None in protobuf, so the type must be asked for.
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.name, attribute.g
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            for index, graph in enumerate(attribute.graphs):
                yield f"{attribute.name}[{index}]", graph


def _names(values: Sequence[onnx.ValueInfoProto] | Sequence[str]) -> tuple[str, ...]:
    return tuple(value if isinstance(value, str) else value.name for value in values)


def _scope(path: str, body: onnx.GraphProto | onnx.FunctionProto) -> Scope:
    inner = (
        _scope(f"{path}/{node.name or node.op_type}.{name}", graph)
        for node in body.node
        for name, graph in subgraphs(node)
    )
    return Scope(path, body, tuple(inner))


def _flat(scope: Scope) -> Iterator[Scope]:
    yield scope
    for inner in scope.inner:
        yield from _flat(inner)


def _stored(scope: Scope, model_file: str) -> Iterator[StoredTensor]:
    for tensor, holder, node in _tensors(scope):
        yield stored_tensor(
            tensor, scope=scope.path, node=node, holder=holder, model_file=model_file
        )


def _tensors(scope: Scope) -> Iterator[tuple[onnx.TensorProto, Holder, onnx.NodeProto | None]]:
    """The tensors of a scope, what they belong to, and the node whose attribute they are."""
    for tensor in scope.initializers:
        yield tensor, Holder.INITIALIZER, None
    for sparse in scope.sparse_initializers:
        yield sparse.values, Holder.SPARSE_VALUES, None
        yield sparse.indices, Holder.SPARSE_INDICES, None
    for node in scope.nodes:
        for attribute in node.attribute:
            if attribute.type not in _WITHOUT_TENSORS:
                for tensor in _attribute_tensors(attribute):
                    yield tensor, Holder.ATTRIBUTE, node


# Most attributes; files from before IR version 2 leave the type out, which is none of these.
_WITHOUT_TENSORS = frozenset(
    {
        onnx.AttributeProto.FLOAT,
        onnx.AttributeProto.FLOATS,
        onnx.AttributeProto.INT,
        onnx.AttributeProto.INTS,
        onnx.AttributeProto.STRING,
        onnx.AttributeProto.STRINGS,
        onnx.AttributeProto.GRAPH,
        onnx.AttributeProto.GRAPHS,
    }
)


def _attribute_tensors(attribute: onnx.AttributeProto) -> Iterator[onnx.TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    if attribute.HasField("sparse_tensor"):
        yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
    for sparse in attribute.sparse_tensors:
        yield from (sparse.values, sparse.indices)

"""The shape of every value at given sizes, without weights and without running the model.

With all input sizes fixed, a graph's shape arithmetic (`Shape`, `Gather`, `Concat`, `Range`, …) can
be computed exactly, as ONNX Runtime would; onnx's own inference then needs no symbols. One pass in
topological order: the operator's inference function gives types, and where all inputs of a node
are small and known its contents are computed as well (`arithmetic`). Functions are inlined first;
loops and branches are followed where their trip count and condition are known (`control_flow`).
"""

from __future__ import annotations

import functools
from collections import ChainMap
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx.inliner

from onnxtool.analysis.shapes.arithmetic import evaluate
from onnxtool.analysis.shapes.contrib import output_types
from onnxtool.analysis.shapes.control_flow import FOLLOW, Followed, NodeRun, Run, Scope
from onnxtool.analysis.shapes.spectra import stft
from onnxtool.analysis.shapes.values import (
    UNKNOWN,
    Array,
    KnownShape,
    Value,
    from_array,
    from_constant,
    from_tensor,
    tensor_type,
)
from onnxtool.model.attributes import integer
from onnxtool.model.functions import call_depth, inlined_nodes, recursive_functions
from onnxtool.model.order import in_order
from onnxtool.model.view import STANDARD_DOMAINS, node_name, subgraphs

_UNKNOWN_TYPE = onnx.TypeProto()
# Operators that some versions, or all, define by a function and without inference: those that infer
# the same, and those that give what they take.
_LIKE = {"GreaterOrEqual": "Greater", "LessOrEqual": "Less"}
_LIKE_INPUT = frozenset({"GroupNormalization", "MeanVarianceNormalization"})
# All computed contents together; an encoder of 0.6 G parameters takes 2 MB at 100,000 frames.
MAX_CONTENTS_BYTES = 64 << 20
# Calls to a model's own functions are unknown operators in one that would be larger.
MAX_INLINED_NODES = 100_000
# onnx's inliner refuses more since 1.23; before, it exhausts the stack somewhere above.
MAX_CALL_DEPTH = 100
# What onnx's inference raises for a node that it cannot make sense of, besides InferenceError for
# one whose inputs do not fit; a TypeError is for a version that no C++ integer holds.
_INFERENCE_ERRORS = (
    onnx.checker.ValidationError,
    onnx.defs.SchemaError,
    RuntimeError,
    KeyError,
    TypeError,
    ValueError,
)


def run_shapes(
    proto: onnx.ModelProto, sizes: Mapping[str, KnownShape], contents: Mapping[str, Array]
) -> Run:
    """Follow a model's shapes from its inputs to its outputs.

    Args:
        proto: The model; its weights may be missing.
        sizes: The shape of each graph input.
        contents: What some integer or Boolean inputs hold, where shapes depend on it.
    """
    proto = _inlined(proto)
    scope: Scope = ChainMap()
    for value in proto.graph.input:
        declared = Value(value.type)
        if value.name in contents:
            scope[value.name] = from_array(contents[value.name])
        elif value.name in sizes:
            scope[value.name] = Value(tensor_type(declared.elem_type, sizes[value.name]))
        else:
            scope[value.name] = declared
    return _Propagation(proto).graph(proto.graph, scope)


def why_not_inlined(proto: onnx.ModelProto) -> str:
    """Why calls of the model's functions stay calls; empty where onnx is asked to inline them."""
    if recursive_functions(proto):
        return "functions that call themselves"
    if inlined_nodes(proto) > MAX_INLINED_NODES:
        return f"functions of more than {MAX_INLINED_NODES:,} nodes"
    if call_depth(proto) > MAX_CALL_DEPTH:
        return f"functions more than {MAX_CALL_DEPTH} deep"
    return ""


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model without functions, unless that has no end, or one that does not fit in memory."""
    if not proto.functions or why_not_inlined(proto):
        return proto
    try:
        return onnx.inliner.inline_local_functions(proto)
    except (onnx.checker.ValidationError, RuntimeError, ValueError):  # Its calls stay unknown.
        return proto


class _Propagation:
    """One pass over one model."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.opset_imports = list(proto.opset_import)
        self.opset = max(
            (o.version for o in proto.opset_import if o.domain in STANDARD_DOMAINS), default=1
        )
        self.ir_version = proto.ir_version
        self.depth = 0
        self.room_bytes = MAX_CONTENTS_BYTES

    def graph(self, graph: onnx.GraphProto, outer: Scope) -> Run:
        """Run a graph in the scope of the graphs around it."""
        values = outer.new_child()
        for tensor in graph.initializer:
            values[tensor.name] = from_tensor(tensor)
        for sparse in graph.sparse_initializer:
            kind = tensor_type(sparse.values.data_type, tuple(sparse.dims))
            values[sparse.values.name] = Value(kind)
        declared = {info.name: Value(info.type) for info in (*graph.value_info, *graph.output)}
        self.depth += 1
        runs = tuple(self.node(node, values, declared) for node in in_order(graph.node))
        self.depth -= 1
        return Run(runs, values, tuple(output.name for output in graph.output))

    def node(self, node: onnx.NodeProto, values: Scope, declared: Mapping[str, Value]) -> NodeRun:
        """Run one node, and enter its outputs into `values`."""
        inputs = tuple(values.get(name, UNKNOWN) if name else None for name in node.input)
        done = self.followed(node, inputs, values)
        lost_at = next((value.lost_at for value in inputs if value and value.lost_at), "")
        if done.refused:
            lost_at = node_name(node)
        named: list[Value | None] = []
        for index, name in enumerate(node.output):
            value = done.outputs[index] if index < len(done.outputs) else UNKNOWN
            if value.shape is None and name in declared and declared[name].full_shape is not None:
                value = declared[name]
            if lost_at and value.full_shape is None:
                value = Value(value.type, lost_at=lost_at)
            named.append(value if name else None)
            if name:
                values[name] = value
        return NodeRun(node, inputs, tuple(named), done.inner, done.repeats, done.refused)

    def followed(
        self, node: onnx.NodeProto, inputs: Sequence[Value | None], values: Scope
    ) -> Followed:
        """The outputs of a node, and what it runs inside."""
        if node.domain not in STANDARD_DOMAINS:
            return Followed([Value(kind) for kind in output_types(node, inputs)], (), 1)
        if node.op_type == "Scan" and self.opset < 9:
            # Of the first opset that had it: with a batch axis, and inputs in another order.
            inner = tuple(self.graph(body, values) for _, body in subgraphs(node))
            return Followed([], inner, None)
        if node.op_type in FOLLOW:
            try:
                return FOLLOW[node.op_type](self, node, inputs, values)
            except KeyError:  # A damaged node, without the subgraph or attribute that it needs.
                return Followed([], (), None)
        try:
            return Followed(self.outputs(node, inputs), (), 1)
        except onnx.shape_inference.InferenceError:
            sized = all(value is None or value.full_shape is not None for value in inputs)
            return Followed([], (), 1, refused=sized)

    def outputs(self, node: onnx.NodeProto, inputs: Sequence[Value | None]) -> Sequence[Value]:
        """The outputs of a standard node without subgraphs.

        Raises:
            InferenceError: Its inputs do not fit.
        """
        if node.op_type == "Constant":
            return [from_constant(node)]
        if node.op_type == "Shape" and inputs and inputs[0]:
            shape = inputs[0].full_shape
            if shape is not None:
                bounds = {attribute.name: attribute.i for attribute in node.attribute}
                part = shape[bounds.get("start", 0) : bounds.get("end", len(shape))]
                return [from_array(np.array(part, dtype=np.int64))]
        if node.op_type == "STFT":
            return [stft(node, inputs)]
        types = self.infer(node, inputs)
        return self.evaluate(node, inputs, types) or [
            Value(types.get(name, _UNKNOWN_TYPE)) for name in node.output
        ]

    def infer(
        self, node: onnx.NodeProto, inputs: Sequence[Value | None]
    ) -> Mapping[str, onnx.TypeProto]:
        """Output types by the operator's own inference function; empty where there is none.

        Raises:
            InferenceError: The inputs do not fit the operator.
        """
        given = len(node.output)
        if node.op_type == "Split" and integer(node, "num_outputs", given) != given:
            # onnx would make a list of so many sizes, or end the process at the first too many.
            raise onnx.shape_inference.InferenceError("num_outputs is not the number of outputs")
        if node.op_type in _LIKE_INPUT and inputs and inputs[0]:
            return dict.fromkeys(node.output[:1], inputs[0].type)
        known = {n: v for n, v in zip(node.input, inputs, strict=True) if v is not None}
        try:
            return onnx.shape_inference.infer_node_outputs(
                _schema(node.op_type, self.opset),
                node,
                {name: value.type for name, value in known.items()},
                {name: value.data for name, value in known.items() if value.data is not None},
                opset_imports=self.opset_imports,
                ir_version=self.ir_version,
            )
        except _INFERENCE_ERRORS:  # The outputs stay unknown, and what lacks them is counted.
            return {}

    def evaluate(
        self,
        node: onnx.NodeProto,
        inputs: Sequence[Value | None],
        types: Mapping[str, onnx.TypeProto],
    ) -> list[Value] | None:
        """The contents of the outputs, where all inputs are known and the results are small."""
        if not inputs or any(value is not None and value.data is None for value in inputs):
            return None
        # Each is decoded once, however often a node reads it.
        known = {n: v.array for n, v in zip(node.input, inputs, strict=True) if v is not None}
        named = [name for name in node.output if name]
        shapes = [Value(types.get(name, _UNKNOWN_TYPE)).full_shape for name in named]
        results = evaluate(node, [known.get(name) for name in node.input], shapes, self.opset)
        self.room_bytes -= sum(array.nbytes for array in results or ())
        if results is None or self.room_bytes < 0:
            return None
        return [from_array(array) for array in results]


@functools.cache
def _schema(op_type: str, version: int) -> onnx.defs.OpSchema:
    return onnx.defs.get_schema(_LIKE.get(op_type, op_type), version, "")

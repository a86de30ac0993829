"""I: what a graph takes and gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from onnxtool.model.families import Role
from onnxtool.model.order import in_order, reads, stand_in_order
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import GENERATED_NAME
from onnxtool.model.tensors import TensorSpec, shape_text
from onnxtool.model.view import Scope
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.graphs import ADD, HEADER, folder
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.rules.target import Port, Target, TargetGraph

_PROMISE = {"name": "x", "dtype": "float32", "shape": [2]}


@graph_rule(
    "I001",
    "unlike-promised-interface",
    severity=Severity.ERROR,
    fix="Export with the promised names, types and sizes, or correct the contract.",
    bad=folder(
        {
            "a.onnx": ADD,
            "contract.json": {"io": {"a.onnx": {"inputs": [{**_PROMISE, "name": "z"}]}}},
        }
    ),
    good=folder({"a.onnx": ADD, "contract.json": {"io": {"a.onnx": {"inputs": [_PROMISE]}}}}),
)
def unlike_promised_interface(graph: GraphSubject) -> Iterator[Problem]:
    """An input or output is not what the contract, or the runtime that it is for, asks for.

    Held against names, element types, ranks and sizes: of the contract, given or in the folder, and
    of each target. A size that the contract leaves open must be open in the graph.
    """
    contract = graph.contract
    promised = contract.interfaces.get(graph.name) if contract else None
    required = _required(graph)
    if promised is None and not required:
        reason = "nothing promises its interface"
        if contract and contract.interfaces:
            raise Skipped(f"{reason}: {contract.path.name} does not name {graph.name}")
        raise Skipped(graph.settings.unasked(reason, "--contract or --target"))
    if promised and contract:
        of = contract.path.name
        yield from _broken(promised.inputs, graph.signature.inputs, f"input of {of}")
        yield from _broken(promised.outputs, graph.signature.outputs, f"output of {of}")
    for target, wanted in required:
        if wanted.instead:
            message = f"{target.name} has no use for this graph: it wants `{wanted.instead}`"
            yield Problem(message, graph.name)
        for ports, specs in _sides(wanted, graph.signature):
            yield from _unfit(target, ports, specs, by_name=wanted.by_name)


def _required(graph: GraphSubject) -> list[tuple[Target, TargetGraph]]:
    """The targets that ask something of such a graph, and what."""
    role, family = graph.signature.role, graph.signature.family
    found = [(target, target.graph(role, family)) for target in graph.settings.targets]
    return [
        (target, wanted)
        for target, wanted in found
        if wanted and (wanted.inputs or wanted.outputs or wanted.instead)
    ]


def _sides(
    wanted: TargetGraph, given: Signature
) -> Iterator[tuple[Sequence[Port], Sequence[TensorSpec]]]:
    """What is asked for, and what there is: inputs, then outputs."""
    yield wanted.inputs, given.inputs
    yield wanted.outputs, given.outputs


def _broken(
    promised: Sequence[TensorSpec], given: Sequence[TensorSpec], kind: str
) -> Iterator[Problem]:
    by_name = {spec.name: spec for spec in given}
    for promise in promised:
        spec = by_name.get(promise.name)
        if spec is None:
            yield Problem(f"no `{promise.name}`, an {kind}", promise.name)
            continue
        if spec.dtype != promise.dtype:
            message = f"`{spec.name}` is {spec.dtype}, and {promise.dtype} as {kind}"
            yield Problem(message, spec.name)
        if promise.shape is not None and spec.shape is not None and not _fits(promise, spec):
            own, wanted = shape_text(spec.shape), shape_text(promise.shape)
            yield Problem(f"`{spec.name}` is {own}, and {wanted} as {kind}", spec.name)


def _fits(promise: TensorSpec, spec: TensorSpec) -> bool:
    """Whether sizes agree; an open one of the graph is no promise, and may turn out right."""
    wanted, given = promise.shape or (), spec.shape or ()
    if len(wanted) != len(given):
        return False
    pairs = zip(wanted, given, strict=True)
    return all(not isinstance(size, int) or size == want for want, size in pairs)


def _unfit(
    target: Target, ports: Sequence[Port], specs: Sequence[TensorSpec], *, by_name: bool
) -> Iterator[Problem]:
    """What a runtime does not find, or finds of another rank or type; integers are for I010."""
    if not by_name and len(specs) < len(ports):
        names = ", ".join(port.name for port in ports)
        message = f"{len(specs)} values, where {target.name} wants {len(ports)}: {names}"
        yield Problem(message + target.saying("count"), "interface")
        return
    for port, spec in _paired(ports, specs, by_name=by_name):
        if spec is None:
            message = f"no `{port.name}`, which {target.name} wants by this name"
            yield Problem(message + target.saying("name", port.name), port.name)
        elif spec.shape is not None and len(spec.shape) != port.rank:
            message = f"`{spec.name}` has {len(spec.shape)} axes, {target.name} wants {port.rank}"
            yield Problem(message, spec.name)
        elif spec.dtype != port.dtype and not spec.dtype.startswith("int"):
            message = f"`{spec.name}` is {spec.dtype}, {target.name} wants {port.dtype}"
            yield Problem(message + target.saying("dtype"), spec.name)


def _paired(
    ports: Sequence[Port], specs: Sequence[TensorSpec], *, by_name: bool
) -> Iterator[tuple[Port, TensorSpec | None]]:
    names = {spec.name: spec for spec in specs}
    for place, port in enumerate(ports):
        if by_name:
            yield port, names.get(port.name)
        else:
            yield port, specs[place] if place < len(specs) else None


@graph_rule(
    "I009",
    "generated-public-name",
    severity=Severity.WARNING,
    fix="Name inputs and outputs on export: `input_names=`, `output_names=`.",
    bad=f'{HEADER} g (float[2] x) => (float[2] "162") {{ "162" = Identity(x) }}',
    good=ADD,
)
def generated_public_name(graph: GraphSubject) -> Iterator[Problem]:
    """An input or output has a name that an exporter made up, such as `onnx::Slice_3` or `162`.

    The next export, or the next version of torch, numbers anew: code that uses the name breaks.
    Made-up names of dynamic axes are no problem, since nobody calls them.
    """
    for spec in (*graph.signature.inputs, *graph.signature.outputs):
        if re.fullmatch(GENERATED_NAME, spec.name):
            yield Problem(f"`{spec.name}` is a name that the exporter made up", spec.name)


def _encoder(integers: str) -> str:
    """An encoder whose lengths are of this type."""
    return f"""{HEADER} encoder (float[B, 80, T] audio_signal, {integers}[B] length)
        => (float[B, 80, T] outputs, {integers}[B] encoded_lengths) {{
            outputs = Identity(audio_signal)
            encoded_lengths = Identity(length)
        }}"""


@graph_rule(
    "I010",
    "integer-type-unlike-target",
    severity=Severity.ERROR,
    fix="Export ids and lengths in the runtime's type, or put a Cast before them.",
    bad=_encoder("int32"),
    good=_encoder("int64"),
)
def integer_type_unlike_target(graph: GraphSubject) -> Iterator[Problem]:
    """Ids or lengths are of another integer type than the runtime feeds.

    NeMo exports `targets` as int32, others use int64; a runtime feeds the type that it was written
    for, and the first call fails.
    """
    required = _required(graph)
    if not required:
        reason = "no target says which integers it feeds"
        raise Skipped(graph.settings.unasked(reason, "--target"))
    for target, wanted in required:
        pairs = (
            pair
            for ports, specs in _sides(wanted, graph.signature)
            for pair in _paired(ports, specs, by_name=wanted.by_name)
        )
        for port, spec in pairs:
            if spec and spec.dtype.startswith("int") and spec.dtype != port.dtype:
                message = f"`{spec.name}` is {spec.dtype}, {target.name} wants {port.dtype}"
                yield Problem(message + target.saying("dtype"), spec.name)


@graph_rule(
    "I011",
    "unused-input",
    severity=Severity.ERROR,
    fix="Export again, with inputs that vary: tracing turns what does not vary into constants.",
    bad=f"""{HEADER} encoder (float[B, 80, T] audio_signal, int64[B] length)
        => (float[B, 80, T] outputs, int64[1] encoded_lengths) <int64[1] traced = {{64}}> {{
            outputs = Identity(audio_signal)
            encoded_lengths = Identity(traced)
        }}""",
    good=_encoder("int64"),
)
def unused_input(graph: GraphSubject) -> Iterator[Problem]:
    """An input changes no output, or an output depends on no input.

    Tracing keeps the value that a length had during the export and drops the input: the graph takes
    any length, and masks and counts as if it were the one of the example. That an output depends on
    the *size* of an input counts for nothing.

    An output that is a constant is a warning where nobody knows what the graph is for: detectors
    give the anchors of their boxes so.
    """
    scope = graph.view.roots[0]
    names = [spec.name for spec in graph.signature.inputs]
    sources = _sources(scope, names)
    anything = (1 << len(names)) - 1  # Of an output that nothing gives, which M001 tells.
    used = 0
    for output in scope.output_names:
        used |= sources.get(output, anything)
    for place, name in enumerate(names):
        if not used >> place & 1:
            yield Problem(f"no output depends on the values of `{name}`", name)
    for output in scope.output_names:
        if names and not sources.get(output, anything):
            constant = Severity.WARNING if graph.signature.role is Role.OTHER else None
            yield Problem(f"`{output}` depends on the values of no input", output, constant)


def _sources(scope: Scope, inputs: Sequence[str]) -> dict[str, int]:
    """Value -> the inputs that it is computed from, as a number with one bit for each of them.

    A value that nothing gives, or that waits for itself, may be any: M001 tells of it.
    """
    stored = {tensor.name for tensor in scope.initializers}
    stored |= {tensor.values.name for tensor in scope.sparse_initializers}
    found = dict.fromkeys(stored, 0) | {name: 1 << place for place, name in enumerate(inputs)}
    anything = (1 << len(inputs)) - 1
    # A list of half a million nodes would take more than all of the rest.
    for node in scope.nodes if stand_in_order(scope.nodes) else in_order(scope.nodes):
        mask = 0
        if node.op_type not in {"Shape", "Size"}:  # Of a value, these read its size.
            for name in reads(node):
                mask |= found.get(name, anything)
        found.update(dict.fromkeys(node.output, mask))
    return found


@graph_rule(
    "I012",
    "overridable-initializer",
    severity=Severity.WARNING,
    fix="Export with `keep_initializers_as_inputs=False`.",
    bad=f"{HEADER} g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {{1, 2}}>"
    " { y = Add(x, w) }",
    good=ADD,
)
def overridable_initializer(graph: GraphSubject) -> Iterator[Problem]:
    """Weights are inputs of the graph, too, so that every caller can replace them.

    ONNX Runtime must then take them for variables and leaves out every optimization that needs
    constants. Only models before IR version 4 had to be like that.
    """
    proto = graph.view.proto
    inputs = {value.name for value in proto.graph.input}
    names = [tensor.name for tensor in proto.graph.initializer if tensor.name in inputs]
    if names and proto.ir_version >= 4:
        shown = ", ".join(f"`{name}`" for name in names[:3])
        yield Problem(f"{len(names)} initializers are inputs, too: {shown}", names[0])

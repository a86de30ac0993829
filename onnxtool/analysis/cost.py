"""What one run costs at given sizes: MACs, weight bytes, and the memory for activations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import onnx

from onnxtool.analysis.agreement import (
    Misdeclared,
    SymbolConflict,
    conflicts,
    misdeclared,
    misfits,
)
from onnxtool.analysis.macs import FORMULAS, WITHOUT_FORMULA, node_macs
from onnxtool.analysis.shapes import contrib
from onnxtool.analysis.shapes.control_flow import NodeRun, Run
from onnxtool.analysis.shapes.propagation import run_shapes, why_not_inlined
from onnxtool.analysis.shapes.values import KnownShape, Value
from onnxtool.analysis.sizes import resolve
from onnxtool.model.dtypes import dtype
from onnxtool.model.frozen import FrozenDict
from onnxtool.model.modules import ModulePath, node_module
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import MAX_ELEMENTS, count_elements
from onnxtool.model.view import STANDARD_DOMAINS, ModelView, node_name, operator

# Operators that give their input another shape: ONNX Runtime lets both share memory.
VIEWS = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A node whose MACs are not in the total."""

    node: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A node that cannot run at these sizes, since its inputs do not fit.

    Attributes:
        shapes: Those of its inputs; optional ones that are left out are not here.
    """

    node: str
    operator: str
    shapes: tuple[KnownShape, ...]


@dataclass(frozen=True, slots=True)
class NodeMacs:
    """What one node does.

    Attributes:
        module: The module that it came from.
    """

    node: str
    operator: str
    module: ModulePath
    macs: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one run.

    Attributes:
        sizes: Given sizes, by symbol.
        assumed: Sizes assumed for what was not given.
        macs: Multiply-accumulate operations by operator, largest first.
        node_macs: Of each node that may do any, in order of execution.
        weight_bytes: Bytes of all stored tensors.
        peak_activation_bytes: The most that inputs and intermediate values occupy at once, each
            freed after its last use; an estimate, since a runtime plans its memory in its own way.
        peak_at: The node at which that is so.
        unsized: Number of values left out of it because their size is not known.
        outputs: The shape of each output.
        conflicts: Symbols that stand for several sizes.
        misfits: State outputs that do not fit their input at these sizes: (input, output, shape
            of the input, shape of the output).
        misdeclared: Outputs that come out in another shape than the graph says.
        refusals: Nodes that cannot run at these sizes.
        unresolved: Nodes whose MACs are not known.
    """

    sizes: Mapping[str, int]
    assumed: Mapping[str, int]
    macs: Mapping[str, int]
    node_macs: tuple[NodeMacs, ...] = field(repr=False)
    weight_bytes: int
    peak_activation_bytes: int
    peak_at: str
    unsized: int
    outputs: tuple[tuple[str, KnownShape | None], ...]
    conflicts: tuple[SymbolConflict, ...]
    misfits: tuple[tuple[str, str, KnownShape, KnownShape], ...]
    misdeclared: tuple[Misdeclared, ...]
    refusals: tuple[Refusal, ...]
    unresolved: tuple[Unresolved, ...]

    @property
    def total_macs(self) -> int:
        """MACs of all resolved nodes: the least that one run does, if there are others."""
        return sum(self.macs.values())


def cost(model: ModelView, signature: Signature, at: Mapping[str, int]) -> Cost:
    """Compute the cost of one run with axes of the sizes in `at`; other dynamic axes are 1.

    Raises:
        UsageError: A size is negative.
    """
    sizes = resolve(signature, at)
    run = run_shapes(model.proto, sizes.shapes, sizes.contents)
    counted = tuple(_count(run, 1, _calls(model.proto)))
    by_operator: Counter[str] = Counter()
    for node, macs in counted:
        if isinstance(macs, int):
            by_operator[operator(node)] += macs
    outputs = tuple((name, run.values[name].shape) for name in run.outputs if name in run.values)
    peak = _Memory(run, {spec.name for spec in signature.inputs})
    return Cost(
        sizes=FrozenDict(sizes.given),
        assumed=FrozenDict(sizes.assumed),
        macs=FrozenDict(by_operator.most_common()),
        node_macs=tuple(
            NodeMacs(node_name(node), operator(node), node_module(node), macs)
            for node, macs in counted
            if isinstance(macs, int)
        ),
        weight_bytes=sum(tensor.size_bytes for tensor in model.tensors),
        peak_activation_bytes=peak.bytes,
        peak_at=peak.node,
        unsized=peak.unsized,
        outputs=outputs,
        conflicts=conflicts(signature, sizes, dict(outputs)),
        misfits=tuple(misfits(signature, sizes, dict(outputs))),
        misdeclared=tuple(misdeclared(signature, sizes, dict(outputs))),
        refusals=tuple(_refusals(run)),
        unresolved=tuple(
            Unresolved(node_name(node), operator(node), reason)
            for node, reason in counted
            if isinstance(reason, str)
        ),
    )


def _calls(proto: onnx.ModelProto) -> dict[str, str]:
    """Why the nodes that call a function of the model, as far as there still are some, do so."""
    names = [f"{function.domain}::{function.name}" for function in proto.functions]
    return dict.fromkeys(names, why_not_inlined(proto) or "function that onnx cannot inline")


def _count(
    run: Run, times: int | None, calls: Mapping[str, str]
) -> Iterator[tuple[onnx.NodeProto, int | str]]:
    """Each node that does matrix work, with its MACs, or the reason why they are not known."""
    for step in run.nodes:
        if _may_do_matrix_work(step.node):
            yield step.node, _counted(step, times, calls)
        repeats = None if times is None or step.repeats is None else times * step.repeats
        for inner in step.inner:
            yield from _count(inner, repeats, calls)


def _refusals(run: Run) -> Iterator[Refusal]:
    """The nodes that cannot run, of those of which it is known that they do."""
    for step in run.nodes:
        if step.refused:
            shapes = tuple(value.shape or () for value in step.inputs if value is not None)
            yield Refusal(node_name(step.node), operator(step.node), shapes)
        for inner in step.inner if step.repeats else ():
            yield from _refusals(inner)


def _may_do_matrix_work(node: onnx.NodeProto) -> bool:
    custom = node.domain not in STANDARD_DOMAINS and not contrib.is_known(node)
    return custom or operator(node) in FORMULAS or operator(node) in WITHOUT_FORMULA


def _counted(step: NodeRun, times: int | None, calls: Mapping[str, str]) -> int | str:
    name = operator(step.node)
    if name not in FORMULAS:
        return "no formula" if name in WITHOUT_FORMULA else calls.get(name, "custom operator")
    macs = node_macs(step.node, step.inputs, step.outputs)
    if macs is None:
        return _obstacle(step)
    # No run takes so many, and numbers of thousands of digits cannot be shown.
    return "runs as often as data says" if times is None else min(macs * times, MAX_ELEMENTS)


def _obstacle(step: NodeRun) -> str:
    """Why the MACs of a node are not known: of its inputs, not even the rank, not each size, …."""
    shapes = [value.shape for value in step.inputs if value is not None]
    lost_at = next((value.lost_at for value in step.inputs if value and value.lost_at), "")
    if lost_at:
        return f"shape not known after {lost_at}"
    if None in shapes:
        return "shape not known"
    if any(None in shape for shape in shapes if shape is not None):
        return "shape depends on data"
    return "inputs do not fit the operator"


class _Memory:
    """The most memory that values occupy at once, each freed after its last use."""

    def __init__(self, run: Run, live: set[str]) -> None:
        self.bytes, self.node, self.unsized = 0, "", 0
        self._follow(run, live, 0)

    def _follow(self, run: Run, live: set[str], base: int) -> None:
        """Go through a graph that starts with the values `live`, on top of `base` bytes."""
        owner = _owners(run)
        last_use = _last_uses(run, owner)
        held = {name: self._size(run.values[name]) for name in live if name in run.values}
        total = base + sum(held.values())
        for index, step in enumerate(run.nodes):
            for name, value in zip(step.node.output, step.outputs, strict=True):
                if value is not None and owner[name] == name and step.node.op_type != "Constant":
                    held[name] = self._size(value)
                    total += held[name]
            if total > self.bytes:
                self.bytes, self.node = total, step.node.name or step.node.op_type
            for inner in step.inner:
                self._follow(inner, set(), total)
            for name in last_use.get(index, ()):
                total -= held.pop(name, 0)

    def _size(self, value: Value) -> int:
        shape, bits = value.full_shape, dtype(value.elem_type).bits
        if shape is None or bits is None:
            self.unsized += 1
            return 0
        return -(-count_elements(shape) * bits // 8)


def _owners(run: Run) -> dict[str, str]:
    """The value whose memory each value occupies: its own, or that of what it is a view of."""
    owner: dict[str, str] = {}
    for step in run.nodes:
        for name in step.node.output:
            view = step.node.op_type in VIEWS and step.node.input
            source = step.node.input[0] if view else name
            owner[name] = owner.get(source, source)
    return owner


def _last_uses(run: Run, owner: Mapping[str, str]) -> dict[int, list[str]]:
    """Index of a node -> the values that are not needed after it."""
    last: dict[str, int] = {}
    for index, step in enumerate(run.nodes):
        for name in (*step.node.output, *_reads(step)):
            last[owner.get(name, name)] = index
    for name in run.outputs:
        last.pop(owner.get(name, name), None)
    freed: defaultdict[int, list[str]] = defaultdict(list)
    for name, index in last.items():
        freed[index].append(name)
    return freed


def _reads(step: NodeRun) -> Iterator[str]:
    """What a node reads, its subgraphs included."""
    yield from step.node.input
    for inner in step.inner:
        for nested in inner.nodes:
            yield from _reads(nested)

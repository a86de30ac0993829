"""Each way to change a graph: what it is called, who has to care, and what the exit code is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onnxtool.comparison.diff import diff
from onnxtool.comparison.difference import Impact, Kind
from onnxtool.errors import UnsupportedModelError
from tests.support.models import write

from .changed import Change, base, compared, declared, node, rename, set_axes, set_axis, value

BREAKING, BEHAVIORAL, COSMETIC = Impact.BREAKING, Impact.BEHAVIORAL, Impact.COSMETIC


@dataclass(frozen=True)
class Mutation:
    """A change, and the differences that it makes: kind and impact of each."""

    name: str
    change: Change
    expected: frozenset[tuple[Kind, Impact]]

    def __str__(self) -> str:
        return self.name


def mutation(name: str, change: Change, *expected: tuple[Kind, Impact]) -> Mutation:
    return Mutation(name, change, frozenset(expected))


def swap(values: object) -> None:
    first, second = list(values)  # type: ignore[call-overload]
    kept = type(first)()
    kept.CopyFrom(first)
    first.CopyFrom(second)
    second.CopyFrom(kept)


def weight(
    proto: onnx.ModelProto, name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    tensor = next(t for t in proto.graph.initializer if t.name == name)
    tensor.CopyFrom(numpy_helper.from_array(values, name))


def nudge(proto: onnx.ModelProto) -> None:
    tensor = next(t for t in proto.graph.initializer if t.name == "w")
    values = numpy_helper.to_array(tensor).copy()
    values[0, 0] += 0.5
    weight(proto, "w", values)


def insert(proto: onnx.ModelProto, operator: str) -> None:
    """Between the sum and what it is divided by, under no name."""
    proto.graph.node.insert(5, helper.make_node(operator, ["r"], ["r2"]))
    node(proto, "y").input[1] = "r2"


def set_attribute(proto: onnx.ModelProto, output: str, name: str, number: int) -> None:
    next(a for a in node(proto, output).attribute if a.name == name).i = number


def set_constant(proto: onnx.ModelProto) -> None:
    node(proto, "axis").attribute[0].t.CopyFrom(numpy_helper.from_array(np.array([2])))


def replace_operator(proto: onnx.ModelProto, output: str, operator: str) -> None:
    node(proto, output).op_type = operator


def custom(proto: onnx.ModelProto, domain: str) -> None:
    proto.opset_import.add(domain=domain, version=1)
    changed = node(proto, "t")
    changed.op_type, changed.domain = "Gelu", domain


def renumber(proto: onnx.ModelProto) -> None:
    """What an exporter does to names when one node more comes first."""
    for number, each in enumerate(proto.graph.node):
        each.name = f"node_{number + 1}"
    for name in ("p", "q", "s", "r", "t", "axis"):
        rename(proto, name, f"/{name}_1")


def prop(proto: onnx.ModelProto, key: str, text: str) -> None:
    entry = next((e for e in proto.metadata_props if e.key == key), None)
    (entry or proto.metadata_props.add(key=key)).value = text


MUTATIONS = (
    # Interface.
    mutation("input added", lambda m: m.graph.input.append(value("mask", ["B"])),
             (Kind.INPUT_ADDED, BREAKING)),
    mutation("output added", lambda m: m.graph.output.append(value("q", ["B", 4, "T"])),
             (Kind.OUTPUT_ADDED, COSMETIC)),
    mutation("output removed", lambda m: m.graph.output.pop(1),
             (Kind.OUTPUT_REMOVED, BREAKING)),
    mutation("input renamed", lambda m: rename(m, "x", "audio"), (Kind.INPUT_RENAMED, BREAKING)),
    mutation("output renamed", lambda m: rename(m, "y", "z"), (Kind.OUTPUT_RENAMED, BREAKING)),
    mutation("inputs in another order", lambda m: swap(m.graph.input),
             (Kind.VALUE_ORDER, BREAKING)),
    mutation("outputs in another order", lambda m: swap(m.graph.output),
             (Kind.VALUE_ORDER, BREAKING)),
    mutation("input dtype", lambda m: setattr(declared(m, "x"), "elem_type", 10),
             (Kind.DTYPE, BREAKING)),
    mutation("output dtype", lambda m: setattr(declared(m, "y"), "elem_type", 10),
             (Kind.DTYPE, BREAKING)),
    mutation("input rank", lambda m: declared(m, "x").shape.dim.add(dim_value=1),
             (Kind.RANK, BREAKING)),
    mutation("input of unknown rank", lambda m: declared(m, "x").ClearField("shape"),
             (Kind.RANK, COSMETIC)),
    mutation("output of unknown rank", lambda m: declared(m, "y").ClearField("shape"),
             (Kind.RANK, BREAKING)),
    # Dynamic axes.
    mutation("input of another size", lambda m: set_axis(m, "x", 1, 8), (Kind.AXIS, BREAKING)),
    mutation("output of another size", lambda m: set_axis(m, "y", 1, 8), (Kind.AXIS, BREAKING)),
    mutation("input axis fixed", lambda m: set_axis(m, "x", 0, 1), (Kind.AXIS, BREAKING)),
    mutation("output axis fixed", lambda m: set_axis(m, "y", 0, 1), (Kind.AXIS, BEHAVIORAL)),
    mutation("input axis freed", lambda m: set_axis(m, "x", 1, "D"), (Kind.AXIS, COSMETIC)),
    mutation("output axis freed", lambda m: set_axis(m, "y", 1, "D"), (Kind.AXIS, BREAKING)),
    mutation("axis without a name", lambda m: set_axis(m, "x", 2, None), (Kind.AXIS, COSMETIC)),
    mutation("symbol divided", lambda m: set_axis(m, "y", 2, "T_out"), (Kind.SYMBOL, BEHAVIORAL)),
    mutation("symbol renamed",
             lambda m: set_axes(m, 2, "time"),
             (Kind.SYMBOL, COSMETIC)),
    mutation("symbols put together",
             lambda m: set_axes(m, 2, "B"),
             (Kind.SYMBOL, BEHAVIORAL)),
    # States.
    mutation("state cannot be fed back", lambda m: set_axis(m, "h_out", 1, 8),
             (Kind.AXIS, BREAKING), (Kind.STATE, BREAKING)),
    # Header.
    mutation("opset", lambda m: setattr(m.opset_import[0], "version", 20),
             (Kind.OPSET, BEHAVIORAL)),
    mutation("newer format", lambda m: setattr(m, "ir_version", 10),
             (Kind.IR_VERSION, BEHAVIORAL)),
    mutation("older format", lambda m: setattr(m, "ir_version", 7), (Kind.IR_VERSION, COSMETIC)),
    mutation("opset listed only", lambda m: m.opset_import.add(domain="custom", version=1),
             (Kind.OPSET, COSMETIC)),
    mutation("operator of ONNX Runtime", lambda m: custom(m, "com.microsoft"),
             (Kind.OPSET, BEHAVIORAL), (Kind.NODE_REPLACED, BEHAVIORAL)),
    mutation("operator of nobody", lambda m: custom(m, "com.example"),
             (Kind.OPSET, BREAKING), (Kind.NODE_REPLACED, BEHAVIORAL)),
    mutation("producer", lambda m: setattr(m, "producer_name", "tf2onnx"),
             (Kind.ORIGIN, COSMETIC)),
    mutation("doc string", lambda m: setattr(m, "doc_string", "hello"), (Kind.ORIGIN, COSMETIC)),
    mutation("domain", lambda m: setattr(m, "domain", "org"), (Kind.ORIGIN, COSMETIC)),
    mutation("model version", lambda m: setattr(m, "model_version", 2), (Kind.ORIGIN, COSMETIC)),
    mutation("graph name", lambda m: setattr(m.graph, "name", "other"), (Kind.ORIGIN, COSMETIC)),
    mutation("doc string of a graph", lambda m: setattr(m.graph, "doc_string", "hello"),
             (Kind.ORIGIN, COSMETIC)),
    mutation("doc string of a node", lambda m: setattr(node(m, "p"), "doc_string", "hello"),
             (Kind.ORIGIN, COSMETIC)),
    # metadata_props.
    mutation("metadata changed", lambda m: prop(m, "vocab_size", "36"),
             (Kind.METADATA_PROP, BEHAVIORAL)),
    mutation("metadata added", lambda m: prop(m, "url", "tdt"), (Kind.METADATA_PROP, COSMETIC)),
    mutation("metadata removed", lambda m: m.metadata_props.pop(0),
             (Kind.METADATA_PROP, BREAKING)),
    mutation("comment", lambda m: prop(m, "comment", "second"), (Kind.METADATA_PROP, COSMETIC)),
    # Nodes.
    mutation("attribute", lambda m: set_attribute(m, "s", "axis", 2),
             (Kind.NODE_CHANGED, BEHAVIORAL)),
    mutation("constant", set_constant, (Kind.NODE_CHANGED, BEHAVIORAL)),
    mutation("operator", lambda m: replace_operator(m, "t", "Sigmoid"),
             (Kind.NODE_REPLACED, BEHAVIORAL)),
    mutation("node inserted", lambda m: insert(m, "Sqrt"),
             (Kind.NODE_ADDED, BEHAVIORAL), (Kind.NODE_CHANGED, BEHAVIORAL)),
    mutation("identity inserted", lambda m: insert(m, "Identity"),
             (Kind.NODE_ADDED, COSMETIC)),
    mutation("dead node", lambda m: m.graph.node.append(helper.make_node("Neg", ["x"], ["dead"])),
             (Kind.NODE_ADDED, BEHAVIORAL)),
    mutation("inputs swapped", lambda m: node(m, "y").input.__setitem__(slice(None), ["r", "q"]),
             (Kind.NODE_CHANGED, BEHAVIORAL)),
    # Names.
    mutation("a node renamed", lambda m: setattr(node(m, "p"), "name", "other"),
             (Kind.NODES_RENAMED, COSMETIC)),
    mutation("all names of nodes and values", renumber, (Kind.NODES_RENAMED, COSMETIC)),
    mutation("a weight renamed", lambda m: rename(m, "w", "onnx::MatMul_7"),
             (Kind.WEIGHTS_RENAMED, COSMETIC)),
    # Weights.
    mutation("a value", nudge, (Kind.WEIGHT_CHANGED, BEHAVIORAL)),
    mutation("shape of a weight", lambda m: weight(m, "b", np.ones((1, 1, 1, 2), np.float32)),
             (Kind.WEIGHT_CHANGED, BEHAVIORAL), (Kind.NODE_CHANGED, BEHAVIORAL)),
    mutation("unused weight",
             lambda m: m.graph.initializer.append(
                 numpy_helper.from_array(np.ones(3, np.float32), "unused")),
             (Kind.WEIGHT_ADDED, BEHAVIORAL)),
)  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_change_is_told_as_what_it_is(mutation: Mutation, tmp_path: Path) -> None:
    found = compared(mutation.change, tmp_path)
    assert {(d.kind, d.impact) for d in found.differences} == mutation.expected


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_it_fails_where_a_difference_is_bad_enough(mutation: Mutation, tmp_path: Path) -> None:
    found = compared(mutation.change, tmp_path)
    impacts = {impact for _, impact in mutation.expected}
    assert found.fails() == (BREAKING in impacts)
    assert found.fails(BEHAVIORAL) == bool(impacts - {COSMETIC})
    assert found.fails(COSMETIC)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_it_is_found_from_the_other_side_too(mutation: Mutation, tmp_path: Path) -> None:
    changed = base()
    mutation.change(changed)
    one, other = write(tmp_path / "a.onnx", changed), write(tmp_path / "b.onnx", base())
    assert diff(one, other).differences


def test_the_same_graph_has_no_difference(tmp_path: Path) -> None:
    found = compared(lambda _: None, tmp_path)
    assert (found.differences, found.worst, found.fails(COSMETIC)) == ((), None, False)


def test_graphs_with_nothing_in_common_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "a.onnx", base())
    other = write(tmp_path / "b.onnx", "g (int64[N] ids) => (int64[N] out) { out = Neg(ids) }")
    with pytest.raises(UnsupportedModelError, match="nothing in common"):
        diff(one, other)

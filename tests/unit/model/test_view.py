from __future__ import annotations

import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper

from onnxtool.model.stored_tensors import Holder
from onnxtool.model.view import Location, operator, subgraphs
from tests.support.models import encoded, parse, view

NESTED = """g (bool c, float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}> {
    h = Add(x, w)
    [choose] y = If(c) <
        then_branch = a () => (float[4] t) <float v = {1}> {
            t = If(c) <
                then_branch = a1 () => (float[4] p) { p = local.f(h) },
                else_branch = a2 () => (float[4] q) { q = Mul(h, v) }> },
        else_branch = b () => (float[4] e) {
            k = Constant<value = float[4] {4, 3, 2, 1}>()
            e = Sub(h, k) }>
    }
    <domain: "local", opset_import: ["": 20]> f (a) => (b) {
        one = Constant<value = float {1}>()
        yes = Constant<value = bool {1}>()
        b = If(yes) <
            then_branch = f1 () => (float[4] r) { r = Add(a, one) },
            else_branch = f2 () => (float[4] s) { s = Neg(a) }> }"""


# --- Scopes --------------------------------------------------------------------------------------


def test_scopes_are_the_graph_its_subgraphs_and_the_functions_with_theirs() -> None:
    assert [scope.path for scope in view(NESTED).scopes] == [
        "main",
        "main/choose.then_branch",
        "main/choose.then_branch/If.then_branch",
        "main/choose.then_branch/If.else_branch",
        "main/choose.else_branch",
        "local::f",
        "local::f/If.then_branch",
        "local::f/If.else_branch",
    ]


def test_scope_has_the_inputs_and_outputs_of_its_body() -> None:
    names = {scope.path: (scope.input_names, scope.output_names) for scope in view(NESTED).scopes}
    assert names["main"] == (("c", "x"), ("y",))
    assert names["main/choose.else_branch"] == ((), ("e",))
    assert names["local::f"] == (("a",), ("b",))


def test_scope_has_the_nodes_and_initializers_of_its_body() -> None:
    scopes = {scope.path: scope for scope in view(NESTED).scopes}
    branch = scopes["main/choose.then_branch"]
    assert [node.op_type for node in branch.nodes] == ["If"]
    assert [tensor.name for tensor in branch.initializers] == ["v"]
    assert not scopes["local::f"].initializers
    assert not scopes["local::f"].sparse_initializers


def test_location_names_scope_node_and_value() -> None:
    scope = view(NESTED).scopes[0]
    add, choose = scope.nodes
    assert str(scope.at(node=choose)) == "main:choose"
    assert str(scope.at(node=add, value="h")) == "main:Add:h"
    assert str(scope.at()) == "main"
    assert scope.at(value="x") == Location("main", value="x")


def test_subgraphs_in_a_list_are_numbered() -> None:
    graphs = [parse("g () => () {}").graph] * 2
    node = helper.make_node("Choose", [], [], branches=graphs)
    assert [name for name, _ in subgraphs(node)] == ["branches[0]", "branches[1]"]


@pytest.mark.parametrize("kind", [AttributeProto.INT, AttributeProto.TENSOR])
def test_attribute_of_another_type_holds_no_subgraph(kind: AttributeProto.AttributeType) -> None:
    node = onnx.NodeProto(attribute=[AttributeProto(name="a", type=kind)])
    assert list(subgraphs(node)) == []


# --- Interface -----------------------------------------------------------------------------------


def test_inputs_are_those_without_a_value_of_their_own() -> None:
    proto = parse("g (float[4] w, float[N] x, float[4] s) => (float[N] y) { y = Relu(x) }")
    proto.graph.initializer.add(name="w")
    proto.graph.sparse_initializer.add().values.name = "s"
    model = view(proto)
    assert [spec.name for spec in model.inputs] == ["x"]
    assert [(spec.name, spec.shape) for spec in model.outputs] == [("y", ("N",))]


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
def test_both_names_of_the_standard_domain_are_one(domain: str) -> None:
    proto = parse("g (float[4] x) => (float[4] y) { y = Relu(x) }")
    del proto.opset_import[:]
    proto.opset_import.extend([helper.make_opsetid(domain, 19), helper.make_opsetid("a.b", 2)])
    assert view(proto).opset_imports == {"": 19, "a.b": 2}
    assert operator(onnx.NodeProto(op_type="Relu", domain=domain)) == "Relu"


def test_operators_are_counted_in_all_scopes() -> None:
    assert view(NESTED).operators == {
        "Add": 2,
        "If": 3,
        "local::f": 1,
        "Mul": 1,
        "Constant": 3,
        "Sub": 1,
        "Neg": 1,
    }


# --- Tensors -------------------------------------------------------------------------------------


def test_tensors_are_found_in_all_scopes_with_what_holds_them() -> None:
    found = [(tensor.scope, tensor.node, tensor.name) for tensor in view(NESTED).tensors]
    assert found == [
        ("main", "", "w"),
        ("main/choose.then_branch", "", "v"),
        ("main/choose.else_branch", "Constant", ""),
        ("local::f", "Constant", ""),
        ("local::f", "Constant", ""),
    ]


def test_tensors_are_found_in_every_kind_of_holder() -> None:
    dense = TensorProto(name="t", data_type=TensorProto.FLOAT)
    sparse = onnx.SparseTensorProto(values=TensorProto(name="v"), indices=TensorProto(name="i"))
    proto = parse("g () => () {}")
    proto.graph.initializer.append(dense)
    proto.graph.sparse_initializer.append(sparse)
    node = proto.graph.node.add(op_type="Custom")
    node.attribute.add(name="a", type=AttributeProto.TENSOR, t=dense)
    node.attribute.add(name="b", type=AttributeProto.TENSORS, tensors=[dense, dense])
    node.attribute.add(name="c", type=AttributeProto.SPARSE_TENSOR, sparse_tensor=sparse)
    node.attribute.add(name="d", type=AttributeProto.SPARSE_TENSORS, sparse_tensors=[sparse])
    # Files from before IR version 2 do not say what type an attribute has.
    node.attribute.add(name="e", t=dense)
    assert [(tensor.holder, tensor.name) for tensor in view(proto).tensors] == [
        (Holder.INITIALIZER, "t"),
        (Holder.SPARSE_VALUES, "v"),
        (Holder.SPARSE_INDICES, "i"),
        (Holder.ATTRIBUTE, "t"),
        (Holder.ATTRIBUTE, "t"),
        (Holder.ATTRIBUTE, "t"),
        (Holder.ATTRIBUTE, "v"),
        (Holder.ATTRIBUTE, "i"),
        (Holder.ATTRIBUTE, "v"),
        (Holder.ATTRIBUTE, "i"),
        (Holder.ATTRIBUTE, "t"),
    ]


def test_external_locations_are_named_without_a_look_at_the_files() -> None:
    model = view(
        """g (float[4] x) => (float[4] y) <
            float[4] a = ["location": "sub/w.bin"], float[4] b = ["location": "w.bin"],
            float[4] c = ["location": "w.bin"], float[4] d = {1, 2, 3, 4}
        > { y = Sum(x, a, b, c, d) }"""
    )
    assert model.external_locations == {"sub/w.bin", "w.bin"}


def test_looking_does_not_change_the_model() -> None:
    model = view(NESTED)
    before = encoded(model.proto)
    assert model.scopes
    assert model.tensors
    assert model.operators
    assert model.inputs
    assert encoded(model.proto) == before

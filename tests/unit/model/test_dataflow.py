"""Values, followed back through branches, loops and calls to the nodes that compute them."""

from __future__ import annotations

import onnx

from onnxtool.model.dataflow import Dataflow, Value
from tests.support.models import parse, view


def makers(text: str, name: str = "y") -> list[str]:
    flow = Dataflow(view(text))
    return [str(maker.location) for maker in flow.makers(Value(flow.main, name))]


def test_a_value_is_made_by_its_node() -> None:
    assert makers("g (float[2] x) => (float[2] y) { y = Relu(x) }") == ["main:Relu:y"]


def test_inputs_and_unknown_names_have_no_maker() -> None:
    text = "g (float[2] x) => (float[2] y) { y = Relu(x) }"
    assert makers(text, "x") == makers(text, "nothing") == makers(text, "") == []


def test_a_branch_has_two_makers_and_may_hand_out_an_outer_value() -> None:
    text = """g (float[2] x, bool c) => (float[2] y) {
        a = Relu(x)
        y = If(c) <
            then_branch = yes () => (float[2] p) { p = Neg(x) },
            else_branch = no () => (float[2] q) { q = Identity(a) }
        >
    }"""
    assert makers(text) == ["main/If.then_branch:Neg:p", "main/If.else_branch:Identity:q"]
    flow = Dataflow(view(text))
    _, identity = flow.makers(Value(flow.main, "y"))
    (outer,) = flow.makers(identity.inputs[0])
    assert str(outer.location) == "main:Relu:a"


def test_calls_of_one_function_are_apart() -> None:
    text = """g (float[2] x) => (float[2] y, float[2] z) {
        a = Relu(x)
        b = Neg(x)
        y = local.Same(a)
        z = local.Same(b)
    }
    <domain: "local", opset_import: ["" : 20]>
    Same (v) => (w) { w = Identity(v) }"""
    flow = Dataflow(view(text))
    origins = []
    for name in ("y", "z"):
        (inside,) = flow.makers(Value(flow.main, name))
        (outside,) = flow.makers(inside.inputs[0])
        origins.append(str(outside.location))
    assert origins == ["main:Relu:a", "main:Neg:b"]


def test_functions_that_call_each_other_for_ever_end() -> None:
    proto = parse("""g (float[2] x) => (float[2] y) { y = local.A(x) }
    <domain: "local", opset_import: ["" : 20, "local" : 1]>
    A (v) => (w) { w = local.B(v) }
    <domain: "local", opset_import: ["" : 20, "local" : 1]>
    B (v) => (w) { w = local.A(v) }""")
    flow = Dataflow(view(proto))
    assert list(flow.makers(Value(flow.main, "y"))) == []


def test_constants_are_found_through_casts_and_from_inside() -> None:
    text = """g (float[2] x) => (float[2] y) <int64[1] axis = {1}> {
        one = Constant <value = float {1}> ()
        half = Cast <to = 10> (one)
        y = Add(x, half)
    }"""
    flow = Dataflow(view(text))
    tensor = flow.constant(Value(flow.main, "half"))
    assert tensor is not None
    assert onnx.numpy_helper.to_array(tensor) == 1
    assert flow.constant(Value(flow.main, "axis")) is not None
    assert flow.constant(Value(flow.main, "x")) is None


def test_a_branch_that_is_never_taken_makes_nothing() -> None:
    text = """g (float[2] x) => (float[2] y) {
        c = Constant <value = bool {0}> ()
        y = If(c) <
            then_branch = yes () => (float[2] p) { p = Neg(x) },
            else_branch = no () => (float[2] q) { q = Relu(x) }
        >
    }"""
    assert makers(text) == ["main/If.else_branch:Relu:q"]
    # Of several truths, or of none, nobody knows which branch is meant.
    for condition in ("bool[2] {0, 1}", "int64 {0}"):
        other = makers(text.replace("bool {0}", condition))
        assert other == ["main/If.then_branch:Neg:p", "main/If.else_branch:Relu:q"]


def test_a_value_that_is_read_inside_is_the_one_outside() -> None:
    text = """g (float[2] x, bool c) => (float[2] y) {
        y = If(c) <
            then_branch = yes () => (float[2] p) { p = local.Same(x) },
            else_branch = no () => (float[2] q) { q = Neg(x) }
        >
    }
    <domain: "local", opset_import: ["" : 20]>
    Same (v) => (w) { w = Relu(v) }"""
    flow = Dataflow(view(text))
    inner = [maker.inputs[0] for maker in flow.makers(Value(flow.main, "y"))]
    assert [value.name for value in inner] == ["v", "x"]
    assert {flow.source(value).key for value in inner} == {Value(flow.main, "x").key}
    (relu, _) = flow.makers(Value(flow.main, "y"))
    assert flow.source(relu.value) == relu.value


def test_a_constant_is_found_in_each_way_to_write_it() -> None:
    text = """g (float[2] x) => (float[2] y) {
        a = Constant <value_float = 1.5> ()
        b = Constant <value_floats = [1.0, 2.0]> ()
        c = Constant <value_int = 3> ()
        d = Constant <value_ints = [4, 5]> ()
        e = Constant <value_string = "no number"> ()
        y = Identity(x)
    }"""
    flow = Dataflow(view(text))
    held = {name: flow.constant(Value(flow.main, name)) for name in "abcdey"}
    numbers = {
        name: onnx.numpy_helper.to_array(tensor).tolist() for name, tensor in held.items() if tensor
    }
    assert numbers == {"a": 1.5, "b": [1.0, 2.0], "c": 3, "d": [4, 5]}

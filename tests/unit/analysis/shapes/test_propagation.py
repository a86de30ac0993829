"""The shape of every value, for graphs that onnx's own inference leaves open."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from onnxtool.analysis.shapes import propagation
from onnxtool.analysis.shapes.propagation import MAX_CALL_DEPTH
from tests.support.models import model
from tests.unit.analysis.priced import price, reasons, run, shape


def test_follows_shape_arithmetic() -> None:
    """What torch exports for `x.view(x.shape[0], -1, 4).transpose(1, 2)`."""
    text = """g (float[B, T] x) => (float[] y)
        <int64 zero = {0}, int64[1] front = {0}, int64[1] minus = {-1}, int64[1] four = {4}> {
            s = Shape(x) b = Gather(s, zero) u = Unsqueeze(b, front)
            to = Concat<axis = 0>(u, minus, four)
            r = Reshape(x, to) y = Transpose<perm = [0, 2, 1]>(r)
        }"""
    assert shape(text, {"B": 3, "T": 20}) == (3, 4, 5)


@pytest.mark.parametrize("opset", [9, 10, 11, 12])
def test_follows_shape_arithmetic_as_it_was_before_opset_13(opset: int) -> None:
    text = """g (float[B, T] x) => (float[] y)
        <int64 zero = {0}, int64[1] minus = {-1}, int64[1] four = {4}> {
            s = Shape(x) b = Gather(s, zero) u = Unsqueeze<axes = [0]>(b)
            to = Concat<axis = 0>(u, minus, four)
            r = Reshape(x, to) y = Transpose<perm = [0, 2, 1]>(r)
        }"""
    assert shape(text, {"B": 3, "T": 20}, opset=opset) == (3, 4, 5)


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ("", [2, 3, 4, 5]),
        ("<start = 1>", [3, 4, 5]),
        ("<end = 2>", [2, 3]),
        ("<start = -2>", [4, 5]),
        ("<start = 1, end = -1>", [3, 4]),
        ("<start = -9, end = 9>", [2, 3, 4, 5]),
        ("<start = 3, end = 1>", []),
    ],
)
def test_takes_part_of_a_shape(attributes: str, part: list[int]) -> None:
    array = run(f"g (float[2,3,4,5] x) => (int64[] y) {{ y = Shape{attributes}(x) }}").values["y"]
    assert array.array is not None
    assert array.array.tolist() == part


def test_a_mask_from_lengths_has_the_shape_of_the_audio() -> None:
    text = """g (float[B, 80, T] audio_signal, int64[B] length) => (bool[] y)
        <int64 zero = {0}, int64 one = {1}, int64[1] last = {1}> {
            longest = ReduceMax<keepdims = 0>(length)
            positions = Range(zero, longest, one)
            column = Unsqueeze(length, last)
            y = Less(positions, column)
        }"""
    assert shape(text, {"B": 2, "T": 7}) == (2, 7)


def test_a_shape_that_depends_on_data_is_unknown_and_named() -> None:
    text = """g (float[6] x, float[1,4] w) => (float[] y) {
        k = NonZero(x) t = Transpose(k) f = Cast<to = 1>(t) y = MatMul(f, w)
    }"""
    assert shape(text) == (None, 4)
    (gap,) = price(text).unresolved
    assert (gap.node, gap.reason) == ("y", "shape depends on data")


def test_the_number_of_elements_that_are_not_zero_is_known_of_a_constant() -> None:
    """Older exporters of torch expand with NonZero(ConstantOfShape(...))."""
    text = """g (float[T] x, float[1,4] w) => (float[] y) {
        s = Shape(x) ones = ConstantOfShape<value = int64[1] {1}>(s) k = NonZero(ones)
        t = Transpose(k) f = Cast<to = 1>(t) y = MatMul(f, w)
    }"""
    assert price(text, {"T": 7}).total_macs == 7 * 4


def test_an_operator_of_a_custom_domain_is_named() -> None:
    text = "g (float[2,3] x) => (float[] y) { a = custom.Magic(x) y = MatMul(a, a) }"
    assert reasons(price(text)) == [
        ("custom::Magic", "custom operator"),
        ("MatMul", "shape not known"),
    ]


def test_the_declared_shape_of_a_custom_operator_is_believed() -> None:
    text = "g (float[2,3] x, float[3,4] w) => (float[] y) <float[2,3] a>"
    found = price(text + "{ a = custom.Magic(x) y = MatMul(a, w) }")
    assert found.macs == {"MatMul": 2 * 3 * 4}
    assert reasons(found) == [("custom::Magic", "custom operator")]


def test_an_inferred_shape_is_believed_before_a_declared_one() -> None:
    text = "g (float[T,3] x) => (float[] y) <float[9,3] a> { a = Relu(x) y = Relu(a) }"
    assert shape(text, {"T": 7}) == (7, 3)


def test_both_spellings_of_the_standard_domain_are_one() -> None:
    proto = model("g (float[T,3] x, float[3,4] w) => (float[] y) { y = MatMul(x, w) }")
    proto.graph.node[0].domain = "ai.onnx"
    proto.opset_import[0].domain = "ai.onnx"
    assert price(proto, {"T": 7}).macs == {"MatMul": 7 * 3 * 4}


def test_nodes_may_stand_in_any_order() -> None:
    text = "g (float[2,3] x, float[3,4] w) => (float[] y) { y = MatMul(a, w) a = Relu(x) }"
    assert price(text).total_macs == 2 * 3 * 4


def test_a_cycle_ends_and_is_named() -> None:
    text = "g (float[2,2] x) => (float[] y) { y = MatMul(a, x) a = Relu(y) }"
    assert reasons(price(text)) == [("MatMul", "shape not known")]


FUNCTION = """<domain: "local", opset_import: ["": 21]> twice (a, b) => (c) {
    t = MatMul(a, b) c = MatMul(t, b)
}"""


def test_functions_are_followed() -> None:
    text = "g (float[2,3] x, float[3,3] w) => (float[] y) { t = local.twice(x, w)"
    found = price(f"{text} y = local.twice(t, w) }} {FUNCTION}")
    assert found.macs == {"MatMul": 4 * (2 * 3 * 3)}
    assert found.unresolved == ()


def test_a_recursive_function_ends_and_is_named() -> None:
    text = """g (float[2,2] x) => (float[] y) { y = local.f(x) }
        <domain: "local", opset_import: ["": 21, "local": 1]> f (a) => (b) { b = local.f(a) }"""
    assert reasons(price(text)) == [("local::f", "functions that call themselves")]


def calls(depth: int, *, times: int) -> onnx.ModelProto:
    """Functions that each call the next `times` times."""
    proto = model("g (float[2,2] x) => (float[] y) { y = local.f0(x) }")
    for level in range(depth):
        function = proto.functions.add(domain="local", name=f"f{level}", input=["x"], output=["y"])
        function.opset_import.extend(proto.opset_import)
        last = level == depth - 1
        for call in range(times):
            function.node.add(
                op_type="Relu" if last else f"f{level + 1}",
                domain="" if last else "local",
                input=["x" if call == 0 else f"t{call}"],
                output=["y" if call == times - 1 else f"t{call + 1}"],
            )
    return proto


def test_functions_that_would_fill_the_memory_are_not_followed() -> None:
    assert run(calls(3, times=2)).values["y"].shape == (2, 2)
    assert reasons(price(calls(40, times=2))) == [
        ("local::f0", "functions of more than 100,000 nodes")
    ]


def test_functions_that_call_each_other_deep_are_followed_or_named() -> None:
    assert reasons(price(calls(MAX_CALL_DEPTH, times=1))) == []
    told = [("local::f0", f"functions more than {MAX_CALL_DEPTH} deep")]
    assert reasons(price(calls(MAX_CALL_DEPTH + 1, times=1))) == told


def test_sequences_do_not_stop_it() -> None:
    text = """g (float[2,3] x, float[3,4] w) => (float[] y) <int64 zero = {0}> {
        s = SequenceConstruct(x, x) e = SequenceAt(s, zero) z = MatMul(e, w)
        n = SequenceLength(s) o = SequenceInsert(s, x) c = ConcatFromSequence<axis = 0>(o)
        y = MatMul(x, w)
    }"""
    found = price(text)
    assert found.macs["MatMul"] >= 2 * 3 * 4
    assert {reason for _, reason in reasons(found)} <= {"shape not known", "shape depends on data"}


def test_a_sequence_that_a_loop_carries_does_not_stop_it() -> None:
    text = """g (float[2,3] x) => (float[] y) <int64 n = {3}, bool c = {1}> {
        empty = SequenceEmpty()
        s = Loop (n, c, empty) <body = b (int64 i, bool go, seq(float[2,3]) r)
            => (bool on, seq(float[2,3]) t) { on = Identity(go) t = SequenceInsert(r, x) }>
        y = ConcatFromSequence<axis = 0>(s)
    }"""
    assert run(text).values["y"].full_shape is None


def test_optional_inputs_that_are_left_out_stay_out() -> None:
    text = 'g (float[2,3] x, float m) => (float[] y) { y = Clip(x, "", m) }'
    (step,) = run(text).nodes
    assert step.inputs[1] is None
    assert shape(text) == (2, 3)


def test_sparse_initializers_have_the_shape_of_the_dense_tensor() -> None:
    proto = model("g (float[2,3] x) => (float[] y) { y = MatMul(x, w) }")
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [7.0])
    indices = helper.make_tensor("", TensorProto.INT64, [1], [5])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3, 4]))
    assert price(proto).macs == {"MatMul": 2 * 3 * 4}


def test_an_initializer_may_be_an_input_too() -> None:
    """Before IR version 4 every initializer was."""
    proto = model("g (float[2,3] x, float[3,4] w) => (float[] y) { y = MatMul(x, w) }")
    proto.graph.initializer.append(helper.make_tensor("w", TensorProto.FLOAT, [3, 4], [0.0] * 12))
    assert price(proto).macs == {"MatMul": 2 * 3 * 4}


@pytest.mark.parametrize(
    ("versions", "ir_version"),
    [([], 10), ([-3], 10), ([0], 10), ([1 << 40], 10), ([21], 1 << 40), ([21], -1)],
    ids=["no opset", "negative", "zero", "no such opset", "no such IR", "negative IR"],
)
def test_versions_that_do_not_exist_do_not_stop_it(versions: list[int], ir_version: int) -> None:
    proto = model("g (float[2,3] x, float[3,4] w) => (float[] y) { y = MatMul(x, w) }")
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.OperatorSetIdProto(domain="", version=v) for v in versions)
    proto.ir_version = ir_version
    assert run(proto).values["x"].shape == (2, 3)


@pytest.mark.parametrize(
    "node",
    [
        "Relu()",
        "Relu(x, x, x)",
        "Conv(x)",
        "NoSuchOperator(x)",
        "Concat(x)",
        "Shape()",
        "Abs(gone)",
    ],
)
def test_a_damaged_node_leaves_its_output_unknown(node: str) -> None:
    assert shape(f"g (float[2,3] x) => (float[] y) {{ y = {node} }}") is None


def test_a_negative_size_is_unknown() -> None:
    proto = model("g (float[2,3] x, float[3,4] w) => (float[] y) { y = MatMul(x, w) }")
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert run(proto).values["y"].shape == (None, 4)
    assert reasons(price(proto)) == [("MatMul", "shape depends on data")]


def test_sizes_beyond_64_bits_are_unknown_and_never_negative() -> None:
    text = """g (float[A, B] x) => (float[] y) <int64[1] minus = {-1}> {
        f = Reshape(x, minus) y = MatMul(f, f)
    }"""
    found = price(text, {"A": 10**12, "B": 10**12})
    assert all(macs >= 0 for macs in found.macs.values())
    assert found.peak_activation_bytes >= 4 * 10**24


def test_the_model_is_not_touched() -> None:
    proto = model(
        f"g (float[2,3] x, float[3,3] w) => (float[] y) {{ y = local.twice(x, w) }} {FUNCTION}"
    )
    before = proto.SerializeToString(deterministic=True)
    run(proto)
    assert proto.SerializeToString(deterministic=True) == before


def test_a_size_limit_is_for_the_inlined_model(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = "g (float[2,3] x, float[3,3] w) => (float[] y) { y = local.twice(x, w) }"
    text = f"{graph} {FUNCTION}"
    monkeypatch.setattr(propagation, "MAX_INLINED_NODES", 2)
    assert price(text).total_macs == 2 * (2 * 3 * 3)
    monkeypatch.setattr(propagation, "MAX_INLINED_NODES", 1)
    assert reasons(price(text)) == [("local::twice", "functions of more than 1 nodes")]

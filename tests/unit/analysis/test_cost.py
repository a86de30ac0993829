"""The cost of one run, against sums worked out by hand."""

from __future__ import annotations

import pytest
from onnx import TensorProto

from onnxtool.analysis.cost import NodeMacs, Refusal, Unresolved
from onnxtool.errors import UsageError
from tests.support.models import model
from tests.unit.analysis.priced import price, reasons, sample

# --- Multiply-accumulates ------------------------------------------------------------------------


def test_operators_stand_with_the_largest_first() -> None:
    found = price(
        """g (float[2,3] x, float[3,4] w, float[1,2,9] c, float[8,2,3] k) => (float[] y) {
            a = MatMul(x, w) y = Conv(c, k) b = MatMul(a, a_transposed) a_transposed = Transpose(a)
        }"""
    )
    assert list(found.macs.items()) == [("Conv", 7 * 8 * 6), ("MatMul", 2 * 3 * 4 + 2 * 4 * 2)]
    assert found.total_macs == 336 + 24 + 16


def test_each_node_comes_with_its_own() -> None:
    found = price(
        """g (float[2,3] x, float[3,4] w) => (float[] y) {
            [first] a = MatMul(x, w) b = Relu(a) t = Transpose(b) [second] y = MatMul(b, t)
        }"""
    )
    assert [(counted.node, counted.macs) for counted in found.node_macs] == [
        ("first", 24),
        ("second", 16),
    ]


def test_a_node_without_a_name_is_known_by_what_it_makes() -> None:
    found = price("g (float[2] x) => (float[] y) { y, z = custom.Magic(x) }")
    assert found.unresolved == (Unresolved("y/z", "custom::Magic", "custom operator"),)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ("float[] x", "shape not known"),
        ("float[2,5] x", "inputs do not fit the operator"),
    ],
)
def test_says_why_a_node_is_not_counted(inputs: str, reason: str) -> None:
    text = f"g ({inputs}, float[3,4] w) => (float[] y) {{ y = MatMul(x, w) }}"
    assert reasons(price(text)) == [("MatMul", reason)]


TABLE = """g (float[1,T,4] x, float[1,7,4] table, float[4,5] w) => (float[] z) {
    ["/pos/Add"] a = Add(x, table) b = Relu(a) ["/out/MatMul"] z = MatMul(b, w)
}"""


def test_a_node_whose_inputs_do_not_fit_is_named_with_their_shapes() -> None:
    found = price(TABLE, {"T": 8})
    assert found.refusals == (Refusal("/pos/Add", "Add", ((1, 8, 4), (1, 7, 4))),)
    (gap,) = found.unresolved
    assert gap == Unresolved("/out/MatMul", "MatMul", "shape not known after /pos/Add")


def test_inputs_that_fit_are_no_refusal() -> None:
    assert price(TABLE, {"T": 7}).refusals == price(TABLE, {"T": 1}).refusals == ()


def test_what_is_lost_is_lost_for_sizes_too() -> None:
    text = TABLE.replace("Relu(a)", "Reshape(a, to)").replace(
        ") {", ") <int64[3] to = {1, -1, 4}> {", 1
    )
    (gap,) = price(text, {"T": 8}).unresolved
    assert gap.reason == "shape not known after /pos/Add"


def test_inputs_of_unknown_size_are_not_refused() -> None:
    text = TABLE.replace("float[1,7,4] table", "float[1,?,4] free").replace(
        "a = Add(x, table)", "k = NonZero(free) a = Add(x, k)"
    )
    assert price(text, {"T": 8}).refusals == ()


BRANCH = """g (bool c, float[T] x, float[7] table) => (float[] y) {
    y = If (c) <then_branch = t () => (float[] o) { o = Add(x, table) },
                else_branch = e () => (float[] p) { p = Neg(x) }>
}"""


def test_a_branch_refuses_only_if_it_is_taken() -> None:
    assert [refusal.node for refusal in price(BRANCH, {"T": 8, "c": 1}).refusals] == ["o"]
    assert price(BRANCH, {"T": 8, "c": 0}).refusals == ()
    assert price(BRANCH, {"T": 8}).refusals == ()


# --- Sizes ---------------------------------------------------------------------------------------


def test_says_which_sizes_were_given_and_which_assumed() -> None:
    found = price("g (float[B, 80, T] x, float[U] z) => (float[] y) { y = Relu(x) }", {"T": 7})
    assert (found.sizes, found.assumed) == ({"T": 7}, {"B": 1, "U": 1})
    assert found.outputs == (("y", (1, 80, 7)),)


def test_a_length_as_long_as_the_audio_is_an_assumption() -> None:
    assert sample("encoder.onnx", time=100).assumed == {"batch": 1, "length": 100}


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(UsageError, match="the size of `T` is -1"):
        price("g (float[T] x) => (float[] y) { y = Relu(x) }", {"T": -1})


def test_an_empty_axis_costs_nothing() -> None:
    text = """g (float[P,3] cache, float[3,4] w) => (float[] y, float[P,3] cache_out) {
        y = MatMul(cache, w) cache_out = Identity(cache)
    }"""
    assert price(text, {"P": 0}).macs == {"MatMul": 0}


# --- Memory --------------------------------------------------------------------------------------


def peak(text: str, **at: int) -> tuple[int, str]:
    found = price(text, at)
    assert found.unsized == 0
    return found.peak_activation_bytes, found.peak_at


def test_a_chain_holds_what_a_node_takes_and_gives() -> None:
    """10 floats, then 20, 40 and 1: the most is at `b`, which takes 80 bytes and gives 160."""
    text = """g (float[10] x) => (float[] c) {
        [a] a = Concat<axis = 0>(x, x)
        [b] b = Concat<axis = 0>(a, a)
        [c] c = ReduceSum(b)
    }"""
    assert peak(text) == (80 + 160, "b")


def test_a_diamond_holds_both_sides() -> None:
    text = """g (float[10] x) => (float[] y) {
        [a] a = Relu(x) [b] b = Neg(x) [y] y = Add(a, b)
    }"""
    assert peak(text) == (3 * 40, "b")


def test_what_is_read_again_later_stays() -> None:
    text = """g (float[10] x) => (float[] y) {
        [a] a = Relu(x) [b] b = Relu(a) [c] c = Relu(b) [y] y = Add(c, x)
    }"""
    assert peak(text) == (3 * 40, "b")


def test_inputs_count_from_the_start_even_if_read_late() -> None:
    text = """g (float[10] x, float[1000] late) => (float[] z) {
        [a] a = Relu(x) [b] b = ReduceSum(late) [z] z = Add(a, b)
    }"""
    assert peak(text) == (4000 + 40 + 40, "a")


def test_outputs_stay_to_the_end() -> None:
    """`a` is 40 bytes, `b` 80, `c` 160; without `a` as an output, 240 would be the most."""
    text = """g (float[10] x) => (float[10] a, float[] c) {
        [a] a = Relu(x) [b] b = Concat<axis = 0>(a, a) [c] c = Concat<axis = 0>(b, b)
    }"""
    assert peak(text) == (40 + 80 + 160, "c")
    assert peak(text.replace("float[10] a, ", "")) == (80 + 160, "c")


@pytest.mark.parametrize(
    "node",
    ["Identity(x)", "Reshape(x, shape)", "Squeeze(x)", "Unsqueeze(x, zero)", "Flatten(x)"],
    ids=lambda node: node.partition("(")[0],
)
def test_a_view_takes_no_memory_and_keeps_what_it_shows(node: str) -> None:
    text = f"""g (float[1,10] x) => (float[] z) <int64[1] shape = {{10}}, int64[1] zero = {{0}}> {{
        [v] v = {node} [a] a = Relu(v) [z] z = Add(a, v)
    }}"""
    assert peak(text) == (3 * 40, "z")


def test_a_copy_takes_memory() -> None:
    text = "g (float[2,5] x) => (float[] z) { [t] t = Transpose(x) [z] z = Relu(t) }"
    assert peak(text) == (2 * 40, "t")


def test_weights_and_constants_are_no_activations() -> None:
    text = """g (float[1,2] x) => (float[] y) <float[2,2] w = {1, 2, 3, 4}> {
        c = Constant<value = float[2] {1, 2}>() [m] m = MatMul(x, w) [y] y = Add(m, c)
    }"""
    assert peak(text) == (2 * 8, "m")


def test_a_node_without_a_name_is_told_by_its_operator() -> None:
    assert peak("g (float[1] x) => (float[] y) { y = Relu(x) }") == (8, "Relu")


def test_types_under_a_byte_are_packed() -> None:
    proto = model("g (uint4[3] x) => (uint4[3] y) { y = Identity(x) }")
    proto.graph.node.add(op_type="Cast", input=["y"], output=["z"]).attribute.add(
        name="to", type=2, i=TensorProto.UINT8
    )
    assert price(proto).peak_activation_bytes == 2 + 3


def test_a_branch_comes_on_top_of_what_is_around_it() -> None:
    """100 bytes of input, the 4 of the result, and the most of what the branch makes."""
    text = """g (bool c, float[24] x) => (float[] y) {
        [if] y = If (c)
            <then_branch = t () => (float[] o) {
                [a] a = Concat<axis = 0>(x, x) [o] o = ReduceSum<keepdims = 0>(a) },
             else_branch = e () => (float[] p) { [p] p = ReduceSum<keepdims = 0>(x) }>
    }"""
    assert peak(text, c=1) == (1 + 96 + 4 + 192 + 4, "o")
    assert peak(text, c=0) == (1 + 96 + 4 + 4, "p")


def test_what_a_branch_reads_is_held_until_then() -> None:
    text = """g (bool c, float[10] x) => (float[] y) {
        [a] a = Concat<axis = 0>(x, x)
        [b] b = Concat<axis = 0>(x, x, x, x)
        [d] d = ReduceSum(b)
        [if] y = If (c) <then_branch = t () => (float[] o) { [o] o = Add(a, d) },
                         else_branch = e () => (float[] p) { [p] p = Neg(d) }>
    }"""
    # The switch, x, a and b; the other branch does not read a.
    assert peak(text, c=1) == (1 + 40 + 80 + 160, "b")
    assert peak(text, c=0) == (1 + 40 + 160, "b")


def test_values_of_unknown_size_are_counted_apart() -> None:
    text = """g (float[10] x, float[] free) => (float[] y) {
        [k] k = NonZero(x) [t] t = Transpose(k) [y] y = Relu(x)
    }"""
    found = price(text)
    assert (found.peak_activation_bytes, found.unsized) == (80, 3)


def test_strings_have_no_size() -> None:
    found = price("g (string[4] x) => (string[4] y) { y = Identity(x) }")
    assert (found.peak_activation_bytes, found.unsized) == (0, 1)


def test_weight_bytes_are_those_of_the_model() -> None:
    text = """g (float[1,2] x) => (float[] y) <float[2,2] w = {1, 2, 3, 4}> {
        c = Constant<value = int64[2] {1, 2}>() y = MatMul(x, w)
    }"""
    assert price(text).weight_bytes == 16 + 16


def test_a_result_is_made_of_values_that_cannot_change() -> None:
    text = "g (float[2,3] x, float[3,4] w) => (float[2,4] y) { [m] y = MatMul(x, w) }"
    found = price(text)
    assert found == price(text)
    assert hash(found) == hash(price(text))
    assert found.node_macs == (NodeMacs("m", "MatMul", (), 24),)
    assert "node_macs" not in repr(found)

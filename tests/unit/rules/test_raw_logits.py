"""J001: six normalized joints are told from the raw one, wherever the softmax hides."""

from __future__ import annotations

import onnx
import pytest

from onnxtool.model.signature import signature
from onnxtool.rules.answer import Problem
from onnxtool.rules.joint.raw_logits import normalized_joint_output
from onnxtool.rules.subject import GraphSubject, Settings
from tests.support.joints import LOG_SOFTMAX, NORMALIZED, RAW, joint
from tests.support.models import view


def problems(proto: onnx.ModelProto) -> list[Problem]:
    model = view(proto)
    assert normalized_joint_output.on_graph
    subject = GraphSubject("joint.onnx", model, signature(model), Settings())
    return list(normalized_joint_output.on_graph(subject))


def test_raw_logits_are_not_reported() -> None:
    assert problems(joint(RAW)) == []


LAST = "last = Constant <value = int64[1] {-1}> ()"
ONE_SUM = f"{LAST} s = ReduceLogSumExp(logits, last)"
STILL_RAW = {
    "added": f"{ONE_SUM} joint_output = Add(logits, s)",
    "subtracted and added": f"{ONE_SUM} normal = Sub(logits, s) joint_output = Add(normal, s)",
    "colder": """
        temperature = Constant <value = float {1.5}> ()
        joint_output = Div(logits, temperature)
    """,
    "less the maximum": f"""
        {LAST}
        highest = ReduceMax(logits, last)
        joint_output = Sub(logits, highest)
    """,
    "less the mean": f"""
        {LAST}
        mean = ReduceMean(logits, last)
        joint_output = Sub(logits, mean)
    """,
    "of length one": "joint_output = LpNormalization <axis = -1, p = 2> (logits)",
    "of length one, in parts": f"""
        {LAST}
        length = ReduceL2(logits, last)
        joint_output = Div(logits, length)
    """,
    "of variance one": f"""
        {LAST}
        mean = ReduceMean(logits, last)
        centered = Sub(logits, mean)
        squares = Mul(centered, centered)
        variance = ReduceMean(squares, last)
        deviation = Sqrt(variance)
        joint_output = Div(centered, deviation)
    """,
    "exponentials": "joint_output = Exp(logits)",
    "exponentials by the largest": f"""
        {LAST}
        exponentials = Exp(logits)
        highest = ReduceMax(exponentials, last)
        joint_output = Div(exponentials, highest)
    """,
    "probabilities by the largest": f"""
        {LAST}
        probabilities = Softmax <axis = -1> (logits)
        highest = ReduceMax(probabilities, last)
        joint_output = Div(probabilities, highest)
    """,
    "the sum of others": f"""
        {LAST}
        highest = ReduceMax(logits, last)
        shifted = Sub(logits, highest)
        total = ReduceLogSumExp(shifted, last)
        joint_output = Sub(logits, total)
    """,
    "the sum of colder ones": f"""
        {LAST}
        temperature = Constant <value = float {{1.5}}> ()
        cooled = Div(logits, temperature)
        total = ReduceLogSumExp(cooled, last)
        joint_output = Sub(logits, total)
    """,
    "the sum with a prior": f"""
        {LAST}
        prior = Constant <value = float[7] {{1, 2, 1, 1, 1, 1, 1}}> ()
        weighted = Add(logits, prior)
        total = ReduceLogSumExp(weighted, last)
        joint_output = Sub(logits, total)
    """,
    "the sum of a mixture": """
        weights = Constant <value = float[7, 1] {1, 2, 1, 1, 1, 1, 1}> ()
        exponentials = Exp(logits)
        sum = MatMul(exponentials, weights)
        joint_output = Div(exponentials, sum)
    """,
    "sigmoid": "joint_output = Sigmoid(logits)",
    "softplus": "joint_output = Softplus(logits)",
    "log-sigmoid": """
        less = Neg(logits)
        positive = Softplus(less)
        joint_output = Neg(positive)
    """,
    "sigmoid in parts": """
        one = Constant <value = float {1}> ()
        less = Neg(logits)
        exponentials = Exp(less)
        sum = Add(exponentials, one)
        joint_output = Reciprocal(sum)
    """,
    "attention": """
        sixth = Constant <value = float {0.1}> ()
        some = Mul(logits, sixth)
        attention = Softmax <axis = -1> (some)
        joint_output = Mul(attention, logits)
    """,
    "a softmax in a branch that is never taken": """
        no = Constant <value = bool {0}> ()
        joint_output = If(no) <
            then_branch = yes () => (inner) { inner = LogSoftmax <axis = -1> (logits) },
            else_branch = other () => (raw) { raw = Identity(logits) }
        >
    """,
    "padded heads that overlap": """
        sizes = Constant <value = int64[2] {5, 2}> ()
        tokens, durations = Split <axis = -1> (logits, sizes)
        normal = LogSoftmax <axis = -1> (tokens)
        after = Constant <value = int64[8] {0, 0, 0, 0, 0, 0, 0, 2}> ()
        left = Pad(normal, after)
        before = Constant <value = int64[8] {0, 0, 0, 4, 0, 0, 0, 1}> ()
        right = Pad(durations, before)
        joint_output = Add(left, right)
    """,
    "a penalty": """
        probabilities = Softmax <axis = -1> (logits)
        joint_output = Add(logits, probabilities)
    """,
}


@pytest.mark.parametrize("tail", STILL_RAW.values(), ids=STILL_RAW.keys())
def test_what_only_looks_like_a_softmax_is_not_reported(tail: str) -> None:
    proto = joint(tail)
    onnx.checker.check_model(proto)
    assert problems(proto) == []


def test_a_negative_sum_that_is_added_normalizes() -> None:
    tail = """s = ReduceLogSumExp <axes = [-1]> (logits) n = Neg(s)
        joint_output = Add(logits, n)"""
    assert problems(joint(tail))


@pytest.mark.parametrize("tail", NORMALIZED.values(), ids=NORMALIZED.keys())
def test_every_normalized_joint_is_reported(tail: str) -> None:
    found = problems(joint(tail))
    assert found
    for problem in found:
        assert problem.message.startswith("`joint_output` is normalized over axis 3")
        assert problem.location == "joint_output"


def test_heads_are_told_by_their_place_in_the_output() -> None:
    first, second = problems(joint(NORMALIZED["per-head"]))
    assert "head [0, 5)" in first.message
    assert "head [5, 7)" in second.message
    assert second.message.endswith("Softmax at `main:Softmax:duration_probabilities`")


def test_a_head_of_unknown_size_is_told_by_its_place() -> None:
    tail = """
        sizes = Constant <value = int64[2] {5, 2}> ()
        tokens, durations = Split <axis = -1> (logits, sizes)
        normal = LogSoftmax <axis = -1> (durations)
        shape = Shape(tokens)
        some = local.Anything(tokens, shape)
        joint_output = Concat <axis = -1> (some, normal)
    """
    (problem,) = problems(joint(tail))
    assert "over axis 3, input 1 of `main:Concat:joint_output`: LogSoftmax" in problem.message


MOVED = {
    "cast": """
        half = Cast <to = 10> (logits)
        normal = LogSoftmax <axis = -1> (half)
        joint_output = Cast <to = 1> (normal)
    """,
    "transposed": """
        moved = Transpose <perm = [0, 3, 1, 2]> (logits)
        normal = LogSoftmax <axis = 1> (moved)
        joint_output = Transpose <perm = [0, 2, 3, 1]> (normal)
    """,
    "scaled": """
        scale = Constant <value = float {0.5}> ()
        normal = LogSoftmax (logits)
        joint_output = Mul(scale, normal)
    """,
    "shifted": """
        prior = Constant <value = float[7] {1, 1, 1, 1, 1, 1, 1}> ()
        normal = LogSoftmax (logits)
        joint_output = Sub(normal, prior)
    """,
    "divided": """
        last = Constant <value = int64[1] {-1}> ()
        exponentials = Exp(logits)
        sum = ReduceSum(exponentials, last)
        joint_output = Div(exponentials, sum)
    """,
    "times the reciprocal": """
        last = Constant <value = int64[1] {-1}> ()
        exponentials = Exp(logits)
        sum = ReduceSum(exponentials, last)
        share = Reciprocal(sum)
        joint_output = Mul(share, exponentials)
    """,
    "maximum added again": """
        last = Constant <value = int64[1] {-1}> ()
        highest = ReduceMax(logits, last)
        shifted = Sub(logits, highest)
        exponentials = Exp(shifted)
        sum = ReduceSum(exponentials, last)
        logarithm = Log(sum)
        total = Add(highest, logarithm)
        joint_output = Sub(logits, total)
    """,
    "reshaped": """
        shape = Constant <value = int64[4] {0, 0, 0, 7}> ()
        last = Constant <value = int64[1] {-1}> ()
        total = ReduceLogSumExp(logits, last)
        negative = Neg(total)
        normal = Add(negative, logits)
        joint_output = Reshape(normal, shape)
    """,
    "in a branch": """
        yes = Constant <value = bool {1}> ()
        joint_output = If(yes) <
            then_branch = yes () => (inner) { inner = LogSoftmax <axis = -1> (logits) },
            else_branch = no () => (other) { other = Identity(logits) }
        >
    """,
    "before a branch": """
        yes = Constant <value = bool {1}> ()
        normal = LogSoftmax <axis = -1> (logits)
        joint_output = If(yes) <
            then_branch = yes () => (inner) { inner = Identity(normal) },
            else_branch = no () => (other) { other = Identity(logits) }
        >
    """,
    "in a loop": """
        yes = Constant <value = bool {1}> ()
        once = Constant <value = int64 {1}> ()
        joint_output = Loop(once, yes, logits) <
            body = step (int64 i, bool go, float[B, T, U, 7] state)
                => (bool still, float[B, T, U, 7] next)
                { still = Identity(go)  next = LogSoftmax <axis = -1> (state) }
        >
    """,
}


@pytest.mark.parametrize("tail", MOVED.values(), ids=MOVED.keys())
def test_what_stands_between_a_softmax_and_the_output_does_not_hide_it(tail: str) -> None:
    proto = joint(tail)
    onnx.checker.check_model(proto)
    assert len(problems(proto)) == 1


EXPONENTIALS = "exponentials = Exp(logits)"
HEADS = """
    sizes = Constant <value = int64[2] {5, 2}> ()
    tokens, durations = Split <axis = -1> (logits, sizes)
"""
# However the sum is taken, or the two are put together.
SPELLED = {
    "product with ones": f"""
        ones = Constant <value = float[7, 1] {{1, 1, 1, 1, 1, 1, 1}}> ()
        {EXPONENTIALS}
        sum = MatMul(exponentials, ones)
        joint_output = Div(exponentials, sum)
    """,
    "product with ones that are made": f"""
        shape = Constant <value = int64[2] {{7, 1}}> ()
        ones = ConstantOfShape <value = float[1] {{1}}> (shape)
        {EXPONENTIALS}
        sum = MatMul(exponentials, ones)
        total = Log(sum)
        joint_output = Sub(logits, total)
    """,
    "einsum": f"""
        {EXPONENTIALS}
        sum = Einsum <equation = "btuv->btu"> (exponentials)
        {LAST}
        kept = Unsqueeze(sum, last)
        joint_output = Div(exponentials, kept)
    """,
    "einsum with ones": f"""
        ones = Constant <value = float[7] {{1, 1, 1, 1, 1, 1, 1}}> ()
        {EXPONENTIALS}
        sum = Einsum <equation = "...v, v -> ..."> (exponentials, ones)
        {LAST}
        kept = Unsqueeze(sum, last)
        joint_output = Div(exponentials, kept)
    """,
    "mean times n": f"""
        {LAST}
        n = Constant <value_float = 7.0> ()
        {EXPONENTIALS}
        mean = ReduceMean(exponentials, last)
        sum = Mul(mean, n)
        joint_output = Div(exponentials, sum)
    """,
    "mean times a size": f"""
        {LAST}
        shape = Shape(logits)
        three = Constant <value_int = 3> ()
        size = Gather(shape, three)
        n = Cast <to = 1> (size)
        {EXPONENTIALS}
        mean = ReduceMean(exponentials, last)
        sum = Mul(n, mean)
        joint_output = Div(exponentials, sum)
    """,
    "norm": f"""
        {EXPONENTIALS}
        joint_output = LpNormalization <axis = -1, p = 1> (exponentials)
    """,
    "sum of absolutes": f"""
        {LAST}
        {EXPONENTIALS}
        sum = ReduceL1(exponentials, last)
        joint_output = Div(exponentials, sum)
    """,
    "sum of squares": f"""
        {LAST}
        half = Constant <value = float {{0.5}}> ()
        halved = Mul(logits, half)
        roots = Exp(halved)
        sum = ReduceSumSquare(roots, last)
        squares = Mul(roots, roots)
        joint_output = Div(squares, sum)
    """,
    "norm of roots": f"""
        {LAST}
        half = Constant <value = float {{0.5}}> ()
        two = Constant <value = float {{2}}> ()
        halved = Mul(logits, half)
        roots = Exp(halved)
        length = ReduceL2(roots, last)
        some = Div(roots, length)
        joint_output = Pow(some, two)
    """,
    "reciprocal": "p = Softmax <axis = -1> (logits)  joint_output = Reciprocal(p)",
    "logarithm": "p = Softmax <axis = -1> (logits)  joint_output = Log(p)",
    "logarithm of more than nothing": """
        p = Softmax <axis = -1> (logits)
        epsilon = Constant <value = float {1e-9}> ()
        some = Add(p, epsilon)
        joint_output = Log(some)
    """,
    "sum of more than nothing": f"""
        {LAST}
        epsilon = Constant <value = float {{1e-9}}> ()
        {EXPONENTIALS}
        sum = ReduceSum(exponentials, last)
        some = Add(sum, epsilon)
        joint_output = Div(exponentials, some)
    """,
    "negative": "p = LogSoftmax <axis = -1> (logits)  joint_output = Neg(p)",
    "turned around": f"{ONE_SUM}  joint_output = Sub(s, logits)",
    "powers of two": f"""
        {LAST}
        two = Constant <value = float {{2}}> ()
        powers = Pow(two, logits)
        sum = ReduceSum(powers, last)
        joint_output = Div(powers, sum)
    """,
    "powers of e, in logarithms": f"""
        {LAST}
        e = Constant <value = float {{2.718281828}}> ()
        powers = Pow(e, logits)
        total = ReduceLogSum(powers, last)
        joint_output = Sub(logits, total)
    """,
    "maximum from another node": f"""
        {LAST}
        highest = ReduceMax(logits, last)
        again = ReduceMax(logits, last)
        shifted = Sub(logits, highest)
        others = Sub(logits, again)
        exponentials = Exp(others)
        sum = ReduceSum(exponentials, last)
        total = Log(sum)
        joint_output = Sub(shifted, total)
    """,
    "sum of one branch": f"""
        {LAST}
        many = Shape(encoder_output)
        some = ReduceMax <keepdims = 0> (many)
        ten = Constant <value = int64 {{10}}> ()
        is_long = Greater(some, ten)
        total = If(is_long) <
            then_branch = yes () => (inner) {{ inner = ReduceLogSumExp(logits, last) }},
            else_branch = no () => (nothing) {{
                nothing = Constant <value = float[1, 1, 1, 1] {{0}}> ()
            }}
        >
        joint_output = Sub(logits, total)
    """,
    "varying temperature": f"""
        {LAST}
        temperature = ReduceMax <keepdims = 1> (hidden, last)
        cooled = Div(logits, temperature)
        total = ReduceLogSumExp(cooled, last)
        joint_output = Sub(cooled, total)
    """,
    "a prior in the sum as well": f"""
        {LAST}
        prior = Constant <value = float[7] {{1, 2, 1, 1, 1, 1, 1}}> ()
        weighted = Add(logits, prior)
        total = ReduceLogSumExp(weighted, last)
        joint_output = Sub(weighted, total)
    """,
    "quantized between": f"""
        {LAST}
        scale = Constant <value = float {{0.1}}> ()
        zero = Constant <value = int8 {{0}}> ()
        coarse = QuantizeLinear(logits, scale, zero)
        again = DequantizeLinear(coarse, scale, zero)
        total = ReduceLogSumExp(again, last)
        joint_output = Sub(logits, total)
    """,
    "convolution with ones": """
        moved = Transpose <perm = [0, 3, 1, 2]> (logits)
        exponentials = Exp(moved)
        shape = Constant <value = int64[4] {7, 7, 1, 1}> ()
        ones = ConstantOfShape <value = float[1] {1}> (shape)
        sums = Conv <kernel_shape = [1, 1]> (exponentials, ones)
        some = Div(exponentials, sums)
        joint_output = Transpose <perm = [0, 2, 3, 1]> (some)
    """,
}


@pytest.mark.parametrize("tail", SPELLED.values(), ids=SPELLED.keys())
def test_a_softmax_is_found_however_it_is_spelled(tail: str) -> None:
    proto = joint(tail)
    (problem,) = problems(proto)
    assert problem.message.startswith("`joint_output` is normalized")
    assert "head" not in problem.message


NORMAL = "normal = LogSoftmax <axis = -1> (tokens)"
# A normalized head of 5 tokens, and one of 2 durations that is not.
JOINED = {
    "concatenated": f"{HEADS} {NORMAL} joint_output = Concat <axis = -1> (normal, durations)",
    "padded and added": f"""
        {HEADS} {NORMAL}
        after = Constant <value = int64[8] {{0, 0, 0, 0, 0, 0, 0, 2}}> ()
        left = Pad(normal, after)
        before = Constant <value = int64[8] {{0, 0, 0, 5, 0, 0, 0, 0}}> ()
        right = Pad(durations, before)
        joint_output = Add(left, right)
    """,
    "masked and added": f"""
        {LAST}
        front = Constant <value = float[7] {{1, 1, 1, 1, 1, 0, 0}}> ()
        back = Constant <value = float[7] {{0, 0, 0, 0, 0, 1, 1}}> ()
        {EXPONENTIALS}
        some = Mul(exponentials, front)
        sum = ReduceSum(some, last)
        total = Log(sum)
        normal = Sub(logits, total)
        left = Mul(normal, front)
        right = Mul(logits, back)
        joint_output = Add(left, right)
    """,
    "written into": f"""
        {HEADS} {NORMAL}
        places = Constant <value = int64[1, 1, 1, 5] {{0, 1, 2, 3, 4}}> ()
        shape = Shape(tokens)
        indices = Expand(places, shape)
        joint_output = ScatterElements <axis = -1> (logits, indices, normal)
    """,
    "chosen by a mask": f"""
        {LAST}
        start = Constant <value = int64[1] {{0}}> ()
        stop = Constant <value = int64[1] {{5}}> ()
        mask = Constant <value = float[7] {{1, 1, 1, 1, 1, 0, 0}}> ()
        is_token = Cast <to = 9> (mask)
        head = Slice(logits, start, stop, last)
        total = ReduceLogSumExp(head, last)
        normal = Sub(logits, total)
        joint_output = Where(is_token, normal, logits)
    """,
}


@pytest.mark.parametrize("tail", JOINED.values(), ids=JOINED.keys())
def test_a_head_is_found_however_it_is_joined(tail: str) -> None:
    proto = joint(tail)
    onnx.checker.check_model(proto)
    (problem,) = problems(proto)
    assert "over axis 3, head [0, 5): " in problem.message


def test_both_heads_are_found_where_one_product_adds_up_each() -> None:
    rows = ", ".join(["1, 1, 1, 1, 1, 0, 0"] * 5 + ["0, 0, 0, 0, 0, 1, 1"] * 2)
    tail = f"""
        heads = Constant <value = float[7, 7] {{{rows}}}> ()
        {EXPONENTIALS}
        sums = MatMul(exponentials, heads)
        joint_output = Div(exponentials, sums)
    """
    (problem,) = problems(joint(tail))
    assert problem.message.endswith(
        "Div at `main:Div:joint_output`, with the sum that MatMul takes at `main:MatMul:sums`"
    )


def test_the_heads_sums_may_be_joined_and_taken_off_at_once() -> None:
    tail = f"""
        {HEADS} {LAST}
        upper = ReduceLogSumExp(tokens, last)
        lower = ReduceLogSumExp(durations, last)
        five = Constant <value = int64[4] {{1, 1, 1, 5}}> ()
        two = Constant <value = int64[4] {{1, 1, 1, 2}}> ()
        firsts = Expand(upper, five)
        seconds = Expand(lower, two)
        totals = Concat <axis = -1> (firsts, seconds)
        joint_output = Sub(logits, totals)
    """
    (problem,) = problems(joint(tail))
    assert "Sub at `main:Sub:joint_output`" in problem.message


def test_a_softmax_in_a_function_is_found_at_its_node() -> None:
    functions = """
        <domain: "local", opset_import: ["" : 20]>
        Normalize (x) => (y) { y = LogSoftmax <axis = -1> (x) }
    """
    (problem,) = problems(joint("joint_output = local.Normalize(logits)", functions))
    assert "`local::Normalize:LogSoftmax:y`" in problem.message


def test_a_function_that_passes_its_argument_on_does_not_hide_a_softmax() -> None:
    functions = """
        <domain: "local", opset_import: ["" : 20]>
        Hand (x) => (y) { y = Identity(x) }
    """
    tail = "normal = LogSoftmax(logits)  joint_output = local.Hand(normal)"
    (problem,) = problems(joint(tail, functions))
    assert "`main:LogSoftmax:normal`" in problem.message


ELSEWHERE = {
    "attention": """
        attention = Softmax <axis = -1> (each_symbol)
        mixed = Mul(attention, logits)
        narrow = Constant <value = float {2}> ()
        joint_output = Div(mixed, narrow)
    """,
    "another sum": """
        last = Constant <value = int64[1] {-1}> ()
        exponentials = Exp(hidden)
        sum = ReduceSum(exponentials, last)
        joint_output = Div(logits, sum)
    """,
}


@pytest.mark.parametrize("tail", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_softmax_of_something_else_is_not_reported(tail: str) -> None:
    assert problems(joint(tail)) == []


def test_the_axis_is_that_of_the_output() -> None:
    (problem,) = problems(joint(MOVED["transposed"]))
    assert "over axis 3" in problem.message
    assert problem.message.endswith("LogSoftmax at `main:LogSoftmax:normal`")


def test_a_softmax_over_the_wrong_axis_is_told() -> None:
    (problem,) = problems(joint(LOG_SOFTMAX.replace("-1", "1")))
    assert "over axis 1" in problem.message


def test_nodes_that_read_nothing_are_passed_over() -> None:
    proto = joint("joint_output = Sub(logits, total)")
    proto.graph.node.insert(0, onnx.helper.make_node("ReduceLogSumExp", [], ["total"]))
    assert problems(proto) == []


@pytest.mark.parametrize("dims", [(-1, -1), (3,), (1 << 40,), (7, -7)])
def test_a_damaged_constant_is_no_sum(dims: tuple[int, ...]) -> None:
    proto = joint(SPELLED["product with ones"])
    ones = next(node for node in proto.graph.node if node.output[0] == "ones")
    ones.attribute[0].t.dims[:] = dims
    assert problems(proto) == []


@pytest.mark.parametrize("operator", ["Add", "Mul", "Exp", "Concat", "Where", "ReduceLogSumExp"])
def test_no_chain_is_too_long(operator: str) -> None:
    proto = joint("joint_output = Identity(v300)")
    last = proto.graph.node.pop()
    before = "logits"
    for index in range(1, 301):
        count = {"Exp": 1, "ReduceLogSumExp": 1, "Where": 3}.get(operator, 2)
        proto.graph.node.add(op_type=operator, input=[before] * count, output=[f"v{index}"])
        before = f"v{index}"
    proto.graph.node.append(last)
    assert problems(proto) == []


def test_a_value_that_is_made_of_itself_ends() -> None:
    proto = joint("again = Add(logits, joint_output)  joint_output = Sub(again, logits)")
    assert problems(proto) == []

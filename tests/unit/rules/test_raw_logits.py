"""J001: six normalized joints are told from the raw one, wherever the softmax hides."""

from __future__ import annotations

import onnx
import pytest

from onnxtool.model.signature import signature
from onnxtool.rules.joint.raw_logits import normalized_joint_output
from onnxtool.rules.rule import Problem
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


STILL_RAW = {
    "added": "s = ReduceLogSumExp <axes = [-1]> (logits) joint_output = Add(logits, s)",
    "subtracted and added": """s = ReduceLogSumExp <axes = [-1]> (logits)
        normal = Sub(logits, s) joint_output = Add(normal, s)""",
}


@pytest.mark.parametrize("tail", STILL_RAW.values(), ids=STILL_RAW.keys())
def test_a_sum_that_is_added_normalizes_nothing(tail: str) -> None:
    assert problems(joint(tail)) == []


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

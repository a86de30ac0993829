"""J001, where a sigmoid has a part in it: a blank that is factored out, and shares of sigmoids."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from tests.support.joints import joint
from tests.support.models import write

LAST = "last = Constant <value = int64[1] {-1}> ()"
ONE = "one = Constant <value = float {1}> ()"
CUT = """
    sizes = Constant <value = int64[2] {6, 1}> ()
    labels, blank = Split <axis = -1> (logits, sizes)
"""
# As NeMo's HATJoint has it, and as it is exported.
BLANK = f"{CUT} {ONE} p = Sigmoid(blank) log_p = Log(p)"
REST = """
    again = Exp(log_p)
    rest = Sub(one, again)
    least = Constant <value = float {0.000001}> ()
    limited = Clip(rest, least)
    log_rest = Log(limited)
"""
TOKENS = "shares = LogSoftmax <axis = -1> (labels)"
HAT = f"{BLANK} {REST} {TOKENS} tokens = Add(log_rest, shares)"
JOIN = "joint_output = Concat <axis = -1> (tokens, log_p)"

NORMALIZED = {
    "NeMo's": f"{HAT} {JOIN}",
    "blank first": f"{HAT} joint_output = Concat <axis = 3> (log_p, tokens)",
    "log1p": f"""
        {BLANK} {TOKENS}
        negative = Neg(p)
        rest = Add(one, negative)
        log_rest = Log(rest)
        tokens = Add(shares, log_rest)
        {JOIN}""",
    "sigmoid of the negative": f"""
        {BLANK} {TOKENS}
        negative = Neg(blank)
        rest = Sigmoid(negative)
        log_rest = Log(rest)
        tokens = Add(shares, log_rest)
        {JOIN}""",
    "softplus": f"""
        {CUT} {TOKENS}
        softplus = Softplus(blank)
        log_rest = Neg(softplus)
        log_p = Add(blank, log_rest)
        negative = Neg(blank)
        other = Softplus(negative)
        logarithm = Neg(other)
        tokens = Add(shares, log_rest)
        joint_output = Concat <axis = -1> (tokens, logarithm)""",
    "less a softplus": f"""
        {BLANK} {TOKENS}
        softplus = Softplus(blank)
        tokens = Sub(shares, softplus)
        {JOIN}""",
    "probabilities": f"""
        {BLANK}
        rest = Sub(one, p)
        shares = Softmax <axis = -1> (labels)
        tokens = Mul(rest, shares)
        joint_output = Concat <axis = -1> (p, tokens)""",
    "the logarithm of all": f"""
        {BLANK}
        rest = Sub(one, p)
        shares = Softmax <axis = -1> (labels)
        tokens = Mul(rest, shares)
        all = Concat <axis = -1> (p, tokens)
        joint_output = Log(all)""",
    "shares of sigmoids": f"""
        {LAST}
        odds = Sigmoid(logits)
        sum = ReduceSum(odds, last)
        joint_output = Div(odds, sum)""",
    "shares of sigmoids, in logarithms": f"""
        {LAST}
        odds = Sigmoid(logits)
        logarithms = Log(odds)
        total = ReduceLogSumExp(logarithms, last)
        joint_output = Sub(logarithms, total)""",
}
RAW = {
    "a gate": "gate = Sigmoid(logits) joint_output = Mul(gate, logits)",
    "a highway": f"""
        {ONE}
        gate = Sigmoid(each_frame)
        rest = Sub(one, gate)
        left = Mul(gate, each_frame)
        right = Mul(rest, each_symbol)
        mixed = Add(left, right)
        joint_output = MatMul(mixed, weight)""",
    "a softmax in the gate": f"""
        {ONE}
        gate = Softmax <axis = -1> (logits)
        rest = Sub(one, gate)
        joint_output = Mul(rest, logits)""",
    "raw tokens, a blank's sigmoid": f"""
        {BLANK} {REST}
        tokens = Add(log_rest, labels)
        {JOIN}""",
    "raw tokens, a raw blank, one penalty": f"""
        {BLANK} {REST}
        tokens = Add(log_rest, labels)
        joint_output = Concat <axis = -1> (tokens, blank)""",
    "a sigmoid for each": f"""
        {CUT} {ONE}
        left = Sigmoid(labels)
        p = Sigmoid(blank)
        right = Sub(one, p)
        joint_output = Concat <axis = -1> (left, right)""",
    "shares of another axis": f"""
        {BLANK} {REST}
        shares = LogSoftmax <axis = 1> (labels)
        tokens = Add(log_rest, shares)
        {JOIN}""",
    "twice the same": f"""
        {BLANK} {TOKENS}
        tokens = Add(log_p, shares)
        {JOIN}""",
    "a softplus less the shares": f"""
        {BLANK} {TOKENS}
        softplus = Softplus(blank)
        tokens = Sub(softplus, shares)
        {JOIN}""",
    "sigmoids of another height": f"""
        {BLANK} {TOKENS}
        others = Sub(one, blank)
        rest = Sigmoid(others)
        log_rest = Log(rest)
        tokens = Add(log_rest, shares)
        {JOIN}""",
    "colder shares": f"""
        {BLANK} {REST} {TOKENS}
        half = Constant <value = float {{0.5}}> ()
        cold = Mul(shares, half)
        tokens = Add(log_rest, cold)
        {JOIN}""",
    # A factorized transducer: what is added up are scores again.
    "a factored vocabulary": f"""
        {CUT} {TOKENS}
        lower = Tanh(labels)
        others = LogSoftmax <axis = -1> (lower)
        tokens = Add(shares, others)
        joint_output = Concat <axis = -1> (tokens, blank)""",
}


def checked(folder: Path, tail: str) -> CheckReport:
    return check(write(folder / "joint.onnx", joint(tail)), select=["J001"])


@pytest.mark.parametrize("tail", NORMALIZED.values(), ids=NORMALIZED)
def test_what_adds_up_to_one_is_found(tail: str, tmp_path: Path) -> None:
    (finding,) = checked(tmp_path, tail).findings
    assert finding.message.startswith("`joint_output` is normalized over axis 3: ")


@pytest.mark.parametrize("tail", RAW.values(), ids=RAW)
def test_what_does_not_is_not(tail: str, tmp_path: Path) -> None:
    assert not checked(tmp_path, tail).findings

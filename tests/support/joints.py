"""Seven joints that differ in their last nodes only: one gives raw logits, six do not.

Each takes `encoder_output` [B, 4, T] and `predictor_output` [B, 4, U] and gives `joint_output`
[B, T, U, 7]: 4 tokens and the blank, then 2 durations.
"""

from __future__ import annotations

import onnx

from tests.support.models import parse

WIDTH, TOKENS, DURATIONS = 4, 5, 2
SIZE = TOKENS + DURATIONS
# Irregular, so that no two outputs are alike.
_WEIGHT = ", ".join(f"{(7 * i * i + 3 * i) % 19 / 6 - 1.5:.4f}" for i in range(WIDTH * SIZE))

RAW = "joint_output = Identity(logits)"
LOG_SOFTMAX = "joint_output = LogSoftmax <axis = -1> (logits)"
SOFTMAX_LOG = """
    probabilities = Softmax <axis = -1> (logits)
    joint_output = Log(probabilities)
"""
LOG_SUM_EXP = """
    last = Constant <value = int64[1] {-1}> ()
    total = ReduceLogSumExp <keepdims = 1> (logits, last)
    joint_output = Sub(logits, total)
"""
DECOMPOSED = """
    last = Constant <value = int64[1] {-1}> ()
    highest = ReduceMax <keepdims = 1> (logits, last)
    shifted = Sub(logits, highest)
    exponentials = Exp(shifted)
    sum = ReduceSum <keepdims = 1> (exponentials, last)
    total = Log(sum)
    joint_output = Sub(shifted, total)
"""
PER_HEAD = f"""
    sizes = Constant <value = int64[2] {{{TOKENS}, {DURATIONS}}}> ()
    tokens, durations = Split <axis = -1> (logits, sizes)
    token_probabilities = Softmax <axis = -1> (tokens)
    duration_probabilities = Softmax <axis = -1> (durations)
    joint_output = Concat <axis = -1> (token_probabilities, duration_probabilities)
"""
TEMPERATURE = """
    temperature = Constant <value = float {1.5}> ()
    cooled = Div(logits, temperature)
    joint_output = LogSoftmax <axis = -1> (cooled)
"""
NORMALIZED = {
    "log-softmax": LOG_SOFTMAX,
    "softmax-log": SOFTMAX_LOG,
    "log-sum-exp": LOG_SUM_EXP,
    "decomposed": DECOMPOSED,
    "per-head": PER_HEAD,
    "temperature": TEMPERATURE,
}
TAILS = {"raw": RAW, **NORMALIZED}


def joint(tail: str, functions: str = "") -> onnx.ModelProto:
    """A joint that makes `joint_output` from `logits` as the nodes in `tail` say.

    Functions are of the domain `local`.
    """
    return parse(f"""
        joint (float[B, {WIDTH}, T] encoder_output, float[B, {WIDTH}, U] predictor_output)
            => (float[B, T, U, {SIZE}] joint_output)
            <float[{WIDTH}, {SIZE}] weight = {{{_WEIGHT}}}> {{
            frames = Transpose <perm = [0, 2, 1]> (encoder_output)
            symbols = Transpose <perm = [0, 2, 1]> (predictor_output)
            second = Constant <value = int64[1] {{2}}> ()
            first = Constant <value = int64[1] {{1}}> ()
            each_frame = Unsqueeze(frames, second)
            each_symbol = Unsqueeze(symbols, first)
            both = Add(each_frame, each_symbol)
            hidden = Tanh(both)
            logits = MatMul(hidden, weight)
            {tail}
        }}
        {functions}""")

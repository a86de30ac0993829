"""A small joint and a small predictor, for the examples of rules."""

from __future__ import annotations

# Irregular, so that no two outputs are alike.
_WEIGHT = ", ".join(f"{(7 * i * i + 3 * i) % 19 / 6 - 1.5:.4f}" for i in range(12))
_TABLE = ", ".join(f"{(5 * i * i + 2 * i) % 17 / 8 - 1:.4f}" for i in range(10))


def joint(tail: str) -> str:
    """A joint that makes `joint_output` [B, T, U, 6] from `logits` as the lines in `tail` say."""
    return f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[B, 2, T] encoder_output, float[B, 2, U] predictor_output)
            => (float[B, T, U, 6] joint_output)
            <float[2, 6] weight = {{{_WEIGHT}}}> {{
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
        }}"""


def predictor(
    state: str = "h_out = Add(h, sums)",
    cells: str = "c_out = Sub(c, sums)",
    embedded: str = "embedded = Gather(table, y)",
) -> str:
    """A predictor that adds up what it has heard: g = embedding + all before + h."""
    return f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (int64[B, U] y, float[1, B, 2] h, float[1, B, 2] c)
            => (float[B, 2, U] g, float[1, B, 2] h_out, float[1, B, 2] c_out)
            <float[5, 2] table = {{{_TABLE}}}, int64[1] first = {{0}}, int64[1] second = {{1}},
             int64 along = {{1}}> {{
            {embedded}
            running = CumSum(embedded, along)
            all = ReduceSum <keepdims = 0> (embedded, second)
            sums = Unsqueeze(all, first)
            before = Transpose <perm = [1, 0, 2]> (h)
            heard = Add(running, before)
            g = Transpose <perm = [0, 2, 1]> (heard)
            {state}
            {cells}
        }}"""

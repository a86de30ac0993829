"""The small transducer as onnx-asr wants it: predictor and joint in one graph, files by pattern."""

from __future__ import annotations

import json
from pathlib import Path

import onnx

from tests.support.planted import graphs, small


def build(bundle: Path) -> None:
    """The folder that onnx-asr loads."""
    onnx.save(graphs.encoder(), bundle / "encoder-model.onnx")
    onnx.save(decoder_joint(), bundle / "decoder_joint-model.onnx")
    (bundle / "vocab.txt").write_text(small.VOCABULARY)
    (bundle / "config.json").write_text(json.dumps({"model_type": "nemo-conformer-tdt"}))


def decoder_joint() -> onnx.ModelProto:
    """Predictor and joint in one graph, by the names of NeMo's export."""
    return graphs.model(f"""
        g (float[B, 2, T] encoder_outputs, int32[B, U] targets, int32[B] target_length,
           float[1, B, 2] input_states_1, float[1, B, 2] input_states_2)
            => (float[B, T, U, 7] outputs, int32[B] prednet_lengths,
                float[1, B, 2] output_states_1, float[1, B, 2] output_states_2)
            <float[5, 2] table = {{{graphs.irregular(8)}, 0, 0}},
             float[2, 7] weight = {{{graphs.irregular(14)}}},
             int64[1] first = {{0}}, int64[1] second = {{1}}, int64[1] third = {{2}},
             int64 along = {{1}}> {{
            embedded = Gather(table, targets)
            running = CumSum(embedded, along)
            all = ReduceSum <keepdims = 0> (embedded, second)
            sums = Unsqueeze(all, first)
            before = Transpose <perm = [1, 0, 2]> (input_states_1)
            symbols = Add(running, before)
            frames = Transpose <perm = [0, 2, 1]> (encoder_outputs)
            each_frame = Unsqueeze(frames, third)
            each_symbol = Unsqueeze(symbols, second)
            both = Add(each_frame, each_symbol)
            hidden = Tanh(both)
            outputs = MatMul(hidden, weight)
            output_states_1 = Add(input_states_1, sums)
            output_states_2 = Sub(input_states_2, sums)
            prednet_lengths = Identity(target_length)
        }}""")

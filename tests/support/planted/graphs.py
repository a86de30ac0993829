"""Graphs of a small transducer, sound but for the lines that are given in place of others.

The encoders are those of the rules' examples, with what lies past a length left out, and with a
length for each utterance asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

from onnxtool.rules.examples import streaming

LATER, FIRST = streaming.FILES["later"], streaming.FILES["first"]
# What sherpa-onnx reads of an encoder, and of a streaming one.
PROPERTIES = {
    "vocab_size": "4",
    "subsampling_factor": "4",
    "normalize_type": "NA",
    "pred_rnn_layers": "1",
    "pred_hidden": "2",
    "url": "small-tdt",
}
CACHES = {
    "window_size": "21",
    "chunk_shift": "16",
    **{f"cache_last_channel_dim{i}": str(size) for i, size in enumerate((1, 6, 2), start=1)},
    **{f"cache_last_time_dim{i}": str(size) for i, size in enumerate((1, 2, 2), start=1)},
}
# Of audio, what is inside of its length, of which there must be one for each utterance.
HEARD = """
    batch = Shape <start = 0, end = 1> (audio_signal)
    each = Reshape(length, batch)
    audio_shape = Shape <start = 2, end = 3> (audio_signal)
    audio_size = Squeeze(audio_shape, zero)
    origin = Constant <value = int64 {0}> ()
    step = Constant <value = int64 {1}> ()
    audio_places = Range(origin, audio_size, step)
    ends = Unsqueeze(each, one)
    is_heard = Less(audio_places, ends)
    factor = Cast <to = 1> (is_heard)
    factors = Unsqueeze(factor, one)
    audio = Mul(audio_signal, factors)"""
_OFFLINE = {
    "heard": HEARD,
    "pooled": """
    pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [3, 3]> (audio, pooling)""",
    "frames": "frames = Tanh(pooled)",
    "convolved": """
    convolved = Conv <group = 2, kernel_shape = [3], pads = [2, 0]> (frames, kernel)""",
    "mean": """
    mean = AveragePool <kernel_shape = [7], pads = [6, 0], count_include_pad = 1> (frames)""",
    "outputs": "outputs = Add(convolved, mean)",
    "lengths": """
    longer = Add(each, two)
    whole = Div(longer, stride)
    encoded_lengths = Add(whole, one)""",
}
_STREAMING = {
    "frames": f"""
    {HEARD}
    pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [3, 3]> (audio, pooling)
    bounded = Tanh(pooled)
    dropped = Constant <value = int64[1] {{DROPPED}}> ()
    new = Slice(bounded, dropped, end, two)
    {{POSITIONS}}
    frames = Add(new, nowhere)""",
    # Only frames inside of the length are counted as cached.
    "made": """
    longer_by = Add(each, two)
    in_all = Div(longer_by, stride)
    of_all = Add(in_all, one)
    made = Sub(of_all, dropped)""",
    "kept": "",
    "counted": "counted = Max(made, zero)",
    "cache": """
    extended = Concat <axis = 2> (cached, frames)
    moved = Slice(extended, all_but_cache, end, two)""",
    "lengths": """
    left = Add(made, zero)
    positive = Max(left, zero)
    encoded_lengths = Min(positive, most)""",
}


def encoder(
    audio: str = "float[B, 2, T] audio_signal, int64[B] length",
    encoded: str = "float[B, 2, S] outputs, int64[B] encoded_lengths",
    properties: Mapping[str, str] = PROPERTIES,
    **parts: str,
) -> onnx.ModelProto:
    """The encoder for whole recordings; `parts` are lines in place of those of that name."""
    lines = "\n".join({**_OFFLINE, **parts}.values())
    weights = streaming._WEIGHTS
    return model(f"g ({audio}) => ({encoded}) {weights} {{ {lines} }}", properties)


def later(
    dropped: int = 2,
    interface: str = streaming.INTERFACE,
    properties: Mapping[str, str] = PROPERTIES | CACHES,
    places: int = 40,
    **parts: str,
) -> onnx.ModelProto:
    """The streaming encoder of every chunk but the first; likewise.

    It has a table of positions for so many frames, as all that NeMo exports.
    """
    lines = {**_STREAMING, **parts}
    text = streaming.encoder(dropped=dropped, valid=4, interface=interface, **lines)
    text = text.replace("{POSITIONS}", positions(places, of="new"))
    return model(text.partition(">")[2], properties)


def first(
    interface: str = streaming.INTERFACE,
    properties: Mapping[str, str] = PROPERTIES | CACHES,
    places: int = 40,
    **parts: str,
) -> onnx.ModelProto:
    """That of the first chunk, which has nothing before it."""
    return later(0, interface, properties, places, **parts)


def irregular(count: int) -> str:
    """Weights of which no two make outputs that are alike."""
    return ", ".join(f"{(7 * i * i + 3 * i) % 19 / 6 - 1.5:.4f}" for i in range(count))


def positions(frames: int, of: str) -> str:
    """Lines with a table of relative positions for so many frames, whose use comes to `nowhere`."""
    rows = 2 * frames - 1
    table = ", ".join(str(place % 7) for place in range(2 * rows))
    return f"""
    count = Shape <start = 2, end = 3> ({of})
    table = Constant <value = float[1, {rows}, 2] {{{table}}}> ()
    taken = Slice(table, zero, count, one)
    placed = Transpose <perm = [0, 2, 1]> (taken)
    nowhere = Sub(placed, placed)"""


def joint(tail: str = "joint_output = MatMul(hidden, weight)", width: int = 7) -> onnx.ModelProto:
    """The joint, which makes its output of what is `hidden`."""
    weight = irregular(2 * width)
    return model(f"""
        g (float[B, 2, T] encoder_output, float[B, 2, U] predictor_output)
            => (float[B, T, U, {width}] joint_output)
            <float[2, {width}] weight = {{{weight}}},
             int64[1] first = {{1}}, int64[1] second = {{2}}> {{
            frames = Transpose <perm = [0, 2, 1]> (encoder_output)
            symbols = Transpose <perm = [0, 2, 1]> (predictor_output)
            each_frame = Unsqueeze(frames, second)
            each_symbol = Unsqueeze(symbols, first)
            both = Add(each_frame, each_symbol)
            hidden = Tanh(both)
            {tail}
        }}""")


def quantized_joint(tail: str = "joint_output = Mul(wide, step)") -> onnx.ModelProto:
    """A joint whose weights and products are of eight bits."""
    made = joint(f"""
            bytes, scale, zero_point = DynamicQuantizeLinear(hidden)
            sums = MatMulInteger(bytes, packed, zero_point)
            wide = Cast <to = 1> (sums)
            step = Mul(scale, factor)
            {tail}""")
    values = np.arange(14, dtype=np.int8).reshape(2, 7) ** 2 % 19 - 9
    made.graph.initializer.append(numpy_helper.from_array(values, "packed"))
    made.graph.initializer.append(numpy_helper.from_array(np.array(1 / 9, np.float32), "factor"))
    return made


def predictor(
    ids: str = "int32[B, U] y",
    embedded: str = "looked_up = Gather(table, y)",
    state: str = "h_out = Add(h, sums)",
) -> onnx.ModelProto:
    """The predictor, which adds up what it has heard; every token changes its states."""
    return model(f"""
        g ({ids}, int32[B] y_length, float[1, B, 2] h, float[1, B, 2] c)
            => (float[B, 2, U] g, int32[B] g_length, float[1, B, 2] h_out, float[1, B, 2] c_out)
            <float[5, 2] table = {{{irregular(8)}, 0, 0}}, float[2] bias = {{0.3, -0.2}},
             int64[1] first = {{0}}, int64[1] second = {{1}}, int64 along = {{1}}> {{
            {embedded}
            embedded = Add(looked_up, bias)
            running = CumSum(embedded, along)
            all = ReduceSum <keepdims = 0> (embedded, second)
            sums = Unsqueeze(all, first)
            before = Transpose <perm = [1, 0, 2]> (h)
            heard = Add(running, before)
            g = Transpose <perm = [0, 2, 1]> (heard)
            {state}
            c_out = Sub(c, sums)
            g_length = Identity(y_length)
        }}""")


def model(graph: str, properties: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """A model of a graph's text, as torch would write it, without weights that nothing reads."""
    entries = ", ".join(f'"{key}": "{value}"' for key, value in (properties or {}).items())
    header = (
        '<ir_version: 8, opset_import: ["" : 18], producer_name: "pytorch", '
        f'producer_version: "2.6.0", metadata_props: [{entries}]>'
    )
    parsed = onnx.parser.parse_model(header + graph)
    read = {name for node in parsed.graph.node for name in node.input}
    weights = [tensor for tensor in parsed.graph.initializer if tensor.name in read]
    del parsed.graph.initializer[:]
    parsed.graph.initializer.extend(weights)
    return parsed

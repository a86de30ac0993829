"""Small cache-aware encoders, sound and with one fault each, for the examples of rules.

Two features, one layer: causal subsampling by 4 (1 + ceil((T - 1) / 4) frames), a causal depthwise
convolution of kernel 3, and for attention the mean of a frame and the `CACHE` before it. Chunk by
chunk they give what `offline` gives for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
import onnx.parser

CACHE = 6
FILES = {"later": "encoder_streaming.onnx", "first": "encoder_streaming_first.onnx"}

_WEIGHTS = """
    <float[2, 1, 4] pooling = {0.1, 0.2, 0.3, 0.4, 0.4, -0.3, 0.2, 0.1},
     float[2, 1, 3] kernel = {0.5, -0.2, 0.3, 0.1, 0.4, -0.6},
     int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2},
     int64[1] end = {9223372036854775807},
     int64[1] all_but_cache = {-6}, int64[1] all_but_context = {-2}, int64 room = {6},
     int64[6] places = {0, 1, 2, 3, 4, 5}, int64 stride = {4}, int64[1] drop_end = {-1}>
"""
# Lines of the graph by what they make, so that a fault is another line.
_SOUND = {
    "frames": """
        pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [3, 3]>
            (audio_signal, pooling)
        bounded = Tanh(pooled)
        dropped = Constant <value = int64[1] {DROPPED}> ()
        frames = Slice(bounded, dropped, end, two)""",
    "made": """
        shape = Shape <start = 2, end = 3> (frames)
        made = Squeeze(shape, zero)""",
    "kept": "kept = Identity(frames)",
    "counted": "counted = Identity(made)",
    "convolution": """
        context = Squeeze(cache_last_time, one)
        joined = Concat <axis = 2> (context, frames)
        convolved = Conv <group = 2, kernel_shape = [3]> (joined, kernel)""",
    "context": """
        next_context = Slice(joined, all_but_context, end, two)
        cache_last_time_next = Unsqueeze(next_context, one)""",
    "mask": """
        unfilled = Sub(room, cache_last_channel_len)
        column = Unsqueeze(unfilled, one)
        valid = GreaterOrEqual(places, column)""",
    "history": """
        cache = Squeeze(cache_last_channel, one)
        cached = Transpose <perm = [0, 2, 1]> (cache)
        weight = Cast <to = 1> (valid)
        row = Unsqueeze(weight, one)
        masked = Mul(cached, row)
        history = Concat <axis = 2> (masked, frames)
        mean = AveragePool <kernel_shape = [7]> (history)""",
    "cache": """
        extended = Concat <axis = 2> (cached, kept)
        moved = Slice(extended, all_but_cache, end, two)""",
    "next": """
        rows = Transpose <perm = [0, 2, 1]> (moved)
        cache_last_channel_next = Unsqueeze(rows, one)""",
    "filled": """
        total = Add(cache_last_channel_len, counted)
        cache_last_channel_next_len = Min(total, room)""",
    "outputs": """
        all = Add(convolved, mean)
        most = Constant <value = int64[1] {VALID}> ()
        outputs = Slice(all, zero, most, two)""",
    "lengths": """
        longer = Add(length, two)
        whole = Div(longer, stride)
        pooled_length = Add(whole, one)
        left = Sub(pooled_length, dropped)
        positive = Max(left, zero)
        encoded_lengths = Min(positive, most)""",
}
INTERFACE = """
    (float[B, 2, T] audio_signal, int64[B] length, float[B, 1, 6, 2] cache_last_channel,
     float[B, 1, 2, 2] cache_last_time, int64[B] cache_last_channel_len)
    => (float[B, 2, S] outputs, int64[B] encoded_lengths, float[B, 1, C, 2] cache_last_channel_next,
     float[B, 1, 2, K] cache_last_time_next, int64[B] cache_last_channel_next_len)
"""


def encoder(*, dropped: int = 2, valid: int = 2, interface: str = INTERFACE, **parts: str) -> str:
    """A streaming encoder as ONNX text; `parts` are lines in place of those of that name."""
    lines = "\n".join({**_SOUND, **parts}.values())
    lines = lines.replace("{DROPPED}", f"{{{dropped}}}").replace("{VALID}", f"{{{valid}}}")
    return f'<ir_version: 8, opset_import: ["" : 18]> g {interface} {_WEIGHTS} {{ {lines} }}'


def first_chunk() -> str:
    """The graph of a first chunk: nothing before it, so nothing to drop."""
    return encoder(dropped=0)


def offline(scale: float = 1.0) -> str:
    """The same weights without caches, frames multiplied by `scale`."""
    return f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[B, 2, T] audio_signal, int64[B] length)
            => (float[B, 2, S] outputs, int64[B] encoded_lengths) {_WEIGHTS} {{
            pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [3, 3]>
                (audio_signal, pooling)
            frames = Tanh(pooled)
            convolved = Conv <group = 2, kernel_shape = [3], pads = [2, 0]> (frames, kernel)
            mean = AveragePool <kernel_shape = [7], pads = [6, 0], count_include_pad = 1> (frames)
            all = Add(convolved, mean)
            scale = Constant <value = float {{{scale}}}> ()
            outputs = Mul(all, scale)
            longer = Add(length, two)
            whole = Div(longer, stride)
            encoded_lengths = Add(whole, one)
        }}"""


def positions(frames: int) -> str:
    """The line `made` of an encoder with a table of relative positions for so many frames."""
    rows = 2 * frames - 1
    table = ", ".join("1, 0" for _ in range(rows))
    return f"""
        shape = Shape <start = 2, end = 3> (frames)
        positions = Constant <value = float[1, {rows}, 2] {{{table}}}> ()
        taken = Slice(positions, zero, shape, one)
        made = Squeeze(shape, zero)"""


def folder(
    models: Mapping[str, str], documents: Mapping[str, object] | None = None
) -> Callable[[Path], Path]:
    """A builder of a folder: file names with ONNX text, and with what goes into JSON files."""

    def build(path: Path) -> Path:
        for name, text in models.items():
            model = onnx.parser.parse_model(text)
            (path / name).write_bytes(model.SerializeToString())
        for name, document in (documents or {}).items():
            (path / name).write_text(json.dumps(document), encoding="utf-8")
        return path

    return build


def pair(first: str | None = None, later: str | None = None) -> dict[str, str]:
    """The two graphs of a sound export, or others in their place."""
    return {FILES["later"]: later or encoder(), FILES["first"]: first or first_chunk()}


SOUND = folder(pair())
# The configuration of the pair above, as NeMo would write it.
CONFIG: dict[str, object] = {
    "chunk_size": [5, 8],
    "shift_size": [5, 8],
    "cache_drop_size": 0,
    "last_channel_cache_size": CACHE,
    "valid_out_len": 2,
    "pre_encode_cache_size": [0, 5],
    "drop_extra_pre_encoded": 2,
}
# Its attention cache is never cut.
GROWING = encoder(
    cache="moved = Concat <axis = 2> (cached, kept)",
    mask="""
    size = Shape <start = 2, end = 3> (cache_last_channel)
    extent = Squeeze(size, zero)
    first = Constant <value = int64 {0}> ()
    step = Constant <value = int64 {1}> ()
    all_places = Range(first, extent, step)
    unfilled = Sub(extent, cache_last_channel_len)
    column = Unsqueeze(unfilled, one)
    valid = GreaterOrEqual(all_places, column)""",
    history="""
    cache = Squeeze(cache_last_channel, one)
    cached = Transpose <perm = [0, 2, 1]> (cache)
    weight = Cast <to = 1> (valid)
    row = Unsqueeze(weight, one)
    masked = Mul(cached, row)
    sum = ReduceSum <keepdims = 1> (masked, two)
    mean = Add(frames, sum)""",
    filled="cache_last_channel_next_len = Add(cache_last_channel_len, counted)",
    interface="""
    (float[B, 2, T] audio_signal, int64[B] length, float[B, 1, C, 2] cache_last_channel,
     float[B, 1, 2, 2] cache_last_time, int64[B] cache_last_channel_len)
    => (float[B, 2, S] outputs, int64[B] encoded_lengths,
        float[B, 1, N, 2] cache_last_channel_next, float[B, 1, 2, 2] cache_last_time_next,
        int64[B] cache_last_channel_next_len)""",
)

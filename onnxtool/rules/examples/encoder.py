"""A small offline encoder, sound and with one fault each, for the examples of rules."""

from __future__ import annotations

# Subsampling by 4 with what lies past the length set to zero first: ceil(T / 4) frames.
_SOUND = {
    "masked": """
        shape_of_audio = Shape <start = 2, end = 3> (audio_signal)
        size = Squeeze(shape_of_audio, zero)
        first = Constant <value = int64 {0}> ()
        step = Constant <value = int64 {1}> ()
        places = Range(first, size, step)
        column = Unsqueeze(length, one)
        inside = Less(places, column)
        weight = Cast <to = 1> (inside)
        row = Unsqueeze(weight, one)
        masked = Mul(audio_signal, row)""",
    "pooled": """
        pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [0, 3]>
            (masked, kernel)""",
    "made": "frames = Tanh(pooled)",
    "outputs": "outputs = Identity(frames)",
    "counted": "longer = Add(length, three)",
    "lengths": """
        four = Constant <value = int64[1] {4}> ()
        encoded_lengths = Div(longer, four)""",
}


def encoder(lengths: str = "int64[B] length", length_out: str = "int64[B]", **parts: str) -> str:
    """An offline encoder as ONNX text; `parts` are lines in place of those of that name."""
    lines = "\n".join({**_SOUND, **parts}.values())
    return f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[B, 2, T] audio_signal, {lengths})
            => (float[B, 2, S] outputs, {length_out} encoded_lengths)
            <float[2, 1, 4] kernel = {{0.1, 0.2, 0.3, 0.4, 0.4, -0.3, 0.2, 0.1}},
             int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] three = {{3}}> {{ {lines} }}"""

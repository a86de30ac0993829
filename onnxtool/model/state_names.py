"""The names that exporters of all families give to states, and to what is none."""

from __future__ import annotations

# Inputs that carry state which no output gives back: the host must count or remember it itself.
HOST_HELD: dict[str, str] = {
    "offset": "frames or tokens consumed so far: the host adds what each call consumed",
    "processed_lens": "frames processed so far, per utterance: the host adds each chunk's",
    "seq_len": "tokens decoded so far: the host adds one a step",
    "sr": "sample rate in Hz: the same at every call",
    "required_cache_size": "frames of left context to keep: the same at every call",
    "use_cache_branch": "false at the first step, true after it",
    "cache_position": "positions of the new tokens: the host counts them",
    "position_ids": "positions of the new tokens: the host counts them",
    "prompt_index": "which prompt, such as the language: the same at every call",
    "att_mask": "which cached frames are valid: the host builds it from its frame count",
    "attn_mask": "which cached frames are valid: the host builds it from its frame count",
}

# (input pattern, output template) that exporters use for states, tried where no family's rule fits.
STATE_NAMES: tuple[tuple[str, str], ...] = (
    (r"(.+)_len", r"\1_next_len"),
    (r"(.+)", r"\1_out"),
    (r"(.+)", r"\1_next"),
    (r"(.+)", r"new_\1"),
    (r"(.+)", r"next_\1"),
    (r"(.+)", r"r_\1"),
    (r"(.+)", r"out_\1"),
    (r"in_(.+)", r"out_\1"),
    (r"(.+)_in", r"\1_out"),
    (r"input_(.+)", r"output_\1"),
    (r"past_key_values\.(.+)", r"present.\1"),
    (r"past_(.+)", r"present_\1"),
    (r"(.+)\.1", r"\1"),
    (r"(.+)", r"\1n"),
    (r"(.+)", r"\1N"),
)
# What a name says of itself: such an input is a state if an output has the same name in a new form.
STATE_WORD = (
    r"(?:.*(?:cache|state|hidden|past|mem|processed|carry|buffer|lstm|gru|rnn|prev).*|[hc])"
    r"(?:_?\d+)?(?:\.1)?"
)
# Lengths come back as lengths of something else (`x_lens` -> `encoder_out_lens`): not a state,
# unless the name says that it is.
LENGTH_NAME = r"(?!.*(?:cache|state|processed)).*(?:^|_)len(?:s|gths?)?(?:\.1)?"
# Nor is what masks or shows what a call brings.
NO_STATE = (
    LENGTH_NAME + r"|.*(?:^|_)(?:masks?|images?|img|pixel_values|audio|wav(?:eform)?)(?:\.1)?"
)
# Names that an exporter made up: such inputs and outputs may be paired by their shapes.
GENERATED_NAME = r"\d+|onnx::.+|args?_\d+|functional_\d+|input\.\d+|output\.\d+|/.+_output_\d+"

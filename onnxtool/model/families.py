"""The exports we know, as a table: what a graph of each family takes and gives.

A graph is recognised by the names of its inputs and outputs, by their sizes where others use the
same names, and never by the name of its file. All `inputs` and `outputs` patterns of a row must be
found (regular expressions, matched in full); the first row that fits wins, so a row stands before
another that asks for less.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.StrEnum):
    """What a graph does in a speech-recognition pipeline."""

    ENCODER = "encoder"
    STREAMING_ENCODER = "streaming-encoder"
    PREDICTOR = "predictor"
    JOINT = "joint"
    DECODER_JOINT = "decoder-joint"
    CTC = "ctc"
    VAD = "vad"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of graph of one family of exports.

    Attributes:
        name: The family, shared by its graphs.
        role: What this graph does.
        title: For people: which model, whose export.
        inputs: Patterns of input names that must be there.
        outputs: Patterns of output names that must be there.
        states: (input pattern, output template): the output is fed to the input in the next call.
        grows: Whether these states get longer with each call; their shapes do not always tell.
        host: (input pattern, meaning): what the host must keep from call to call to feed them.
        sizes: (pattern, axis, sizes): an input or output whose axis must have one of these sizes,
            where names alone would fit other models, too.
    """

    name: str
    role: Role
    title: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[tuple[str, str], ...] = ()
    grows: bool = False
    host: tuple[tuple[str, str], ...] = ()
    sizes: tuple[tuple[str, int, tuple[int, ...]], ...] = ()


_NEMO_CACHES = (
    (r"cache_last_channel", r"cache_last_channel_next"),
    (r"cache_last_time", r"cache_last_time_next"),
    # Not ..._len_next: NeMo puts the word in the middle.
    (r"cache_last_channel_len", r"cache_last_channel_next_len"),
)
_CACHE_INPUTS = ("audio_signal", "length", "cache_last_channel", "cache_last_time")
# Vocabulary sizes of Whisper: English only, many languages, and those of large-v3.
_WHISPER_LOGITS = (("logits", 2, (51864, 51865, 51866)),)
# What Hugging Face's exporters call the past of an encoder-decoder, Whisper or not.
_PAST_STATES = ((r"past_key_values\.(.+)", r"present.\1"),)
_PAST_HOST = (
    (
        r"past_key_values\.\d+\.encoder\..+",
        "keys and values of the encoder's output: the first step gives them, for all later ones",
    ),
)
# Widths of Moonshine tiny and base: Keras gives every model such names.
_MOONSHINE_WIDTHS = (288, 416)
_MOONSHINE_STEP = "tokens decoded so far: the host adds one a step"

FAMILIES: tuple[Family, ...] = (
    # --- Parakeet-TDT as written by the exporter of a TensorRT engine: suffix `_out` -------------
    Family(
        "parakeet-tdt",
        Role.STREAMING_ENCODER,
        "Parakeet-TDT cache-aware FastConformer encoder",
        _CACHE_INPUTS,
        # One that takes caches is a streaming encoder, even if an export lost what gives them back.
        ("encoder_output", "encoded_lengths"),
        ((r"(cache_last_(?:channel|time|channel_len))", r"\1_out"),),
    ),
    Family(
        "parakeet-tdt",
        Role.ENCODER,
        "Parakeet-TDT FastConformer encoder",
        ("audio_signal", "length"),
        ("encoder_output", "encoded_lengths"),
    ),
    Family(
        "parakeet-tdt",
        Role.PREDICTOR,
        "Parakeet-TDT LSTM predictor",
        ("y", "h", "c"),
        ("g", "h_out", "c_out"),
        ((r"([hc])", r"\1_out"),),
    ),
    Family(
        "parakeet-tdt",
        Role.JOINT,
        "Parakeet-TDT joint",
        ("encoder_output", "predictor_output"),
        ("joint_output",),
    ),
    # --- NeMo's own export names -----------------------------------------------------------------
    Family(
        "nemotron-streaming",
        Role.STREAMING_ENCODER,
        "Nemotron streaming encoder (NeMo, prompt-conditioned)",
        (*_CACHE_INPUTS, "prompt_index"),
        ("outputs", "encoded_lengths"),
        _NEMO_CACHES,
    ),
    Family(
        "nemo",
        Role.STREAMING_ENCODER,
        "NeMo cache-aware encoder",
        _CACHE_INPUTS,
        ("outputs", "encoded_lengths"),
        _NEMO_CACHES,
    ),
    Family(
        "nemo",
        Role.CTC,
        "NeMo cache-aware CTC model",
        _CACHE_INPUTS,
        ("logprobs", "encoded_lengths"),
        _NEMO_CACHES,
    ),
    Family("nemo", Role.CTC, "NeMo CTC model", ("audio_signal",), ("logprobs",)),
    Family(
        "nemo",
        Role.ENCODER,
        "NeMo encoder",
        ("audio_signal", "length"),
        ("outputs", "encoded_lengths"),
    ),
    Family(
        "nemo",
        Role.DECODER_JOINT,
        "NeMo RNN-T/TDT predictor and joint in one graph",
        ("encoder_outputs", "targets", "input_states_1", "input_states_2"),
        ("outputs", "output_states_1", "output_states_2"),
        ((r"input_states_(\d+)", r"output_states_\1"),),
    ),
    Family(
        "nemo",
        Role.PREDICTOR,
        "NeMo RNN-T/TDT predictor",
        ("targets", "target_length", r"states\.1|.*LSTM.*|.*Slice.*"),
        ("outputs", "prednet_lengths", "states"),
        # The second LSTM state has generated names on both sides, and is paired by its shape.
        ((r"states\.1", r"states"),),
    ),
    Family("nemo", Role.JOINT, "NeMo joint", ("encoder_outputs", "decoder_outputs"), ("outputs",)),
    # --- GigaAM -----------------------------------------------------------------------------------
    Family(
        "gigaam",
        Role.ENCODER,
        "GigaAM encoder",
        (r"audio_signal|features", r"length|feature_lengths"),
        ("encoded", "encoded_len"),
    ),
    Family(
        "gigaam",
        Role.PREDICTOR,
        "GigaAM RNN-T predictor",
        ("x", r"h\.1", r"c\.1"),
        ("dec", "h", "c"),
        ((r"([hc])\.1", r"\1"),),
    ),
    Family("gigaam", Role.JOINT, "GigaAM RNN-T joint", ("enc", "dec"), ("joint",)),
    # --- icefall and what sherpa-onnx runs --------------------------------------------------------
    Family(
        "zipformer2",
        Role.STREAMING_ENCODER,
        "Zipformer2 streaming encoder (icefall)",
        ("x", r"cached_nonlin_attn_\d+", "embed_states", "processed_lens"),
        ("encoder_out", r"new_cached_key_\d+"),
        ((r"(cached_.+|embed_states|processed_lens)", r"new_\1"),),
    ),
    Family(
        "zipformer2",
        Role.CTC,
        "Zipformer2 streaming CTC model (icefall)",
        ("x", r"cached_nonlin_attn_\d+", "embed_states", "processed_lens"),
        ("log_probs", r"new_cached_key_\d+"),
        ((r"(cached_.+|embed_states|processed_lens)", r"new_\1"),),
    ),
    Family(
        "zipformer",
        Role.STREAMING_ENCODER,
        "Zipformer streaming encoder (icefall)",
        ("x", r"cached_len_\d+", r"cached_avg_\d+"),
        ("encoder_out", r"new_cached_len_\d+"),
        ((r"(cached_.+)", r"new_\1"),),
    ),
    Family(
        "icefall-conformer",
        Role.STREAMING_ENCODER,
        "Conformer streaming encoder (icefall)",
        ("x", "cached_attn", "cached_conv"),
        ("encoder_out", "new_cached_attn", "new_cached_conv"),
        ((r"(cached_attn|cached_conv)", r"new_\1"),),
    ),
    Family(
        "icefall-lstm",
        Role.STREAMING_ENCODER,
        "LSTM streaming encoder (icefall)",
        ("x", r"h\d?", r"c\d?"),
        ("encoder_out", r"(?:new|next)_h\d?", r"(?:new|next)_c\d?"),
        ((r"([hc]\d?)", r"next_\1"), (r"([hc]\d?)", r"new_\1")),
    ),
    Family("icefall", Role.ENCODER, "icefall encoder", ("x", "x_lens"), ("encoder_out",)),
    Family("icefall", Role.PREDICTOR, "icefall stateless decoder", ("y",), ("decoder_out",)),
    Family("icefall", Role.JOINT, "icefall joiner", ("encoder_out", "decoder_out"), ("logit",)),
    # --- WeNet: modes without a left context drop the inputs that they do not read ---------------
    Family(
        "wenet",
        Role.STREAMING_ENCODER,
        "WeNet streaming encoder",
        ("chunk",),
        ("output", "r_att_cache", "r_cnn_cache"),
        ((r"(att_cache|cnn_cache)", r"r_\1"),),
    ),
    Family(
        "wenet",
        Role.CTC,
        "WeNet streaming CTC model (sherpa-onnx)",
        ("x", "attn_cache", "conv_cache"),
        ("log_probs", "next_att_cache", "next_conv_cache"),
        # One `attn`, the other `att`: so spelled by the export.
        ((r"attn_cache", r"next_att_cache"), (r"conv_cache", r"next_conv_cache")),
    ),
    # --- FunASR ----------------------------------------------------------------------------------
    Family(
        "paraformer-online",
        Role.ENCODER,
        "Paraformer streaming encoder (FunASR)",
        ("speech", "speech_lengths"),
        ("enc", "enc_len", "alphas"),
        host=(
            (r"speech", "begins with the last frames of the previous call, which the host keeps"),
        ),
    ),
    Family(
        "paraformer-online",
        Role.OTHER,
        "Paraformer streaming decoder (FunASR)",
        ("enc", "acoustic_embeds", r"in_cache_\d+"),
        ("logits", r"out_cache_\d+"),
        ((r"in_cache_(\d+)", r"out_cache_\1"),),
        host=(
            (
                r"acoustic_embeds",
                "made of enc and alphas (CIF) by the host, which keeps what has not fired yet",
            ),
        ),
    ),
    # --- T-one and voice activity ----------------------------------------------------------------
    Family(
        "t-one",
        Role.CTC,
        "T-one streaming CTC model",
        ("signal", "state"),
        ("logprobs", "state_next"),
        ((r"state", r"state_next"),),
    ),
    Family(
        "silero-vad-v5",
        Role.VAD,
        "Silero VAD, version 5",
        ("input", "state", "sr"),
        ("output", "stateN"),
        ((r"state", r"stateN"),),
        host=(
            (
                r"input",
                "begins with the last 64 samples of the previous call (32 at 8 kHz): the host's",
            ),
        ),
    ),
    Family(
        "silero-vad-v4",
        Role.VAD,
        "Silero VAD, version 4",
        ("input", "sr", "h", "c"),
        ("output", "hn", "cn"),
        ((r"([hc])", r"\1n"),),
    ),
    Family(
        "silero-vad-v4",
        Role.VAD,
        "Silero VAD, version 4 (k2 export)",
        ("x", "h", "c"),
        ("prob", r"(?:new|next)_h", r"(?:new|next)_c"),
        ((r"([hc])", r"new_\1"), (r"([hc])", r"next_\1")),
    ),
    # --- Attention decoders -----------------------------------------------------------------------
    Family(
        "whisper-sherpa",
        Role.OTHER,
        "Whisper decoder (sherpa-onnx)",
        ("tokens", "in_n_layer_self_k_cache", "in_n_layer_self_v_cache", "offset"),
        ("logits", "out_n_layer_self_k_cache", "out_n_layer_self_v_cache"),
        ((r"in_(n_layer_self_[kv]_cache)", r"out_\1"),),
        host=(
            (
                r"n_layer_cross_[kv]",
                "keys and values of the encoder's output: the encoder gives them, for all steps",
            ),
        ),
    ),
    Family(
        "whisper-sherpa",
        Role.ENCODER,
        "Whisper encoder (sherpa-onnx)",
        ("mel",),
        ("n_layer_cross_k", "n_layer_cross_v"),
    ),
    Family(
        "whisper-hf",
        Role.OTHER,
        "Whisper decoder with past (Hugging Face)",
        # Models without an encoder name theirs past_key_values.0.key.
        ("input_ids", r"past_key_values\.\d+\.encoder\..+"),
        ("logits", r"present\.\d+\.decoder\..+"),
        _PAST_STATES,
        grows=True,
        host=_PAST_HOST,
        sizes=_WHISPER_LOGITS,
    ),
    Family(
        "whisper-hf",
        Role.OTHER,
        "Whisper decoder, first step (Hugging Face)",
        ("input_ids", "encoder_hidden_states"),
        ("logits", r"present\.\d+\..+"),
        sizes=_WHISPER_LOGITS,
    ),
    Family(
        "whisper-hf",
        Role.ENCODER,
        "Whisper encoder (Hugging Face)",
        ("input_features",),
        ("last_hidden_state",),
        # 30 s of mel frames: other encoders take any number, or as many bins last.
        sizes=(("input_features", 1, (80, 128)), ("input_features", 2, (3000,))),
    ),
    # T5, Speech2Text and many others: what they are stands in a config, not in the graph.
    Family(
        "huggingface",
        Role.OTHER,
        "Decoder with past of an encoder-decoder (Hugging Face)",
        ("input_ids", r"past_key_values\.\d+\.encoder\..+"),
        ("logits", r"present\.\d+\.decoder\..+"),
        _PAST_STATES,
        grows=True,
        host=_PAST_HOST,
    ),
    Family(
        "huggingface",
        Role.OTHER,
        "Decoder of an encoder-decoder, first step (Hugging Face)",
        ("input_ids", "encoder_hidden_states"),
        ("logits", r"present\.\d+\..+"),
    ),
    Family(
        "huggingface",
        Role.ENCODER,
        "Audio encoder (Hugging Face)",
        ("input_features",),
        ("last_hidden_state",),
    ),
    Family(
        "moonshine",
        Role.OTHER,
        "Moonshine decoder step with past",
        # token, encoder output, seq_len, then states: paired by order.
        ("args_0", "args_1", r"args_2|seq_len", "args_3"),
        ("reversible_embedding", r"functional_\d+"),
        grows=True,
        host=(("args_2", _MOONSHINE_STEP),),
    ),
    Family(
        "moonshine",
        Role.OTHER,
        "Moonshine decoder, first step",
        ("args_0", "args_1", r"args_2|seq_len"),
        ("reversible_embedding", r"functional_\d+"),
        host=(("args_2", _MOONSHINE_STEP),),
    ),
    Family(
        "moonshine",
        Role.ENCODER,
        "Moonshine encoder",
        ("args_0", r"args_1|seq_len"),
        (r"layer_normalization_\d+",),
        sizes=(("args_0", 2, _MOONSHINE_WIDTHS),),
    ),
    Family(
        "moonshine",
        Role.OTHER,
        "Moonshine preprocessor (audio to features)",
        ("args_0",),
        (r"sequential(?:_\d+)?",),
        sizes=((r"sequential(?:_\d+)?", 2, _MOONSHINE_WIDTHS),),
    ),
    Family(
        "canary-sherpa",
        Role.OTHER,
        "Canary attention decoder (sherpa-onnx)",
        ("decoder_input_ids", r"decoder_mems_list_\d+", "enc_states"),
        ("logits", r"next_decoder_mem_list_\d+"),
        # Plural on the way in, singular on the way out.
        ((r"decoder_mems_list_(\d+)", r"next_decoder_mem_list_\1"),),
        grows=True,
    ),
    Family(
        "canary",
        Role.OTHER,
        "Canary attention decoder (onnx-asr)",
        ("input_ids", "encoder_embeddings", "decoder_mems"),
        ("logits", "decoder_hidden_states"),
        ((r"decoder_mems", r"decoder_hidden_states"),),
        grows=True,
    ),
)

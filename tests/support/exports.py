"""The interfaces of the exports in section B of the facts on ASR exports, by name of the file.

Names, element types and symbols are those of the exporters; sizes are those of one published model
of each family, or small ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onnxtool.model.families import Role
from onnxtool.model.view import ModelView
from tests.support.models import interface


@dataclass(frozen=True)
class Export:
    """A graph's interface, and what it tells.

    Attributes:
        fixed: Input -> output of the states that keep their size.
        growing: Input -> output of the states that get longer.
        host: Inputs whose state the host must hold.
    """

    name: str
    role: Role
    family: str | None
    inputs: str
    outputs: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    growing: Mapping[str, str] = field(default_factory=dict)
    host: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    @property
    def view(self) -> ModelView:
        return interface(self.inputs, self.outputs)


def numbered(pattern: str, count: int) -> str:
    """The pattern for each number from 0, with the number for #."""
    return "".join(pattern.replace("#", str(number)) for number in range(count))


def renamed(names: str, output: str, count: int = 1) -> dict[str, str]:
    """Input -> output of each of these names, with the name for * and the number for #."""
    inputs = numbered(f"{names} ", count).split()
    return {name: output.replace("*", name) for name in inputs}


# torch gives every dynamic axis a name of its own where the exporter lists axes by number.
NEMO_INPUTS = """
    audio_signal f32[audio_signal_dynamic_axes_1, 80, audio_signal_dynamic_axes_2];
    length i64[length_dynamic_axes_1];
    cache_last_channel f32[cache_last_channel_dynamic_axes_1, 17,
                           cache_last_channel_dynamic_axes_2, 512];
    cache_last_time f32[cache_last_time_dynamic_axes_1, 17, 512, cache_last_time_dynamic_axes_2];
    cache_last_channel_len i64[cache_last_channel_len_dynamic_axes_1];"""
NEMO_OUTPUTS = """
    encoded_lengths i64[encoded_lengths_dynamic_axes_1];
    cache_last_channel_next f32[cache_last_channel_next_dynamic_axes_1, 17,
                                cache_last_channel_next_dynamic_axes_2, 512];
    cache_last_time_next f32[cache_last_time_next_dynamic_axes_1, 17, 512,
                             cache_last_time_next_dynamic_axes_2];
    cache_last_channel_next_len i64[cache_last_channel_next_len_dynamic_axes_1];"""
NEMO_STATES = {
    "cache_last_channel": "cache_last_channel_next",
    "cache_last_time": "cache_last_time_next",
    "cache_last_channel_len": "cache_last_channel_next_len",
}
ENCODED = "encoder_output f32[B, 1024, T_out]; encoded_lengths i64[B];"
LSTM_STATES = {"h": "h_out", "c": "c_out"}
ZIPFORMER2_INPUTS = "x f32[N, 45, 80];" + numbered(
    """cached_key_# f32[64, N, 128]; cached_nonlin_attn_# f32[1, N, 64, 144];
    cached_val1_# f32[64, N, 48]; cached_val2_# f32[64, N, 48];
    cached_conv1_# f32[N, 192, 15]; cached_conv2_# f32[N, 192, 15];""",
    2,
)
ZIPFORMER2_INPUTS += "embed_states f32[N, 128, 3, 19]; processed_lens i64[N];"
ZIPFORMER2_STATES = renamed(
    "cached_key_# cached_nonlin_attn_# cached_val1_# cached_val2_# cached_conv1_# cached_conv2_#"
    " embed_states processed_lens",
    "new_*",
    2,
)


def new(inputs: str) -> str:
    """The outputs that give these inputs back, with the first one left out."""
    return ";".join(f" new_{part.strip()}" for part in inputs.split(";")[1:] if part.strip())


ZIPFORMER1_INPUTS = "x f32[N, 39, 80];" + numbered(
    """cached_len_# i64[2, N]; cached_avg_# f32[2, N, 384]; cached_key_# f32[2, 64, N, 192];
    cached_val_# f32[2, 64, N, 96]; cached_val2_# f32[2, 64, N, 96];
    cached_conv1_# f32[2, N, 384, 30]; cached_conv2_# f32[2, N, 384, 30];""",
    5,
)
WHISPER_PAST = numbered(
    """past_key_values.#.decoder.key f32[batch_size, 6, past_decoder_sequence_length, 64];
    past_key_values.#.decoder.value f32[batch_size, 6, past_decoder_sequence_length, 64];
    past_key_values.#.encoder.key f32[batch_size, 6, encoder_sequence_length_out, 64];
    past_key_values.#.encoder.value f32[batch_size, 6, encoder_sequence_length_out, 64];""",
    2,
)
WHISPER_PRESENT = numbered(
    """present.#.decoder.key f32[batch_size, 6, past_decoder_sequence_length_1, 64];
    present.#.decoder.value f32[batch_size, 6, past_decoder_sequence_length_1, 64];""",
    2,
).replace("_length_1", "_length+1")
WHISPER_CROSS = numbered(
    """present.#.encoder.key f32[batch_size, 6, encoder_sequence_length_out, 64];
    present.#.encoder.value f32[batch_size, 6, encoder_sequence_length_out, 64];""",
    2,
)
WHISPER_GROWING = {
    f"past_key_values.{i}.decoder.{part}": f"present.{i}.decoder.{part}"
    for i in range(2)
    for part in ("key", "value")
}
WHISPER_CONSTANT = {
    f"past_key_values.{i}.encoder.{part}": f"present.{i}.encoder.{part}"
    for i in range(2)
    for part in ("key", "value")
}

EXPORTS = (
    Export(
        "parakeet encoder_streaming",
        Role.STREAMING_ENCODER,
        "parakeet-tdt",
        """audio_signal f32[B, 128, T]; length i64[B]; cache_last_channel f32[24, B, 256, 1024];
        cache_last_time f32[24, B, 1024, 4]; cache_last_channel_len i64[B]""",
        ENCODED
        + """cache_last_channel_out f32[24, B, 256, 1024];
        cache_last_time_out f32[24, B, 1024, 4]; cache_last_channel_len_out i64[B]""",
        renamed("cache_last_channel cache_last_time cache_last_channel_len", "*_out"),
    ),
    Export(
        "parakeet encoder",
        Role.ENCODER,
        "parakeet-tdt",
        "audio_signal f32[B, 128, T]; length i64[B]",
        ENCODED,
    ),
    Export(
        "parakeet predictor",
        Role.PREDICTOR,
        "parakeet-tdt",
        "y i64[B, U]; h f32[2, B, 640]; c f32[2, B, 640]",
        "g f32[B, 640, U]; h_out f32[2, B, 640]; c_out f32[2, B, 640]",
        LSTM_STATES,
    ),
    Export(
        "parakeet joint",
        Role.JOINT,
        "parakeet-tdt",
        "encoder_output f32[B, 1024, T]; predictor_output f32[B, 640, U]",
        "joint_output f32[B, T, U, 8198]",
    ),
    Export(
        "nemo cache-aware encoder",
        Role.STREAMING_ENCODER,
        "nemo",
        NEMO_INPUTS,
        "outputs f32[outputs_dynamic_axes_1, 512, outputs_dynamic_axes_2];" + NEMO_OUTPUTS,
        NEMO_STATES,
    ),
    Export(
        "nemo cache-aware ctc",
        Role.CTC,
        "nemo",
        NEMO_INPUTS,
        "logprobs f32[logprobs_dynamic_axes_1, logprobs_dynamic_axes_2, 1025];" + NEMO_OUTPUTS,
        NEMO_STATES,
    ),
    Export(
        "nemotron streaming encoder",
        Role.STREAMING_ENCODER,
        "nemotron-streaming",
        """audio_signal f32[batch, 128, time]; length i64[batch];
        cache_last_channel f32[batch, 24, cache_channel_time, 1024];
        cache_last_time f32[batch, 24, 1024, cache_time_width];
        cache_last_channel_len i64[batch]; prompt_index i64[batch]""",
        """outputs f32[batch, 1024, time_out]; encoded_lengths i64[batch];
        cache_last_channel_next f32[batch, 24, cache_channel_time, 1024];
        cache_last_time_next f32[batch, 24, 1024, cache_time_width];
        cache_last_channel_next_len i64[batch]""",
        NEMO_STATES,
        host=frozenset({"prompt_index"}),
    ),
    Export(
        "nemo encoder",
        Role.ENCODER,
        "nemo",
        "audio_signal f32[audio_signal_dynamic_axes_1, 80, audio_signal_dynamic_axes_2];"
        "length i64[length_dynamic_axes_1]",
        "outputs f32[outputs_dynamic_axes_1, 512, outputs_dynamic_axes_2];"
        "encoded_lengths i64[encoded_lengths_dynamic_axes_1]",
    ),
    Export(
        "nemo ctc",
        Role.CTC,
        "nemo",
        "audio_signal f32[B, 80, T]; length i64[B]",
        "logprobs f32[B, T_out, 1025]",
    ),
    Export(
        "nemo decoder",
        Role.PREDICTOR,
        "nemo",
        """targets i32[targets_dynamic_axes_1, targets_dynamic_axes_2];
        target_length i32[target_length_dynamic_axes_1];
        states.1 f32[2, states.1_dim_1, 640]; onnx::Slice_3 f32[2, 1, 640]""",
        """outputs f32[outputs_dynamic_axes_1, 640, outputs_dynamic_axes_2];
        prednet_lengths i32[prednet_lengths_dynamic_axes_1];
        states f32[2, states_dim_1, 640]; 162 f32[2, 162_dim_1, 640]""",
        {"states.1": "states", "onnx::Slice_3": "162"},
    ),
    Export(
        "nemo decoder of older torch",
        Role.PREDICTOR,
        "nemo",
        """targets i32[B, U]; target_length i32[B];
        states.1 f32[1, B, 640]; onnx::LSTM_3 f32[1, 1, 640]""",
        "outputs f32[B, 640, U]; prednet_lengths i32[B]; states f32[1, B, 640]; 74 f32[1, B, 640]",
        {"states.1": "states", "onnx::LSTM_3": "74"},
    ),
    Export(
        "nemo joint",
        Role.JOINT,
        "nemo",
        "encoder_outputs f32[B, 512, T]; decoder_outputs f32[B, 640, U]",
        """outputs f32[Addoutputs_dim_0, Addoutputs_dim_1, Addoutputs_dim_2,
        Addoutputs_dim_3]""",
    ),
    Export(
        "nemo decoder_joint",
        Role.DECODER_JOINT,
        "nemo",
        """encoder_outputs f32[B, 512, T]; targets i32[B, U]; target_length i32[B];
        input_states_1 f32[2, B, 640]; input_states_2 f32[2, B, 640]""",
        """outputs f32[B, T, U, 1030]; prednet_lengths i32[B];
        output_states_1 f32[2, B, 640]; output_states_2 f32[2, B, 640]""",
        {"input_states_1": "output_states_1", "input_states_2": "output_states_2"},
    ),
    Export(
        "gigaam encoder",
        Role.ENCODER,
        "gigaam",
        "audio_signal f32[batch, 64, time]; length i64[batch]",
        "encoded f32[batch, 768, time_out]; encoded_len i32[batch]",
    ),
    Export(
        "gigaam decoder",
        Role.PREDICTOR,
        "gigaam",
        "x i32[1, 1]; unused_x_len.1 i32[1]; h.1 f32[1, 1, 320]; c.1 f32[1, 1, 320]",
        "dec f32[1, 320, 1]; unused_x_len i32[1]; h f32[1, 1, 320]; c f32[1, 1, 320]",
        {"h.1": "h", "c.1": "c"},
    ),
    Export(
        "gigaam joint",
        Role.JOINT,
        "gigaam",
        "enc f32[B, 768, T]; dec f32[B, 320, U]",
        "joint f32[B, T, U, 513]",
    ),
    Export(
        "zipformer encoder",
        Role.STREAMING_ENCODER,
        "zipformer",
        ZIPFORMER1_INPUTS,
        "encoder_out f32[N, 16, 512];" + new(ZIPFORMER1_INPUTS),
        renamed(
            "cached_len_# cached_avg_# cached_key_# cached_val_# cached_val2_#"
            " cached_conv1_# cached_conv2_#",
            "new_*",
            5,
        ),
    ),
    Export(
        "zipformer2 encoder",
        Role.STREAMING_ENCODER,
        "zipformer2",
        ZIPFORMER2_INPUTS,
        "encoder_out f32[N, 16, 512];" + new(ZIPFORMER2_INPUTS),
        ZIPFORMER2_STATES,
    ),
    Export(
        "zipformer2 ctc",
        Role.CTC,
        "zipformer2",
        ZIPFORMER2_INPUTS,
        "log_probs f32[N, 16, 500];" + new(ZIPFORMER2_INPUTS),
        ZIPFORMER2_STATES,
    ),
    Export(
        "icefall conformer encoder",
        Role.STREAMING_ENCODER,
        "icefall-conformer",
        """x f32[N, T, 80]; cached_attn f32[12, 64, N, 512]; cached_conv f32[12, 30, N, 512];
        processed_lens i64[N]""",
        """encoder_out f32[N, T_out, 512]; new_cached_attn f32[12, 64, N, 512];
        new_cached_conv f32[12, 30, N, 512]""",
        renamed("cached_attn cached_conv", "new_*"),
        host=frozenset({"processed_lens"}),
    ),
    Export(
        "icefall lstm encoder",
        Role.STREAMING_ENCODER,
        "icefall-lstm",
        "x f32[N, 9, 80]; h f32[12, N, 512]; c f32[12, N, 1024]",
        "encoder_out f32[N, 1, 512]; next_h f32[12, N, 512]; next_c f32[12, N, 1024]",
        renamed("h c", "next_*"),
    ),
    Export(
        "icefall lstm encoder with numbers",
        Role.STREAMING_ENCODER,
        "icefall-lstm",
        "x f32[N, 9, 80]; h0 f32[12, N, 512]; c0 f32[12, N, 1024]",
        "encoder_out f32[N, 1, 512]; new_h0 f32[12, N, 512]; new_c0 f32[12, N, 1024]",
        renamed("h0 c0", "new_*"),
    ),
    Export(
        "icefall encoder",
        Role.ENCODER,
        "icefall",
        "x f32[N, T, 80]; x_lens i64[N]",
        "encoder_out f32[N, T, 512]; encoder_out_lens i64[N]",
    ),
    Export("icefall decoder", Role.PREDICTOR, "icefall", "y i64[N, 2]", "decoder_out f32[N, 512]"),
    Export(
        "icefall joiner",
        Role.JOINT,
        "icefall",
        "encoder_out f32[N, 512]; decoder_out f32[N, 512]",
        "logit f32[N, 500]",
    ),
    Export(
        "wenet encoder",
        Role.STREAMING_ENCODER,
        "wenet",
        """chunk f32[1, T, 80]; offset i64[]; required_cache_size i64[];
        att_cache f32[12, 4, T_CACHE, 128]; cnn_cache f32[12, 1, 256, 14];
        att_mask bool[1, 1, T_ADD_T_CACHE]""",
        """output f32[1, T, 256]; r_att_cache f32[12, 4, T_CACHE, 128];
        r_cnn_cache f32[12, 1, 256, 14]""",
        renamed("att_cache cnn_cache", "r_*"),
        host=frozenset({"offset", "required_cache_size", "att_mask"}),
    ),
    Export(
        # 16/-1: unlimited left context needs neither its size nor a mask.
        "wenet encoder with all left context",
        Role.STREAMING_ENCODER,
        "wenet",
        """chunk f32[1, 67, 80]; offset i64[]; att_cache f32[12, 4, T_CACHE, 128];
        cnn_cache f32[12, 1, 256, 14]""",
        """output f32[1, 16, 256]; r_att_cache f32[12, 4, T_CACHE_NEXT, 128];
        r_cnn_cache f32[12, 1, 256, 14]""",
        renamed("cnn_cache", "r_*"),
        renamed("att_cache", "r_*"),
        host=frozenset({"offset"}),
    ),
    Export(
        # 16/0: without left context nothing reads the cache of the attention.
        "wenet encoder without left context",
        Role.STREAMING_ENCODER,
        "wenet",
        "chunk f32[1, 67, 80]; cnn_cache f32[12, 1, 256, 14]",
        "output f32[1, 16, 256]; r_att_cache f32[12, 4, 0, 128]; r_cnn_cache f32[12, 1, 256, 14]",
        renamed("cnn_cache", "r_*"),
    ),
    Export(
        "wenet ctc of sherpa",
        Role.CTC,
        "wenet",
        """x f32[N, T, 80]; offset i64[1]; required_cache_size i64[1];
        attn_cache f32[12, 4, 64, 128]; conv_cache f32[12, N, 256, 7];
        attn_mask bool[1, 1, T_MASK]""",
        """log_probs f32[N, T_out, 5002]; next_att_cache f32[12, 4, 64, 128];
        next_conv_cache f32[12, N, 256, 7]""",
        {"attn_cache": "next_att_cache", "conv_cache": "next_conv_cache"},
        host=frozenset({"offset", "required_cache_size", "attn_mask"}),
    ),
    Export(
        "paraformer-online encoder",
        Role.ENCODER,
        "paraformer-online",
        "speech f32[batch_size, feats_length, 560]; speech_lengths i32[batch_size]",
        "enc f32[batch_size, feats_length, 512]; enc_len i32[batch_size];"
        "alphas f32[batch_size, feats_length]",
        host=frozenset({"speech"}),
    ),
    Export(
        "paraformer-online decoder",
        Role.OTHER,
        "paraformer-online",
        "enc f32[batch_size, enc_length, 512]; enc_len i32[batch_size];"
        "acoustic_embeds f32[batch_size, token_length, 512]; acoustic_embeds_len i32[batch_size];"
        + numbered("in_cache_# f32[batch_size, 512, 10];", 16),
        "logits f32[batch_size, token_length, 8404]; sample_ids i64[batch_size, token_length];"
        + numbered("out_cache_# f32[batch_size, 512, 10];", 16),
        {f"in_cache_{number}": f"out_cache_{number}" for number in range(16)},
        host=frozenset({"acoustic_embeds"}),
    ),
    Export(
        "t-one",
        Role.CTC,
        "t-one",
        "signal i32[batch_size, 2400, 1]; state f16[batch_size, 219729]",
        "logprobs f32[batch_size, 10, 35]; state_next f16[batch_size, 219729]",
        {"state": "state_next"},
    ),
    Export(
        "silero vad v4",
        Role.VAD,
        "silero-vad-v4",
        "input f32[batch, sequence]; sr i64[]; h f32[2, batch, 64]; c f32[2, batch, 64]",
        "output f32[batch, 1]; hn f32[2, batch, 64]; cn f32[2, batch, 64]",
        {"h": "hn", "c": "cn"},
        host=frozenset({"sr"}),
    ),
    Export(
        "silero vad v4 of k2",
        Role.VAD,
        "silero-vad-v4",
        "x f32[1, 512]; h f32[2, 1, 64]; c f32[2, 1, 64]",
        "prob f32[1, 1]; new_h f32[2, 1, 64]; new_c f32[2, 1, 64]",
        renamed("h c", "new_*"),
    ),
    Export(
        "silero vad v4 of k2 as its script shows it",
        Role.VAD,
        "silero-vad-v4",
        "x f32[1, 512]; h f32[2, 1, 64]; c f32[2, 1, 64]",
        "prob f32[1, 1]; next_h f32[2, 1, 64]; next_c f32[2, 1, 64]",
        renamed("h c", "next_*"),
    ),
    Export(
        "silero vad v5",
        Role.VAD,
        "silero-vad-v5",
        "input f32[?, ?]; state f32[2, ?, 128]; sr i64[]",
        "output f32[?, 1]; stateN f32[?, ?, ?]",
        {"state": "stateN"},
        host=frozenset({"input", "sr"}),
    ),
    Export(
        "whisper decoder of sherpa",
        Role.OTHER,
        "whisper-sherpa",
        """tokens i64[n_audio, n_tokens]; in_n_layer_self_k_cache f32[4, n_audio, 448, 384];
        in_n_layer_self_v_cache f32[4, n_audio, 448, 384];
        n_layer_cross_k f32[4, n_audio, T, 384]; n_layer_cross_v f32[4, n_audio, T, 384];
        offset i64[1]""",
        """logits f32[n_audio, n_tokens, 51865];
        out_n_layer_self_k_cache f32[4, n_audio, 448, 384];
        out_n_layer_self_v_cache f32[4, n_audio, 448, 384]""",
        {f"in_n_layer_self_{part}_cache": f"out_n_layer_self_{part}_cache" for part in ("k", "v")},
        host=frozenset({"offset", "n_layer_cross_k", "n_layer_cross_v"}),
    ),
    Export(
        "whisper encoder of sherpa",
        Role.ENCODER,
        "whisper-sherpa",
        "mel f32[n_audio, 80, T]",
        "n_layer_cross_k f32[4, n_audio, T, 384]; n_layer_cross_v f32[4, n_audio, T, 384]",
    ),
    Export(
        "whisper decoder_model_merged of optimum",
        Role.OTHER,
        "whisper-hf",
        "input_ids i64[batch_size, decoder_sequence_length];"
        "encoder_hidden_states f32[batch_size, encoder_sequence_length_out, 384];"
        f"{WHISPER_PAST} use_cache_branch bool[1]",
        "logits f32[batch_size, decoder_sequence_length, 51865];" + WHISPER_PRESENT + WHISPER_CROSS,
        WHISPER_CONSTANT,
        WHISPER_GROWING,
        frozenset({"use_cache_branch"}),
    ),
    Export(
        "whisper decoder_with_past_model of optimum",
        Role.OTHER,
        "whisper-hf",
        f"input_ids i64[batch_size, 1]; {WHISPER_PAST}",
        f"logits f32[batch_size, 1, 51865]; {WHISPER_PRESENT}",
        growing=WHISPER_GROWING,
        host=frozenset(WHISPER_CONSTANT),
    ),
    Export(
        "whisper decoder_model of optimum",
        Role.OTHER,
        "whisper-hf",
        "input_ids i64[batch_size, T]; encoder_hidden_states f32[batch_size, S, 384]",
        "logits f32[batch_size, T, 51865];" + WHISPER_PRESENT + WHISPER_CROSS,
    ),
    Export(
        "whisper encoder_model of optimum",
        Role.ENCODER,
        "whisper-hf",
        "input_features f32[batch_size, 80, 3000]",
        "last_hidden_state f32[batch_size, 1500, 384]",
    ),
    Export(
        "encoder_model of Speech2Text",
        Role.ENCODER,
        "huggingface",
        "input_features f32[batch_size, T, 80]; attention_mask i64[batch_size, T]",
        "last_hidden_state f32[batch_size, T_out, 256]",
    ),
    Export(
        "decoder_model of T5",
        Role.OTHER,
        "huggingface",
        """encoder_attention_mask i64[batch_size, S]; input_ids i64[batch_size, T];
        encoder_hidden_states f32[batch_size, S, 512]""",
        "logits f32[batch_size, T, 32128];" + WHISPER_PRESENT + WHISPER_CROSS,
    ),
    Export(
        "decoder_with_past_model of T5",
        Role.OTHER,
        "huggingface",
        f"encoder_attention_mask i64[batch_size, S]; input_ids i64[batch_size, 1]; {WHISPER_PAST}",
        f"logits f32[batch_size, 1, 32128]; {WHISPER_PRESENT}",
        growing=WHISPER_GROWING,
        host=frozenset(WHISPER_CONSTANT),
    ),
    Export(
        "moonshine preprocess",
        Role.OTHER,
        "moonshine",
        "args_0 f32[?, ?]",
        "sequential f32[?, ?, 288]",
    ),
    Export(
        "model of Keras with the same names",
        Role.OTHER,
        None,
        "args_0 f32[?, ?]",
        "sequential f32[?, 10]",
    ),
    Export(
        "moonshine encode",
        Role.ENCODER,
        "moonshine",
        "args_0 f32[?, ?, 288]; args_1 i32[?]",
        "layer_normalization_12 f32[?, ?, 288]",
    ),
    Export(
        "moonshine uncached_decode",
        Role.OTHER,
        "moonshine",
        "args_0 i32[?, ?]; args_1 f32[?, ?, 288]; args_2 i32[?]",
        "reversible_embedding f32[?, ?, 32768];"
        "functional_22 f32[?, ?, 8, 36]; functional_23 f32[?, ?, 8, 36]",
        host=frozenset({"args_2"}),
    ),
    Export(
        "moonshine cached_decode",
        Role.OTHER,
        "moonshine",
        "args_0 i32[?, ?]; args_1 f32[?, ?, 288]; args_2 i32[?]; args_3 f32[?, ?, 8, 36];"
        "args_4 f32[?, ?, 8, 36]",
        "reversible_embedding f32[?, ?, 32768];"
        "functional_22 f32[?, ?, 8, 36]; functional_23 f32[?, ?, 8, 36]",
        growing={"args_3": "functional_22", "args_4": "functional_23"},
        host=frozenset({"args_2"}),
    ),
    Export(
        "moonshine cached_decode with a name for its step",
        Role.OTHER,
        "moonshine",
        "args_0 i32[?, ?]; args_1 f32[?, ?, 288]; seq_len i32[?]; args_3 f32[?, ?, 8, 36];"
        "args_4 f32[?, ?, 8, 36]",
        "reversible_embedding f32[?, ?, 32768];"
        "functional_22 f32[?, ?, 8, 36]; functional_23 f32[?, ?, 8, 36]",
        growing={"args_3": "functional_22", "args_4": "functional_23"},
        host=frozenset({"seq_len"}),
    ),
    Export(
        "canary decoder of sherpa",
        Role.OTHER,
        "canary-sherpa",
        "decoder_input_ids i32[batch, tokens];"
        + numbered("decoder_mems_list_# f32[batch, tokens, 1024];", 6).replace("tokens", "past")
        + "enc_states f32[batch, time, 1024]; enc_mask bool[batch, time]",
        "logits f32[batch, tokens, 5248];"
        + numbered("next_decoder_mem_list_# f32[batch, past_next, 1024];", 6),
        growing={
            f"decoder_mems_list_{number}": f"next_decoder_mem_list_{number}" for number in range(6)
        },
    ),
    Export(
        "canary decoder of onnx-asr",
        Role.OTHER,
        "canary",
        """input_ids i64[batch, tokens]; encoder_embeddings f32[batch, time, 1024];
        encoder_mask i64[batch, time]; decoder_mems f32[10, batch, past, 1024]""",
        "logits f32[batch, tokens, 5248]; decoder_hidden_states f32[10, batch, ?, 1024]",
        growing={"decoder_mems": "decoder_hidden_states"},
    ),
)

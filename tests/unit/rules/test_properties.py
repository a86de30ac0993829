"""M003: what an encoder says of itself in metadata_props is held against the graphs."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from onnxtool.model.signature import signature
from onnxtool.rules.contents.properties import missing_runtime_metadata
from onnxtool.rules.contents.strides import time_stride
from onnxtool.rules.engine import check
from onnxtool.rules.subject import GraphSubject, Settings
from onnxtool.rules.target import parse_target
from tests.support.models import SAMPLES, WORDS_TDT, parse, view, write

STREAMING = SAMPLES / "words-tdt-streaming"


def with_properties(proto: onnx.ModelProto, properties: dict[str, str]) -> onnx.ModelProto:
    for key, value in properties.items():
        proto.metadata_props.add(key=key, value=value)
    return proto


def messages(proto: onnx.ModelProto, *targets: str, **properties: str) -> list[str]:
    model = view(with_properties(proto, properties))
    settings = Settings(targets=tuple(map(parse_target, targets)))
    subject = GraphSubject("encoder.onnx", model, signature(model), settings)
    assert missing_runtime_metadata.on_graph
    return [problem.message for problem in missing_runtime_metadata.on_graph(subject)]


@pytest.fixture(scope="module")
def offline() -> bytes:
    return (WORDS_TDT / "encoder.onnx").read_bytes()


def test_the_subsampling_is_the_product_of_the_strides_over_time(offline: bytes) -> None:
    good = onnx.ModelProto.FromString(offline)
    assert messages(good, subsampling_factor="8", feat_dim="80") == []
    (message,) = messages(onnx.ModelProto.FromString(offline), subsampling_factor="4")
    stages = ", ".join(f"`main:/pre_encode/conv/conv.{n}/Conv`" for n in (0, 2, 5))
    assert message == f"`subsampling_factor` is '4', and the strides over time of {stages} make 8"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("feat_dim", "128", "and `audio_signal` has 80"),
        ("n_mels", "81", "and `audio_signal` has 80"),
        ("subsampling_factor", "eight", "'eight', and the strides over time of"),
        ("subsampling_factor", "", "'', and the strides over time of"),
        ("model_type", "", ""),
        ("feat_dim", "-1", ""),
        ("model_type", "EncDecRNNTBPEModel", ""),
        ("window_size", "57", ""),
        ("comment", "8", ""),
    ],
)
def test_a_key_is_held_against_the_graph(offline: bytes, key: str, value: str, told: str) -> None:
    found = messages(
        onnx.ModelProto.FromString(offline),
        **{"subsampling_factor": "8", "n_mels": "80"} | {key: value},
    )
    assert [message.startswith(f"`{key}` is ") and told in message for message in found] == (
        [True] if told else []
    )


def conv(stages: str, names: str = "audio_signal outputs") -> onnx.ModelProto:
    audio, output = names.split()
    return parse(f"""
        encoder (float[B, 4, T] {audio}, int64[B] length)
            => (float[B, D, S] {output}, int64[B] encoded_lengths)
            <float[4, 4, 3] w, float[1, 1, 3, 3] w2, int64[1] one = {{1}}, int64[1] two = {{2}},
             int64[1] three = {{3}}, int64[1] zero = {{0}}, int64[1] last = {{1000000}}> {{
            {stages}
            encoded_lengths = Identity(length)
        }}""")


STAGES = {
    "one convolution": ("outputs = Conv <strides = [2], pads = [1, 1]> (audio_signal, w)", 2),
    "two, and one of stride 1": (
        """a = Conv <strides = [2]> (audio_signal, w)  b = Conv <strides = [1]> (a, w)
        outputs = Conv <strides = [3]> (b, w)""",
        6,
    ),
    "of two axes, with the time first": (
        """turned = Transpose <perm = [0, 2, 1]> (audio_signal)
        a = Unsqueeze(turned, one)
        b = Conv <strides = [4, 2], pads = [1, 1, 1, 1]> (a, w2)
        c = Squeeze(b, one)
        outputs = Transpose <perm = [0, 2, 1]> (c)""",
        4,
    ),
    "of two axes, with the time last": (
        """a = Unsqueeze(audio_signal, one)
        b = Conv <strides = [4, 2], pads = [1, 1, 1, 1]> (a, w2)
        outputs = Squeeze(b, one)""",
        2,
    ),
    "of the features alone": (
        """a = Unsqueeze(audio_signal, one)
        b = Conv <strides = [4, 1], pads = [1, 1, 1, 1]> (a, w2)
        outputs = Squeeze(b, one)""",
        None,
    ),
    "pooled": ("outputs = MaxPool <kernel_shape = [3], strides = [3]> (audio_signal)", 3),
    "every second frame": (
        "outputs = Slice(audio_signal, zero, last, two, two)",
        2,
    ),
    "every second feature": ("outputs = Slice(audio_signal, zero, last, one, two)", None),
    "beside a path without": (
        """a = Conv <strides = [2]> (audio_signal, w)
        b = Slice(audio_signal, zero, three, two)
        outputs = Add(a, b)""",
        2,
    ),
    "in a branch": (
        """size = Shape(length) yes = Less(size, three) sure = Squeeze(yes)
        outputs = If(sure) <
            then_branch = some () => (p) { p = Conv <strides = [2]> (audio_signal, w) },
            else_branch = other () => (q) { q = Conv <strides = [2]> (audio_signal, w) }
        >""",
        2,
    ),
    "upsampled again": (
        """a = Conv <strides = [2]> (audio_signal, w)
        outputs = ConvTranspose <strides = [2]> (a, w)""",
        None,
    ),
    "none": ("outputs = Relu(audio_signal)", None),
}


@pytest.mark.parametrize(("stages", "factor"), STAGES.values(), ids=STAGES.keys())
def test_strides_are_followed_along_the_time(stages: str, factor: int | None) -> None:
    model = view(conv(stages))
    stride = time_stride(model, signature(model))
    assert (stride.factor if stride else None) == factor


def test_strides_in_functions_count_in_every_call() -> None:
    proto = parse("""
        encoder (float[B, 4, T] audio_signal, int64[B] length)
            => (float[B, 4, S] outputs, int64[B] encoded_lengths) <float[4, 4, 3] w> {
            a = local.Stage(audio_signal, w)
            outputs = local.Stage(a, w)
            encoded_lengths = Identity(length)
        }
        <domain: "local", opset_import: ["" : 20]>
        Stage (x, weight) => (y) { c = Conv <strides = [2]> (x, weight)  y = Relu(c) }""")
    model = view(proto)
    stride = time_stride(model, signature(model))
    assert stride
    assert stride.factor == 4
    assert [str(stage) for stage in stride.stages] == ["local::Stage:Conv:c"] * 2


def test_other_encoders_may_stack_frames_besides() -> None:
    names = "outputs = Conv <strides = [2]> (audio_signal, w)"
    other = names.replace("outputs", "other").replace("audio_signal", "speech")

    def told(factor: str) -> list[str]:
        return messages(conv(other, "speech other"), subsampling_factor=factor)

    assert signature(view(conv(other, "speech other"))).family is None
    assert told("2") == told("4") == []
    (message,) = told("3")
    assert message.endswith("make 2, or a multiple of it")
    # NeMo's do not.
    assert messages(conv(names), subsampling_factor="4")


def test_a_schedule_is_held_against_what_was_promised(tmp_path: Path) -> None:
    proto = onnx.load(STREAMING / "encoder_streaming.onnx")
    good = {"window_size": "41", "chunk_shift": "32", "cache_last_channel_dim2": "20"}
    write(tmp_path / "encoder_streaming.onnx", with_properties(proto, good))
    (tmp_path / "streaming.json").write_text((STREAMING / "streaming.json").read_text())

    def told() -> list[str]:
        found = check(tmp_path, select=["M003"], settings=Settings(run=False)).findings
        return [finding.message for finding in found]

    assert told() == []
    for entry in proto.metadata_props:
        entry.value = str(int(entry.value) + 1)
    write(tmp_path / "encoder_streaming.onnx", proto)
    assert told() == [
        "`cache_last_channel_dim2` is '21', and `cache_last_channel` has 20",
        "`window_size` is '42', and chunk and cache before it are 32 and 9 in streaming.json",
        "`chunk_shift` is '33', and chunk and shift are 32 in streaming.json",
    ]


def test_a_kind_of_model_is_held_against_the_folder(tmp_path: Path) -> None:
    encoder = onnx.load(WORDS_TDT / "encoder.onnx")
    write(tmp_path / "encoder.onnx", with_properties(encoder, {"model_type": "EncDecCTCModelBPE"}))
    (tmp_path / "joint.onnx").write_bytes((WORDS_TDT / "joint.onnx").read_bytes())
    (finding,) = check(tmp_path, select=["M003"], settings=Settings(run=False)).findings
    assert (
        finding.message == "`model_type` is 'EncDecCTCModelBPE', and joint.onnx is a transducer's"
    )
    encoder.metadata_props[0].value = "EncDecHybridRNNTCTCBPEModel"
    write(tmp_path / "encoder.onnx", encoder)
    assert not check(tmp_path, select=["M003"], settings=Settings(run=False)).findings


def test_a_ctc_model_is_no_transducer() -> None:
    text = """ctc (float[B, 4, T] audio_signal, int64[B] length) => (float[B, T, 7] logprobs)
        <float[4, 7] w> {
            turned = Transpose <perm = [0, 2, 1]> (audio_signal)
            logprobs = MatMul(turned, w)
        }"""
    (message,) = messages(parse(text), model_type="EncDecRNNTBPEModel")
    assert message == "`model_type` is 'EncDecRNNTBPEModel', and this graph is a CTC model"
    for fine in ("EncDecCTCModelBPE", "EncDecHybridRNNTCTCBPEModel", "zipformer2_ctc"):
        assert messages(parse(text), model_type=fine) == []


@pytest.mark.parametrize("text", ["", "NA", "per_feature"])
def test_sherpa_onnx_knows_few_normalizations(offline: bytes, text: str) -> None:
    keys = dict.fromkeys(("vocab_size", "pred_rnn_layers", "pred_hidden"), "1")
    keys |= {"subsampling_factor": "8"}
    fine = onnx.ModelProto.FromString(offline)
    assert messages(fine, "sherpa-onnx", normalize_type=text, **keys) == []
    (message,) = messages(
        onnx.ModelProto.FromString(offline), "sherpa-onnx", normalize_type="all_features", **keys
    )
    assert "knows '', 'NA', 'per_feature' only; sherpa-onnx says: Only normalize_type=" in message


def test_what_is_said_in_the_contract_is_named(tmp_path: Path) -> None:
    encoder = onnx.load(WORDS_TDT / "encoder.onnx")
    write(tmp_path / "encoder.onnx", with_properties(encoder, {"vocab_size": "36"}))
    contract = {"decode": {"vocab_size": 35}}
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    (finding,) = check(tmp_path, select=["M003"], settings=Settings(run=False)).findings
    assert finding.message == "`vocab_size` is '36', and contract.json has 35"


DECODER = """
    decoder (int64[N, 2] y) => (float[N, 4] decoder_out) <float[9, 4] w> {
        rows = Gather(w, y)
        one = Constant <value = int64[1] {1}> ()
        decoder_out = ReduceSum <keepdims = 0> (rows, one)
    }"""
JOINER = """
    joiner (float[N, 4] encoder_out, float[N, 4] decoder_out) => (float[N, 9] logit) <float[4, 9] w>
    {
        sum = Add(encoder_out, decoder_out)
        logit = MatMul(sum, w)
    }"""


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"vocab_size": "9", "context_size": "2"}, []),
        ({"vocab_size": "9"}, ["no `context_size` in metadata_props"]),
        ({"vocab_size": "8", "context_size": "2"}, ["`vocab_size` is '8', and `logit` of joiner"]),
        ({"vocab_size": "9", "context_size": "1"}, ["`context_size` is '1', and `y` has 2"]),
    ],
)
def test_what_icefalls_decoder_says_of_itself(
    properties: dict[str, str], told: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "decoder.onnx", with_properties(parse(DECODER), properties))
    write(tmp_path / "joiner.onnx", parse(JOINER))
    settings = Settings(run=False, targets=(parse_target("sherpa-onnx"),))
    found = check(tmp_path, select=["M003"], settings=settings).findings
    assert [finding.model for finding in found] == ["decoder.onnx"] * len(told)
    assert all(f.message.startswith(t) for f, t in zip(found, told, strict=True))


def test_nothing_is_asked_of_the_keys_of_nemos_predictor() -> None:
    settings = Settings(run=False, targets=(parse_target("sherpa-onnx"),))
    report = check(WORDS_TDT / "predictor.onnx", select=["M003"], settings=settings)
    assert not report.findings
    assert [skip.rule.code for skip in report.skipped] == ["M003"]

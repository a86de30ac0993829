from __future__ import annotations

from pathlib import Path

import onnx.parser
import pytest

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.examples.encoder import encoder
from onnxtool.rules.report import CheckReport, Finding
from onnxtool.rules.subject import Settings
from onnxtool.runtime.session import Limits
from tests.support.models import WORDS_TDT, write
from tests.unit.runtime.test_session import ENDLESS

RUN = Settings(run=True)


def checked(folder: Path, text: str, *codes: str) -> CheckReport:
    path = write(folder / "model.onnx", onnx.parser.parse_model(text))
    return check(path, select=codes, settings=RUN)


def only(report: CheckReport) -> Finding:
    (finding,) = report.findings
    return finding


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (16, "runs at 64, not at 1, 17, 41, 57, 100, 101, 1000"),
        (25, "runs at 100, 1000, not at 1, 17, 41, 57, 64, 101: "),
        (250, "runs at 1000, not at 1, 17, 41, 57, 64, 100, 101, 1101: "),
    ],
)
def test_a_size_that_was_baked_in(tmp_path: Path, frames: int, told: str) -> None:
    fixed = f"""
        fixed = Constant <value = int64[3] {{-1, 2, {frames}}}> ()
        outputs = Reshape(frames, fixed)"""
    finding = only(checked(tmp_path, encoder(outputs=fixed), "I006", "M008"))
    assert finding.rule.code == "I006"
    assert finding.severity is Severity.ERROR
    assert finding.location == "T"
    assert finding.message.startswith(told)


def test_a_batch_of_one(tmp_path: Path) -> None:
    single = """
        first_only = Squeeze(frames, zero)
        outputs = Unsqueeze(first_only, zero)"""
    finding = only(checked(tmp_path, encoder(outputs=single), "I006"))
    assert finding.location == "B"
    assert finding.message.startswith("runs at 1, not at 2, 3")


def test_an_utterance_that_is_not_the_same_in_a_batch(tmp_path: Path) -> None:
    centered = """
        time = Constant <value = int64[1] {2}> ()
        mean = ReduceMean <keepdims = 1> (masked, time)
        centered = Sub(masked, mean)
        pooled = Conv <group = 2, kernel_shape = [4], strides = [4], pads = [0, 3]>
            (centered, kernel)"""
    finding = only(checked(tmp_path, encoder(pooled=centered), "I006"))
    assert finding.message.startswith("an utterance of 60 feature frames differs, alone and padded")


def test_lengths_that_are_not_those_of_the_frames(tmp_path: Path) -> None:
    text = encoder(counted="longer = Identity(length)")
    finding = only(checked(tmp_path, text, "I006"))
    assert finding.message == "1 feature frames give 1 frames, and the length says 0"


def test_masking_is_part_of_using_the_length(tmp_path: Path) -> None:
    text = encoder(masked="masked = Identity(audio_signal)")
    finding = only(checked(tmp_path, text, "I005"))
    assert finding.severity is Severity.WARNING
    assert "nothing is masked" in finding.message


def test_what_a_sample_does_with_lengths() -> None:
    report = check(WORDS_TDT, select=["I"])
    told = {(f.rule.code, f.model): f for f in report.findings}
    refused = told["I004", "encoder.onnx"]
    assert refused.severity is Severity.WARNING
    assert refused.message.endswith("one length for two utterances runs, and gives lengths [13]")
    assert told["I006", "encoder_streaming.onnx"].message == "needs at least 17"
    assert "512 encoder frames" in told["I007", "encoder.onnx"].message
    assert not any(finding.severity is Severity.ERROR for finding in report.findings)


def test_a_graph_that_hangs_is_found_and_not_asked_again(tmp_path: Path) -> None:
    path = write(tmp_path / "endless.onnx", ENDLESS)
    settings = Settings(run=True, limits=Limits(time_s=2.0))
    report = check(path, select=["M008"], settings=settings)
    assert only(report).message == "a run took more than 2 s"


def test_a_graph_that_is_not_loaded_is_told_once(tmp_path: Path) -> None:
    text = encoder(outputs="outputs = Unknown(frames)")
    report = checked(tmp_path, text, "M008", "I004", "I005", "I006")
    assert {finding.rule.code for finding in report.findings} == {"M008"}
    assert "does not load it" in only(report).message
    assert {skip.rule.code for skip in report.skipped} == {"I004", "I005", "I006"}


def test_whisper_takes_thirty_seconds_and_nothing_else(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
        g (float[B, 80, 3000] input_features) => (float[B, 80, 3000] last_hidden_state)
        { last_hidden_state = Relu(input_features) }"""
    assert not checked(tmp_path, text, "I002").findings
    nemo = text.replace("input_features", "audio_signal").replace("last_hidden_state", "logprobs")
    assert "no dynamic axis of time" in only(checked(tmp_path, nemo, "I002")).message


STATELESS = """
    known = Clip(y, zero)
    rows = Gather(table, known)
    is_padding = Less(y, zero)
    is_token = Not(is_padding)
    each = Cast <to = 1> (is_token)
    mask = Unsqueeze(each, two)
    embedded = Mul(rows, mask)
    channels = Transpose <perm = [0, 2, 1]> (embedded)
    joined = Conv <group = 2, kernel_shape = [2]> (channels, kernel)
    frames = Transpose <perm = [0, 2, 1]> (joined)
    active = Relu(frames)
    decoder_out = Squeeze(active, one)
"""


def predictor(nodes: str, given: str, taken: str = "int64[N, 2] y") -> str:
    """A predictor of 3 tokens, in parts like those of icefall's."""
    return f"""<ir_version: 8, opset_import: ["" : 17]>
        decoder ({taken}) => ({given})
        <float[3, 4] table = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
         float[4, 2, 2] kernel = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
         int64 zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}> {{ {nodes} }}"""


def test_a_stateless_predictor_takes_a_context_of_its_own_size(tmp_path: Path) -> None:
    text = predictor(STATELESS, "float[N, 4] decoder_out")
    report = checked(tmp_path, text, "I", "M")
    assert not report.findings
    kept = STATELESS.replace("decoder_out = Squeeze(active, one)", "decoder_out = Relu(frames)")
    assert not checked(tmp_path, predictor(kept, "float[N, 1, 4] decoder_out"), "I002").findings


def test_a_predictor_that_gives_an_output_for_each_token_may_take_any_number(
    tmp_path: Path,
) -> None:
    text = predictor("decoder_out = Gather(table, y)", "float[N, 2, 4] decoder_out")
    assert "the number of tokens is fixed" in only(checked(tmp_path, text, "I002")).message


def test_a_predictor_with_a_state_needs_no_context(tmp_path: Path) -> None:
    nodes = f"{STATELESS} h_out = Add(h, decoder_out)"
    text = predictor(
        nodes, "float[N, 4] decoder_out, float[N, 4] h_out", "int64[N, 2] y, float[N, 4] h"
    )
    assert "the number of tokens is fixed" in only(checked(tmp_path, text, "I002")).message


def test_a_joiner_takes_a_batch_of_frames(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
        joiner (float[N, 4] encoder_out, float[N, 4] decoder_out) => (float[N, 4] logit)
        { logit = Add(encoder_out, decoder_out) }"""
    assert not checked(tmp_path, text, "I002").findings
    found = checked(tmp_path, text.replace("N, 4", "1, 4"), "I002").findings
    assert any("one frame, or one symbol, a call" in finding.message for finding in found)

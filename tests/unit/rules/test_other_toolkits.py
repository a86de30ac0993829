"""Folders of other toolkits' models: what is usual there is nothing to report."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.models import model, write

CTC = """g (float[B, 80, T] audio_signal, int64[B] length) => (float[B, T, 4] logprobs)
    <float[80, 4] w> {
    turned = Transpose <perm = [0, 2, 1]> (audio_signal)
    scores = MatMul (turned, w)
    logprobs = LogSoftmax (scores)
}"""
JOINER = """g (float[N, 2] encoder_out, float[N, 2] decoder_out) => (float[N, 4] logit)
    <float[2, 4] w> { sum = Add (encoder_out, decoder_out)  logit = MatMul (sum, w) }"""


def checked(folder: Path, *codes: str) -> CheckReport:
    report = check(folder, select=codes, settings=Settings(run=False))
    assert not report.failed
    return report


@pytest.mark.parametrize(
    ("graph", "tokens", "told"),
    [
        (JOINER, "<blk> a b c", []),
        (JOINER, "a b c <blk>", []),
        (JOINER, "a <blk> b c", ["the blank is 1, and the last id is 3"]),
        (CTC, "<blk> a b c", ["the blank is 0, and the last id is 3"]),
    ],
)
def test_the_blank_is_last_in_nemo_and_may_be_first_elsewhere(
    graph: str, tokens: str, told: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "model.onnx", model(graph))
    lines = [f"{token} {place}\n" for place, token in enumerate(tokens.split())]
    (tmp_path / "tokens.txt").write_text("".join(lines))
    assert [finding.message for finding in checked(tmp_path, "B004").findings] == told


def test_an_offline_model_may_normalize_over_the_utterance(tmp_path: Path) -> None:
    offline = model(CTC)
    offline.metadata_props.add(key="normalize_type", value="per_feature")
    write(tmp_path / "model.onnx", offline)
    report = checked(tmp_path, "S014")
    assert not report.findings
    assert [skip.reason for skip in report.skipped] == ["no graph of the folder streams"]

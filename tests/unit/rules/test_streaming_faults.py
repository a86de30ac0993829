"""The sound streaming sample has no error, and each planted fault turns its own rule red."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from tests.support.faults import (
    FIRST,
    LATER,
    STREAMING,
    cut_cache,
    drop_too_many,
    pad_wrong_side,
    plant,
    streaming_bundle,
)
from tests.support.models import WORDS_TDT

# What is true of NeMo's own graphs, and no fault of an export: the padding of a batch is cached.
KNOWN = {"S017"}


def reported(report: CheckReport) -> dict[str, set[str]]:
    """Rules that found something, besides what is known, and in which graphs."""
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        if finding.rule.code not in KNOWN:
            found.setdefault(finding.rule.code, set()).add(finding.model)
    return found


def test_the_sound_sample_has_no_error() -> None:
    report = check(STREAMING, select=["S"])
    assert not reported(report)
    assert {finding.severity for finding in report.findings} == {Severity.WARNING}
    assert {skip.rule.code for skip in report.skipped} == {"S010", "S012", "S014"}
    assert {rule.code for rule in report.checked} >= {f"S{number:03}" for number in range(1, 14)}


@pytest.mark.parametrize(
    ("fault", "code"),
    [(drop_too_many, "S008"), (cut_cache, "S002"), (pad_wrong_side, "S005")],
)
def test_a_planted_fault_turns_its_rule_red(
    fault: Callable[[onnx.GraphProto], None], code: str, tmp_path: Path
) -> None:
    plant(streaming_bundle(tmp_path), LATER, fault)
    assert reported(check(tmp_path, select=["S"])) == {code: {LATER}}


def test_without_the_graph_of_the_first_chunk_the_start_is_lost(tmp_path: Path) -> None:
    streaming_bundle(tmp_path, "encoder.onnx", LATER)
    report = check(tmp_path, select=["S"])
    assert reported(report) == {"S010": {LATER}}
    (finding,) = (f for f in report.findings if f.rule.code == "S010")
    assert "the first 16 are lost, unless the host puts 16 zeros before them" in finding.message


def test_a_promise_that_is_not_kept_is_told_by_its_field(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, drop_too_many)
    shutil.copy(STREAMING / "streaming.json", tmp_path)
    (finding,) = check(tmp_path, select=["S009"]).findings
    assert (finding.model, finding.location) == (LATER, "cache_drop_size")
    assert finding.message == (
        "streaming.json says 0, and a call keeps 2 encoder frames out of the caches"
    )


def test_an_offline_model_in_chunks() -> None:
    report = check(WORDS_TDT, select=["S"])
    assert reported(report).keys() == {"S004", "S010", "S012", "S013"}
    assert {finding.severity for finding in report.findings} == {Severity.WARNING}
    (silent,) = (f for f in report.findings if f.rule.code == "S004")
    assert silent.message.startswith("place 3 of 4 is zero in every step")


def test_the_first_graph_alone_streams_in_itself(tmp_path: Path) -> None:
    report = check(streaming_bundle(tmp_path, FIRST), select=["S"])
    assert not any(finding.severity is Severity.ERROR for finding in report.findings)

"""Each cause, planted in a healthy bundle, turns its own rule red and no other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from onnxtool.rules import subject
from onnxtool.rules.catalog import CATALOG
from tests.support.planted.cause import (
    FOR_ONNX_ASR,
    FOR_SHERPA,
    FOR_SHERPA_RNNT,
    QUANTIZED,
    RUN,
    SMALL,
    STREAMING_WORDS,
    WORDS,
    Cause,
    Found,
    Healthy,
)
from tests.support.planted.graphs import FIRST, LATER
from tests.support.planted.table import CAUSES
from tests.support.planted.words import STREAMING
from tests.support.sessions import LocalSession

# What torch leaves behind, and how long a recording, or a window, may and must be: no faults.
LEFT = {("M005", "encoder.onnx"), ("I007", "encoder.onnx")}
LIMITED = {("I007", LATER), ("I007", FIRST)}
NEEDS_A_FRAME = {("I006", LATER)}
KNOWN = {
    WORDS: LEFT,
    STREAMING_WORDS: LEFT | {("M005", STREAMING), ("I007", STREAMING)},
    SMALL: LIMITED,
    RUN: LIMITED | NEEDS_A_FRAME,
    FOR_SHERPA: LIMITED,
    replace(FOR_SHERPA, run=True): LIMITED | NEEDS_A_FRAME,
    FOR_SHERPA_RNNT: LIMITED,
    replace(FOR_SHERPA_RNNT, run=True): LIMITED | NEEDS_A_FRAME,
    FOR_ONNX_ASR: set(),
    QUANTIZED: LIMITED | NEEDS_A_FRAME,
}


@pytest.fixture(autouse=True)
def _local_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "Session", LocalSession)


@cache
def found_in(healthy: Healthy) -> Found:
    with TemporaryDirectory() as folder:
        healthy.build(Path(folder))
        return healthy.found(Path(folder))


@pytest.mark.parametrize("healthy", KNOWN)
def test_nothing_is_found_in_a_healthy_bundle(healthy: Healthy) -> None:
    assert found_in(healthy).red == KNOWN[healthy]


def test_each_rule_answers_in_a_healthy_bundle() -> None:
    answered = frozenset[str]().union(*(found_in(healthy).answered for healthy in KNOWN))
    assert answered == {rule.code for rule in CATALOG}


def test_each_rule_has_a_cause() -> None:
    assert {cause.code for cause in CAUSES} == {rule.code for rule in CATALOG}


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_a_planted_cause_turns_its_own_rule_red(cause: Cause, tmp_path: Path) -> None:
    cause.healthy.build(tmp_path)
    cause.plant(tmp_path)
    red = cause.healthy.found(tmp_path).red - found_in(cause.healthy).red
    assert {code for code, _ in red} == {cause.code, *cause.also}

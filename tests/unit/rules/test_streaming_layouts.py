"""Sound encoders with another interface than NeMo's usual one have no error, and are checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.parser
import pytest

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.examples.streaming import FILES, INTERFACE, encoder, folder
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.faults import FIRST, LATER, plant, streaming_bundle
from tests.support.layouts import fix, narrow, rename_axes, transpose
from tests.support.models import write

CHANNEL, TIME = "cache_last_channel", "cache_last_time"
LEN, LENGTH = "cache_last_channel_len", "length"
# What a pair of sound graphs with an offline encoder beside them is asked, and where.
ASKED = {f"S{number:03}" for number in range(1, 19)} - {"S009", "S014"}


def states(graph: onnx.GraphProto) -> bool:
    return any(value.name == CHANNEL for value in graph.input)


def frames_first(graph: onnx.GraphProto) -> None:
    """Caches [C, B, layers, D] and [K, B, layers, D], lengths int32, frames [B, T, D]."""
    transpose(graph, "encoder_output", [0, 2, 1])
    narrow(graph, LENGTH)
    narrow(graph, "encoded_lengths")
    if states(graph):
        for name in (LEN, f"{LEN}_out"):
            narrow(graph, name)
        for name, order in ((CHANNEL, [2, 0, 1, 3]), (TIME, [3, 0, 1, 2])):
            transpose(graph, name, order)
            transpose(graph, f"{name}_out", order)


def layers_first(graph: onnx.GraphProto) -> None:
    """Caches [layers, B, ...], batches of 2, frames [B, T, D] without a fixed size."""
    fix(graph, "batch", 2)
    transpose(graph, "encoder_output", [0, 2, 1])
    rename_axes(graph, "encoder_output", "b", "t", "d")
    if states(graph):
        for name in (CHANNEL, TIME):
            transpose(graph, name, [1, 0, 2, 3])
            transpose(graph, f"{name}_out", [1, 0, 2, 3])


def found(report: CheckReport) -> set[str]:
    assert not report.failed
    return {finding.rule.code for finding in report.findings} - {"S017"}


@pytest.mark.parametrize(("change", "unasked"), [(frames_first, set()), (layers_first, {"S017"})])
def test_a_pair_with_another_interface(
    change: Callable[[onnx.GraphProto], None], unasked: set[str], tmp_path: Path
) -> None:
    streaming_bundle(tmp_path)
    for name in ("encoder.onnx", LATER, FIRST):
        plant(tmp_path, name, change)
    report = check(tmp_path, select=["S", "I006", "M008"])
    assert {f.rule.code for f in report.findings if f.severity is Severity.ERROR} == set()
    asked = {rule.code for rule, model in report.answers if model == LATER}
    assert asked == ASKED - unasked | {"I006", "M008"}
    assert not report.failed


def test_caches_of_open_sizes_are_fed_as_the_graph_needs_them(tmp_path: Path) -> None:
    sizes = INTERFACE.replace("[B, 1, 6, 2] cache", "[B, 1, C0, 2] cache")
    text = encoder(interface=sizes.replace("[B, 1, 2, 2] cache", "[B, 1, 2, K0] cache"))
    path = write(tmp_path / "model.onnx", onnx.parser.parse_model(text))
    report = check(path, select=["M008", "S005"], settings=Settings(run=True))
    assert {rule.code for rule in report.checked} == {"M008", "S005"}
    assert not found(report)


def test_windows_of_one_length_are_full(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(encoder())
    fix(model.graph, "T", 13)
    path = write(tmp_path / "model.onnx", model)
    report = check(path, select=["S"], settings=Settings(run=True))
    assert not found(report)
    assert {"S002", "S003", "S004", "S005", "S006", "S007"} <= {r.code for r in report.checked}


def test_convolutions_that_need_no_context_have_an_empty_cache(tmp_path: Path) -> None:
    text = encoder(
        interface=INTERFACE.replace("float[B, 1, 2, 2] cache", "float[B, 1, 2, 0] cache"),
        convolution="""
        scale = Constant <value = float[2, 1, 1] {0.5, 0.25}> ()
        convolved = Conv <group = 2> (frames, scale)""",
        context="cache_last_time_next = Identity(cache_last_time)",
    )
    report = check(folder({FILES["later"]: text})(tmp_path), select=["S004", "S007"])
    assert not report.findings
    assert len(report.checked) == 2


def test_a_count_that_is_full_from_the_start_is_for_one_rule(tmp_path: Path) -> None:
    full = encoder(
        filled="""
        none = Sub(cache_last_channel_len, cache_last_channel_len)
        cache_last_channel_next_len = Add(none, room)"""
    )
    bundle = folder({FILES["later"]: full, FILES["first"]: encoder(dropped=0)})(tmp_path)
    report = check(bundle, select=["S"])
    assert found(report) == {"S003"}
    (finding,) = (f for f in report.findings if f.rule.code == "S003")
    assert finding.message.startswith("6 frames, 6 more, and a window makes no more than 2;")


def test_a_count_that_goes_up_by_one_is_held_against_the_frames(tmp_path: Path) -> None:
    one = encoder(counted="counted = Constant <value = int64 {1}> ()")
    bundle = folder({FILES["later"]: one, FILES["first"]: encoder(dropped=0)})(tmp_path)
    report = check(bundle, select=["S"])
    assert found(report) == {"S008"}
    assert {f.severity for f in report.findings if f.rule.code == "S008"} == {Severity.ERROR}

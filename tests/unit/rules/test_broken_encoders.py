"""A streaming encoder that lost something turns its own rules red, and not its neighbor's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from tests.support.faults import LATER, LEN_OUT, plant, streaming_bundle


def errors(report: CheckReport) -> set[tuple[str, str]]:
    """The rules that found an error, each with the graph."""
    assert not report.failed
    return {(f.rule.code, f.model) for f in report.findings if f.severity is Severity.ERROR}


def instead(graph: onnx.GraphProto, output: str, *nodes: onnx.NodeProto) -> None:
    """Have these nodes give an output, from what is called `before` now."""
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == output:
                node.output[place] = "before"
    graph.node.extend(nodes)


def lengthen(graph: onnx.GraphProto) -> None:
    graph.initializer.append(numpy_helper.from_array(np.array(1), "one_more"))
    instead(
        graph,
        "encoded_lengths",
        helper.make_node("Add", ["before", "one_more"], ["encoded_lengths"]),
    )


def test_lengths_longer_than_what_is_given(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, lengthen)
    report = check(tmp_path, select=["I005", "I006"])
    assert errors(report) == {("I006", LATER)}
    (finding,) = (f for f in report.findings if f.location == "encoded_lengths")
    assert finding.message.endswith("`encoded_lengths` says 5 > 4 frames given")


def lose_state(graph: onnx.GraphProto) -> None:
    (lost,) = (value for value in graph.output if value.name == "cache_last_time_out")
    graph.output.remove(lost)


def test_a_state_that_is_not_given_back(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, lose_state)
    report = check(tmp_path, select=["S", "I"])
    assert errors(report) == {("S001", LATER)}
    (finding,) = (f for f in report.findings if f.rule.code == "S001")
    assert (finding.location, finding.message) == (
        "cache_last_time",
        "no output gives this state back",
    )


def never_count(graph: onnx.GraphProto) -> None:
    given = helper.make_node("Identity", ["cache_last_channel_len"], [LEN_OUT])
    instead(graph, LEN_OUT, given)


def test_a_count_of_cached_frames_that_stays(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, never_count)
    found = errors(check(tmp_path, select=["S", "I"]))
    assert {model for _, model in found} == {LATER}
    assert {code for code, _ in found} <= {"I011", "S003", "S004"}
    assert {code for code, _ in found} & {"S003", "S004"}


def count_nothing(graph: onnx.GraphProto) -> None:
    graph.initializer.append(numpy_helper.from_array(np.array([], np.int64), "none"))
    instead(graph, LEN_OUT, helper.make_node("Gather", ["before", "none"], [LEN_OUT]))


def test_a_count_of_cached_frames_that_comes_out_empty(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, count_nothing)
    report = check(tmp_path, select=["S", "I"])
    assert not report.failed
    reasons = {skip.reason for skip in report.skipped if skip.model == LATER}
    assert any("probing: it runs on no window" in reason for reason in reasons)


def share_the_symbol_of_the_batch(graph: onnx.GraphProto) -> None:
    audio = next(value for value in graph.input if value.name == "audio_signal")
    dims = audio.type.tensor_type.shape.dim
    dims[0].dim_param = dims[2].dim_param


def test_a_batch_that_is_as_large_as_the_time_is_long(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, share_the_symbol_of_the_batch)
    report = check(tmp_path, select=["I004", "I005"])
    assert not report.failed
    skipped = {skip.rule.code: skip.reason for skip in report.skipped if skip.model == LATER}
    assert "cannot be" in skipped["I004"]


def draw_random_numbers(graph: onnx.GraphProto) -> None:
    noise = helper.make_node("RandomNormalLike", ["before"], ["noise"])
    add = helper.make_node("Add", ["before", "noise"], ["encoder_output"])
    instead(graph, "encoder_output", noise, add)


def test_an_encoder_that_draws_random_numbers_turns_one_rule_red(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, draw_random_numbers)
    report = check(tmp_path, select=["S", "I"])
    assert errors(report) == {("S018", LATER)}
    assert "S006" in {skip.rule.code for skip in report.skipped if skip.model == LATER}

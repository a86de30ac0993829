"""A streaming encoder that lost something turns its own rules red, and not its neighbor's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from onnxtool.rules.rule import Severity
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

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.joints import NORMALIZED, RAW, TAILS, joint
from tests.support.models import WORDS_TDT, write


def checked(folder: Path, tail: str, code: str = "J002") -> CheckReport:
    path = write(folder / "joint.onnx", joint(tail))
    return check(path, select=[code], settings=Settings(run=True))


@pytest.mark.parametrize("tail", NORMALIZED.values(), ids=NORMALIZED)
def test_each_of_six_normalized_joints_is_found(tail: str, tmp_path: Path) -> None:
    report = checked(tmp_path, tail)
    assert report.findings
    assert {finding.location for finding in report.findings} == {"joint_output:3"}


def test_the_raw_one_is_not(tmp_path: Path) -> None:
    report = checked(tmp_path, RAW)
    assert not report.findings
    assert len(report.checked) == 1


def test_the_heads_are_found_by_where_one_ends(tmp_path: Path) -> None:
    report = checked(tmp_path, TAILS["per-head"])
    messages = [finding.message for finding in report.findings]
    assert messages[0].startswith("probabilities over entries 0 to 4 of 7")
    assert messages[1].startswith("probabilities over entries 5 to 6 of 7")


def test_one_normalized_head_is_enough(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """
            sizes = Constant <value = int64[2] {5, 2}> ()
            tokens, durations = Split <axis = -1> (logits, sizes)
            normalized = LogSoftmax <axis = -1> (tokens)
            joint_output = Concat <axis = -1> (normalized, durations)""",
    )
    (finding,) = report.findings
    assert finding.message.startswith("log probabilities over entries 0 to 4 of 7")


def test_a_logit_that_is_always_zero_is_no_head(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """
            mask = Constant <value = float[7] {0, 1, 1, 1, 1, 1, 0}> ()
            joint_output = Mul(logits, mask)""",
    )
    assert not report.findings


def test_a_sample_gives_logits() -> None:
    report = check(WORDS_TDT, select=["J002", "J006", "J007", "J008"])
    assert not report.findings
    assert [rule.code for rule in report.checked] == ["J002", "J006", "J007", "J008"]


def test_frames_and_symbols_that_are_mixed_up(tmp_path: Path) -> None:
    swapped = "joint_output = Transpose <perm = [0, 2, 1, 3]> (logits)"
    (finding,) = checked(tmp_path, swapped, "J006").findings
    assert finding.message == "3 frames and 2 symbols give [1, 2, 3, 7]"


def test_a_probability_next_to_zero_moves_no_cut(tmp_path: Path) -> None:
    """The last token and the last duration hardly ever come: the heads end after them."""
    report = checked(
        tmp_path,
        """
            sizes = Constant <value = int64[2] {5, 2}> ()
            tokens, durations = Split <axis = -1> (logits, sizes)
            unlikely = Constant <value = float[5] {-9, 0, 0, 0, -9}> ()
            lowered = Add(tokens, unlikely)
            some = Softmax <axis = -1> (lowered)
            others = LogSoftmax <axis = -1> (durations)
            joint_output = Concat <axis = -1> (some, others)""",
    )
    assert [finding.message.partition(" of 7")[0] for finding in report.findings] == [
        "probabilities over entries 0 to 4",
        "log probabilities over entries 5 to 6",
    ]


def test_a_head_in_the_middle_is_found_with_its_node(tmp_path: Path) -> None:
    (finding,) = checked(
        tmp_path,
        """
            sizes = Constant <value = int64[3] {2, 3, 2}> ()
            before, middle, after = Split <axis = -1> (logits, sizes)
            normalized = Softmax <axis = -1> (middle)
            joint_output = Concat <axis = -1> (before, normalized, after)""",
    ).findings
    assert finding.message.startswith("probabilities over entries 2 to 4 of 7: at most ")
    assert finding.message.endswith(
        " off in 18 rows of 3 seeded runs; made by Softmax at `main:Softmax:normalized`"
    )


def test_a_softmax_over_another_axis_is_found_there(tmp_path: Path) -> None:
    (finding,) = checked(tmp_path, "joint_output = LogSoftmax <axis = 1> (logits)").findings
    assert finding.location == "joint_output:1"
    assert finding.message.startswith("log probabilities over the whole axis of 3: ")


def test_what_nobody_knows_for_a_softmax_is_told_by_the_node_behind_it(tmp_path: Path) -> None:
    """Odds that are made probabilities: no exponential is near."""
    (finding,) = checked(
        tmp_path,
        """
            last = Constant <value = int64[1] {-1}> ()
            odds = Softplus(logits)
            sum = ReduceSum(odds, last)
            shares = Div(odds, sum)
            joint_output = Identity(shares)""",
    ).findings
    assert finding.message.startswith("probabilities over the whole axis of 7: ")
    assert finding.message.endswith("; made by Div at `main:Div:shares`")


def test_known_durations_tell_the_heads(tmp_path: Path) -> None:
    write(tmp_path / "joint.onnx", joint(TAILS["per-head"]))
    meta = {"duration_values": [0, 1]}
    (tmp_path / "model_meta.json").write_text(json.dumps(meta), encoding="utf-8")
    messages = [f.message for f in check(tmp_path, select=["J002"]).findings]
    assert messages[0].startswith("probabilities over the tokens, entries 0 to 4 of 7: ")
    assert messages[1].startswith("probabilities over the durations, entries 5 to 6 of 7: ")
    assert messages[1].endswith("; made by Softmax at `main:Softmax:duration_probabilities`")


def test_a_joint_of_one_frame_is_run_more_often(tmp_path: Path) -> None:
    """Three rows alone would be little evidence."""
    proto = joint(TAILS["log-softmax"])
    for value in (*proto.graph.input, *proto.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in {"T", "U"}:
                dim.dim_value = 1
    path = write(tmp_path / "joint.onnx", proto)
    (finding,) = check(path, select=["J002"], settings=Settings(run=True)).findings
    assert " off in 12 rows of 12 seeded runs" in finding.message


@pytest.mark.parametrize(
    "tail",
    [
        "joint_output = LpNormalization <axis = -1, p = 2> (logits)",
        """
            last = Constant <value = int64[1] {-1}> ()
            highest = ReduceMax(logits, last)
            joint_output = Sub(logits, highest)""",
        """
            cold = Constant <value = float {0.01}> ()
            joint_output = Mul(logits, cold)""",
        "joint_output = Sigmoid(logits)",
    ],
    ids=["length", "maximum", "temperature", "sigmoid"],
)
def test_what_is_not_normalized_is_not_reported(tail: str, tmp_path: Path) -> None:
    report = checked(tmp_path, tail)
    assert not report.findings
    assert len(report.checked) == 1


@pytest.mark.filterwarnings("error")
def test_what_is_not_a_number_has_a_rule_of_its_own(tmp_path: Path) -> None:
    tail = """
            none = Sub(logits, logits)
            joint_output = Div(none, none)"""
    assert "not finite (M010)" in checked(tmp_path, tail).skipped[0].reason
    (finding,) = checked(tmp_path, tail, "M010").findings
    assert (finding.location, finding.severity) == ("joint_output", Severity.ERROR)
    assert finding.message == "7 of 7 values are not finite, 7 of them NaN"

"""A streaming configuration that is not true of the graph is for S009 alone, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onnxtool.model.contract import read_contract
from onnxtool.rules.engine import check
from onnxtool.rules.examples.streaming import CONFIG, FILES, encoder, folder, pair
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.faults import LATER, STREAMING, streaming_bundle

ALL: dict[str, Any] = {**CONFIG, "conv_cache_size": 2}
# Gives all frames that there are, so that nothing but the configuration says how many.
UNLIMITED = """
        outputs = Add(convolved, mean)
        most = Constant <value = int64[1] {1000000}> ()"""


def more(value: int | list[int]) -> int | list[int]:
    return value + 1 if isinstance(value, int) else [size + 1 for size in value]


def checked(path: Path, models: Mapping[str, str], config: object, *codes: str) -> CheckReport:
    return check(folder(models, {"streaming.json": config})(path), select=codes)


def errors(report: CheckReport) -> set[tuple[str, str, str]]:
    assert not report.failed
    return {(f.rule.code, f.model, f.location) for f in report.findings if f.rule.code != "S017"}


def test_each_field_that_is_wrong_is_told_by_its_name_and_by_no_other_rule(tmp_path: Path) -> None:
    promised = json.loads((STREAMING / "streaming.json").read_text())
    wrong = {name: more(value) for name, value in promised.items()}
    (streaming_bundle(tmp_path) / "streaming.json").write_text(json.dumps(wrong))
    report = check(tmp_path, select=["S"])
    assert errors(report) == {("S009", LATER, name) for name in promised}
    messages = {f.location: f.message for f in report.findings if f.rule.code == "S009"}
    assert messages["att_context_size"] == (
        "streaming.json says [21, 4], and a frame reads 20 cached frames and sees 3 after it"
    )
    assert messages["chunk_size"] == (
        "streaming.json says [26, 33], and the 4 encoder frames of a chunk are made of [25, 32] "
        "feature frames"
    )


@pytest.mark.parametrize("value", [0, -1])
def test_sizes_that_make_no_stream(value: int, tmp_path: Path) -> None:
    sizes = {n: value if isinstance(size, int) else [value] * 2 for n, size in ALL.items()}
    report = checked(tmp_path, pair(), sizes, "S")
    same = {name for name, size in sizes.items() if size == ALL[name]}
    assert errors(report) == {("S009", FILES["later"], name) for name in ALL.keys() - same}


def test_what_is_not_said_is_no_promise(tmp_path: Path) -> None:
    report = checked(tmp_path, pair(), {"valid_out_len": 3}, "S009", "X012")
    assert errors(report) == {("S009", FILES["later"], "valid_out_len")}


@pytest.mark.parametrize("value", [None, [1, 2, 3]])
def test_what_is_no_number_of_frames_is_told_once(value: object, tmp_path: Path) -> None:
    report = checked(tmp_path, pair(), {**ALL, "shift_size": value}, "S005", "S009", "X012")
    assert errors(report) == {("X012", ".", "streaming.json")}
    told = f"`shift_size` is {json.dumps(value)}, and not a number of frames"
    (finding,) = report.findings
    assert told in finding.message
    assert {skip.rule.code for skip in report.skipped if told in skip.reason} == {"S009"}


def test_sizes_that_the_graph_does_not_tell_are_held_against_one_another(tmp_path: Path) -> None:
    models = {
        FILES["later"]: encoder(outputs=UNLIMITED),
        FILES["first"]: encoder(dropped=0, outputs=UNLIMITED),
    }
    report = checked(tmp_path, models, ALL, "S")
    assert not errors(report)
    assert {"S008", "S009", "S011"} <= {rule.code for rule in report.checked}
    report = checked(tmp_path, models, {**ALL, "valid_out_len": 3}, "S")
    assert errors(report) == {("S009", FILES["later"], "valid_out_len")}
    (finding,) = (f for f in report.findings if f.rule.code == "S009")
    assert finding.message == (
        "streaming.json says 3, and its other sizes are those of 2 encoder frames a call"
    )


def test_without_any_sizes_what_needs_none_is_checked(tmp_path: Path) -> None:
    report = check(folder({FILES["later"]: encoder(outputs=UNLIMITED)})(tmp_path), select=["S"])
    assert not errors(report)
    told = "nothing says how long its chunks are"
    assert {s.rule.code for s in report.skipped if s.reason == told} == {"S008", "S010", "S011"}


@pytest.mark.parametrize(
    "first",
    [
        {"pre_encode_cache_size": [8, 5]},
        {"pre_encode_cache_size": [5, 5], "chunk_size": [8, 8], "shift_size": [8, 8]},
    ],
)
def test_a_host_may_put_zeros_before_the_first_chunk_of_one_graph(
    first: Mapping[str, list[int]], tmp_path: Path
) -> None:
    alone = {FILES["later"]: encoder()}
    assert not errors(checked(tmp_path, alone, {**ALL, **first}, "S009"))
    report = checked(tmp_path, pair(), {**ALL, **first}, "S009")
    assert errors(report) == {("S009", FILES["later"], name) for name in first}


def test_a_contract_may_give_a_choice_of_attentions(tmp_path: Path) -> None:
    content = {"streaming": {"att_context_size": [[20, 0], [20, 3]], "cache_size": 20}}
    (tmp_path / "promise.json").write_text(json.dumps(content))
    settings = Settings(run=True, contract=read_contract(tmp_path / "promise.json"))
    report = check(streaming_bundle(tmp_path, LATER) / LATER, select=["S009"], settings=settings)
    assert [rule.code for rule in report.checked] == ["S009"]
    assert not report.findings

"""The JSON of `check`: the keys that were promised, and the schema that is published."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from onnxtool.errors import OnnxToolError
from onnxtool.render.check_json import checks
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Skip, Suppression
from tests.support.checks import HOSTILE, finding, hostile, report, rule

from .schema import validate

FULL = report(
    finding("J001", message="gives probabilities"),
    suppressed=((finding("X001"), Suppression("X001", "built on the device")),),
    skipped=(Skip(rule("S001"), "", "no graph is a streaming-encoder"),),
    answers=((rule("B001"), "."),),
    unused=(Suppression("B001", "once", model="a.*"),),
)


def printed(*reports: CheckReport, failures: tuple[OnnxToolError, ...] = ()) -> Any:
    """What another program reads."""
    document = json.loads(json.dumps(checks(reports, failures), allow_nan=False))
    validate(document, "check-1")
    return document


def test_it_has_the_keys_that_were_promised() -> None:
    document = printed(FULL)
    assert document["schema"] == "onnxtool.check/1"
    assert document["findings"] == [
        {
            "code": "J001",
            "name": "wrong-j001",
            "severity": "error",
            "path": "export",
            "model": "joint.onnx",
            "location": "main:node",
            "message": "gives probabilities",
            "fix": "Mend it.",
        }
    ]
    assert document["skipped"] == [
        {
            "code": "S001",
            "path": "export",
            "model": "",
            "reason": "no graph is a streaming-encoder",
        }
    ]
    assert document["checked"] == ["B001", "J001"]


def test_what_was_let_through_has_its_reason() -> None:
    document = printed(FULL)
    (entry,) = document["suppressed"]
    assert (entry["code"], entry["reason"]) == ("X001", "built on the device")
    assert document["unused_suppressions"] == [
        {"code": "B001", "model": "a.*", "location": "*", "reason": "once"}
    ]


def test_several_paths_have_the_same_shape_as_one() -> None:
    other = report(finding("X001", Severity.WARNING), path="other/joint.onnx")
    document = printed(FULL, other, failures=(OnnxToolError("gone: no such file", hint="look"),))
    assert document.keys() == printed(FULL).keys()
    assert [entry["path"] for entry in document["findings"]] == ["export", "other/joint.onnx"]
    assert [entry["path"] for entry in document["paths"]] == ["export", "other/joint.onnx"]
    assert document["paths"][1]["answers"] == [{"code": "X001", "model": "joint.onnx"}]
    assert document["checked"] == ["B001", "J001", "X001"]
    assert document["failures"] == [{"message": "gone: no such file", "hint": "look"}]


def test_a_clean_report_is_valid() -> None:
    assert printed(report())["findings"] == []


def test_names_of_any_kind_survive() -> None:
    assert printed(hostile())["findings"][0]["message"] == HOSTILE


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("checked"),
        lambda document: document.update(surprise=1),
        lambda document: document.update(schema="onnxtool.check/2"),
        lambda document: document["findings"][0].pop("fix"),
        lambda document: document["findings"][0].update(severity="fatal"),
        lambda document: document["findings"][0].update(reason="why"),
        lambda document: document["suppressed"][0].pop("reason"),
        lambda document: document["skipped"][0].update(reason=""),
        lambda document: document["checked"].append("J1"),
    ],
)
def test_the_schema_refuses_what_it_does_not_promise(change: Any) -> None:
    document = printed(FULL)
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        validate(document, "check-1")

"""SARIF: valid by its published schema, and readable for GitHub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from onnxtool.errors import OnnxToolError
from onnxtool.render.sarif import sarif
from onnxtool.rules.answer import Severity
from onnxtool.rules.catalog import CATALOG
from onnxtool.rules.report import CheckReport, Skip, Suppression
from tests.support.checks import finding, hostile, report, rule

from .schema import validate_sarif


def run_of(*reports: CheckReport, failures: tuple[OnnxToolError, ...] = ()) -> Any:
    """The one run of a log that is valid."""
    log = json.loads(json.dumps(sarif(reports, failures, root=Path.cwd(), version="1.2.3")))
    validate_sarif(log)
    (run,) = log["runs"]
    return run


def test_a_finding_is_a_result_of_its_rule() -> None:
    run = run_of(
        report(finding("J001", message="it is wrong"), finding("X001", Severity.WARNING, "."))
    )
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("onnxtool", "1.2.3")
    first, second = run["results"]
    assert driver["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "J001"
    assert driver["rules"][second["ruleIndex"]]["id"] == second["ruleId"] == "X001"
    assert (first["level"], second["level"]) == ("error", "warning")
    assert first["message"]["text"] == "main:node: it is wrong"
    place = first["locations"][0]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "export/joint.onnx"}
    assert place["logicalLocations"] == [{"fullyQualifiedName": "main:node"}]


def test_a_rule_has_its_documentation() -> None:
    (descriptor,) = run_of(report(finding()))["tool"]["driver"]["rules"]
    assert descriptor["name"] == "wrong-x001"
    assert descriptor["shortDescription"]["text"] == "A thing is wrong."
    assert "Mend it." in descriptor["help"]["markdown"]
    assert descriptor["defaultConfiguration"] == {"level": "error"}


def test_every_rule_of_the_catalog_can_be_described() -> None:
    run = run_of(report(answers=tuple((each, "m.onnx") for each in CATALOG)))
    assert len(run["tool"]["driver"]["rules"]) == len(CATALOG)
    assert run["results"] == []


def test_a_suppression_is_one_with_its_reason() -> None:
    allowed = Suppression("X001", "built on the device")
    shown, hidden = run_of(report(finding("J001"), suppressed=((finding(), allowed),)))["results"]
    assert shown["suppressions"] == []
    assert hidden["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "built on the device"}
    ]


def test_what_was_not_checked_is_told() -> None:
    run = run_of(
        report(skipped=(Skip(rule("S001"), "a.onnx", "it hangs"),)),
        failures=(OnnxToolError("gone: no such file"),),
    )
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [
        (each["level"], each["message"]["text"])
        for each in invocation["toolExecutionNotifications"]
    ] == [("error", "gone: no such file"), ("note", "S001 skipped: a.onnx: it hangs")]


def test_a_finding_is_known_again_when_its_numbers_change() -> None:
    def prints(*messages: str) -> list[str]:
        run = run_of(report(*(finding(message=message) for message in messages)))
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]

    assert prints("7 files", "8 files") == prints("9 files", "10 files")
    assert len(set(prints("7 files", "8 files"))) == 2


def test_a_name_cannot_become_a_link() -> None:
    (result,) = run_of(report(finding(message="[click](https://example.org)")))["results"]
    assert "](" not in result["message"]["text"]


@pytest.mark.parametrize("name", ["a b.onnx", "a:b.onnx", "ä%41.onnx", "a\udce8.onnx", "a#?b"])
def test_a_file_is_a_relative_uri(name: str) -> None:
    (result,) = run_of(report(finding(model=name)))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    parts = urlsplit(uri)
    assert uri.isascii()
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(parts.path, errors="surrogateescape") == f"export/{name}"


def test_hostile_names_are_text() -> None:
    run = run_of(hostile(), failures=(OnnxToolError("\ud800\x1b"),))
    texts = json.dumps(run, ensure_ascii=False)
    # What is left are escapes that can be seen.
    assert texts.isprintable()
    texts.encode()


def test_the_schema_is_the_real_one() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate_sarif({"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]})

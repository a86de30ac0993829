"""JUnit XML: well-formed whatever a model says, and red where the check is."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from onnxtool.errors import OnnxToolError
from onnxtool.render.junit import junit
from onnxtool.rules.answer import Severity
from onnxtool.rules.report import CheckReport, Finding, Skip, Suppression
from tests.support.checks import finding, hostile, report, rule


def is_error(found: Finding) -> bool:
    return found.severity is Severity.ERROR


def suites(*reports: CheckReport, failures: tuple[OnnxToolError, ...] = ()) -> ET.Element:
    return ET.fromstring(junit(reports, failures, fails=is_error))


def cases(root: ET.Element) -> dict[tuple[str | None, str | None], list[str]]:
    return {
        (case.get("classname"), case.get("name")): [child.tag for child in case]
        for case in root.iter("testcase")
    }


def test_each_rule_is_a_test_of_each_model() -> None:
    root = suites(
        report(
            finding("J001", message="it is wrong"),
            answers=((rule("X001"), "joint.onnx"), (rule("X001"), "encoder.onnx")),
            skipped=(Skip(rule("S001"), "", "no graph streams"),),
        )
    )
    assert cases(root) == {
        ("joint.onnx", "J001 wrong-j001"): ["failure"],
        ("joint.onnx", "X001 wrong-x001"): [],
        ("encoder.onnx", "X001 wrong-x001"): [],
        (".", "S001 wrong-s001"): ["skipped"],
    }
    failure, skipped = root.find(".//failure"), root.find(".//skipped")
    assert failure is not None
    assert skipped is not None
    assert (failure.get("message"), failure.get("type"), failure.text) == (
        "main:node: it is wrong",
        "error",
        "Mend it.",
    )
    assert skipped.get("message") == "no graph streams"


def test_a_finding_that_does_not_fail_the_check_fails_no_test() -> None:
    root = suites(report(finding("J001", Severity.WARNING)))
    assert cases(root) == {("joint.onnx", "J001 wrong-j001"): ["system-out"]}
    assert root.findtext(".//system-out") == "warning: main:node: it is wrong"


def test_a_finding_that_is_let_through_fails_no_test() -> None:
    root = suites(report(suppressed=((finding(), Suppression("X001", "on the device")),)))
    assert root.findtext(".//system-out") == "suppressed: main:node: it is wrong (on the device)"


def test_a_finding_about_another_file_is_a_test_of_that_file() -> None:
    found = finding("B001", model="model_meta.json")
    root = suites(CheckReport(report().path, (found,), answers=((rule("B001"), "."),)))
    assert cases(root) == {
        (".", "B001 wrong-b001"): [],
        ("model_meta.json", "B001 wrong-b001"): ["failure"],
    }


def test_everything_is_counted() -> None:
    root = suites(
        report(finding("J001"), finding("J001", message="again")),
        report(path="other", skipped=(Skip(rule("S001"), "", "why"),)),
        failures=(OnnxToolError("gone", hint="look"),),
    )
    keys = ("tests", "failures", "errors", "skipped")
    counts = [[each.get(key) for key in keys] for each in (root, *root)]
    assert counts == [list("3211"), list("1200"), list("1001"), list("1010")]


def test_hostile_names_are_text() -> None:
    text = junit([hostile()], (OnnxToolError("]]>\x00", hint="\ud800"),), fails=is_error)
    text.encode()
    root = ET.fromstring(text)
    messages = [element.get("message") or "" for element in root.iter("failure")]
    assert "]]>" in messages[0]
    assert r"\x00" in messages[0]
    assert len(cases(root)) == 5

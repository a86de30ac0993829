"""What `check` found, as JUnit XML: the tests are the rules, one for each model.

There is no standard; this keeps to what https://github.com/testmoapp/junitxml calls common.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

from onnxtool.errors import OnnxToolError
from onnxtool.render.units import plain
from onnxtool.rules.report import CheckReport, Finding
from onnxtool.rules.rule import Rule


def junit(
    reports: Sequence[CheckReport],
    failures: Sequence[OnnxToolError],
    *,
    fails: Callable[[Finding], bool],
) -> str:
    """A test suite for each report; findings that `fails` says so of are failures of their test."""
    root = ET.Element("testsuites", name="onnxtool check")
    for report in reports:
        _suite(root, report, fails)
    if failures:
        suite = _child(root, "testsuite", name="onnxtool")
        for failure in failures:
            case = _child(suite, "testcase", classname="onnxtool", name="readable")
            _child(case, "error", message=str(failure)).text = plain(failure.hint)
    for element in (*root, root):
        _count(element)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(root: ET.Element, report: CheckReport, fails: Callable[[Finding], bool]) -> None:
    suite = _child(root, "testsuite", name=str(report.path))
    about = [(finding.rule, finding.model) for finding in report.findings]
    let_through = [(finding.rule, finding.model) for finding, _ in report.suppressed]
    for rule, model in dict.fromkeys((*report.answers, *about, *let_through)):
        case = _case(suite, rule, model)
        found = [f for f in report.findings if (f.rule, f.model) == (rule, model)]
        for finding in filter(fails, found):
            failure = _child(case, "failure", message=_told(finding), type=finding.severity.label)
            failure.text = plain(finding.rule.fix)
        notes = [f"{f.severity.label}: {_told(f)}" for f in found if not fails(f)]
        notes += [
            f"suppressed: {_told(finding)} ({suppression.reason})"
            for finding, suppression in report.suppressed
            if (finding.rule, finding.model) == (rule, model)
        ]
        if notes:
            _child(case, "system-out").text = "\n".join(map(plain, notes))
    for skip in report.skipped:
        _child(_case(suite, skip.rule, skip.model or "."), "skipped", message=skip.reason)


def _case(suite: ET.Element, rule: Rule, model: str) -> ET.Element:
    return _child(suite, "testcase", classname=model, name=f"{rule.code} {rule.name}")


def _told(finding: Finding) -> str:
    return f"{finding.location}: {finding.message}" if finding.location else finding.message


def _child(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    """An element with everything visible that XML 1.0, section 2.2, cannot hold."""
    return ET.SubElement(parent, tag, {name: plain(text) for name, text in attributes.items()})


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(len(list(element.iter(tag)))))

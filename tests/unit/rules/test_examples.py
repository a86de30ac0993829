"""Every rule reports its bad example, and nothing in its good one, to which it applies."""

from __future__ import annotations

import inspect
from pathlib import Path

import onnx
import onnx.parser
import pytest

from onnxtool.rules.catalog import CATALOG
from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from onnxtool.rules.rule import Example, Rule
from onnxtool.rules.subject import Settings
from onnxtool.rules.target import parse_target

# Examples are written for these.
TARGETS = tuple(map(parse_target, ("sherpa-onnx", "onnx-asr", "onnxruntime==1.16")))
each_rule = pytest.mark.parametrize("rule", CATALOG, ids=[rule.code for rule in CATALOG])


def checked(rule: Rule, example: Example, folder: Path) -> CheckReport:
    if callable(example):
        path = example(folder)
    else:
        path = folder / "model.onnx"
        # Not onnx.save, which would look for external data.
        path.write_bytes(onnx.parser.parse_model(example).SerializeToString())
    settings = Settings(run=True, weights=True, targets=TARGETS)
    return check(path, select=[rule.code], settings=settings)


@each_rule
def test_the_bad_example_is_reported(rule: Rule, tmp_path: Path) -> None:
    report = checked(rule, rule.bad, tmp_path)
    assert {finding.rule.code for finding in report.findings} == {rule.code}, report.skipped
    assert rule.severity in {finding.severity for finding in report.findings}


@each_rule
def test_the_good_example_is_not(rule: Rule, tmp_path: Path) -> None:
    report = checked(rule, rule.good, tmp_path)
    assert not report.findings
    assert report.checked == (rule,), report.skipped


@each_rule
def test_a_rule_documents_itself(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert rule.rationale
    assert rule.fix.endswith(".")
    assert rule.name == rule.name.lower().replace(" ", "-").replace("_", "-")
    check_of = rule.on_graph or rule.on_bundle
    assert check_of is not None
    assert check_of.__name__ == rule.name.replace("-", "_")
    assert inspect.isgeneratorfunction(check_of)


def test_codes_and_names_are_unique_and_in_order() -> None:
    families = "XMIJSBQ"
    codes = [rule.code for rule in CATALOG]
    assert codes == sorted(codes, key=lambda code: (families.index(code[0]), code))
    assert len(set(codes)) == len(codes)
    assert len({rule.name for rule in CATALOG}) == len(CATALOG)

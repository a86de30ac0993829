"""M: header, leftovers and values, and what the checker of onnx lets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from onnxtool.rules.answer import Severity
from onnxtool.rules.contents import header
from onnxtool.rules.engine import check
from onnxtool.rules.examples.graphs import ADD, HEADER, write_all
from onnxtool.rules.report import Finding
from onnxtool.rules.subject import Settings
from onnxtool.rules.target import parse_target
from tests.support.models import write


def found(path: Path, text: str, *targets: str, select: str = "M") -> list[Finding]:
    write_all(path, {"model.onnx": text})
    parsed = tuple(map(parse_target, targets))
    settings = Settings(run=False, weights=True, targets=parsed)
    return list(check(path / "model.onnx", select=[select], settings=settings).findings)


def opset(version: int, ir_version: int = 8) -> str:
    return ADD.replace('"" : 17', f'"" : {version}').replace("version: 8", f"version: {ir_version}")


def test_a_model_newer_than_its_target_says_what_the_runtime_says(tmp_path: Path) -> None:
    assert not found(tmp_path, opset(20), "onnxruntime==1.20")
    (finding,) = found(tmp_path, opset(20), "onnxruntime==1.16")
    assert finding.rule.code == "M002"
    assert "operator set 20, where onnxruntime==1.16 has 19" in finding.message
    assert "till opset 19" in finding.message
    (finding,) = found(tmp_path, opset(17, ir_version=10), "onnxruntime==1.16")
    assert "Unsupported model IR version: 10, max supported IR version: 9" in finding.message


def test_an_operator_set_older_than_onnxruntime_promises_is_reported(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, opset(6, ir_version=3), select="M002")
    assert finding.location == "opset_import"


def test_an_optimized_graph_is_for_one_machine(tmp_path: Path) -> None:
    text = ADD.replace("17]", '17, "com.microsoft.nchwc" : 1]')
    text = text.replace("Add", "com.microsoft.nchwc.Conv")
    (finding,) = found(tmp_path, text)
    assert "for one machine" in finding.message


def test_the_checker_is_asked_without_reading_weights(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(ADD)
    weight = model.graph.initializer[0]
    weight.ClearField("float_data")
    weight.raw_data = bytes(4096)
    weight.dims[:] = [1024]
    # An attribute that Add does not have.
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("axis", 1))
    path = write(tmp_path / "model.onnx", model)
    settings = Settings(run=False, weights=True)
    (finding,) = check(path, select=["M001"], settings=settings).findings
    assert finding.message.startswith("onnx.checker: ")
    assert "axis" in finding.message


def test_dropout_that_is_switched_on_is_an_error(tmp_path: Path) -> None:
    text = f"""{HEADER} g (float[2] x) => (float[2] y)
        <float half = {{0.5}}, bool yes = {{1}}> {{ y = Dropout(x, half, yes) }}"""
    (only,) = found(tmp_path, text)
    assert only.severity is Severity.ERROR
    assert "Dropout in training mode" in only.message


def test_initializers_that_only_a_subgraph_reads_are_read(tmp_path: Path) -> None:
    branches = """then_branch = a () => (float[2] p) { p = Add(x, w) },
        else_branch = b () => (float[2] q) { q = Identity(x) }"""
    text = f"""{HEADER} g (float[2] x, bool c) => (float[2] y)
        <float[2] w = {{1, 2}}> {{ y = If(c) <{branches}> }}"""
    assert not found(tmp_path, text)


def test_initializers_that_nothing_reads_are_reported(tmp_path: Path) -> None:
    text = ADD.replace("{1, 2}", "{1, 2}, float[3] old = {1, 2, 3}")
    (finding,) = found(tmp_path, text)
    assert finding.message == "nothing reads `old`: 1 initializers, 3 elements"


def weight(values: str, shape: str = "[2]") -> str:
    stored = f"<float{shape} w = {{{values}}}>"
    return f"{HEADER} g (float x) => (float{shape} y) {stored} {{ y = Mul(x, w) }}"


BROKEN = {
    "nan": (weight("1, nan"), Severity.ERROR, "1 NaN"),
    "infinite": (weight("1, inf"), Severity.ERROR, "1 infinite"),
    "minus infinity": (weight("1, -inf"), Severity.WARNING, "1 values of minus infinity"),
    "all minus infinity": (weight("-inf, -inf"), Severity.WARNING, "2 values of minus infinity"),
    "large mask": (
        weight(", ".join(["0", "-inf"] * 32), "[8, 8]"),
        Severity.INFO,
        "32 values of minus infinity",
    ),
    "zeros": (weight(", ".join(["0"] * 64), "[8, 8]"), Severity.WARNING, "all 64 values"),
    "constant": (weight(", ".join(["7"] * 64), "[8, 8]"), Severity.WARNING, "are 7"),
    "above float16": (weight("1, 1e5"), Severity.INFO, "above the range of float16"),
}


@pytest.mark.parametrize(("text", "severity", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_values_pass_the_checker_and_not_m006(
    tmp_path: Path, text: str, severity: Severity, words: str
) -> None:
    (finding,) = found(tmp_path, text)
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    assert (finding.rule.code, finding.severity) == ("M006", severity)
    assert words in finding.message


@pytest.mark.parametrize(("value", "is_told"), [("nan", True), ("inf", False), ("1", False)])
def test_nan_among_the_numbers_of_a_node_is_found(
    tmp_path: Path, value: str, is_told: bool
) -> None:
    """Put in by hand: older parsers of ONNX text refuse it in an attribute."""
    proto = onnx.parser.parse_model(f"""{HEADER} g (float[2] x) => (float[2] y) {{
        w = Constant <value_floats = [1.0, 2.0]> ()
        y = Mul(x, w)
    }}""")
    proto.graph.node[0].attribute[0].floats[1] = float(value)
    path = write(tmp_path / "model.onnx", proto)
    findings = check(path, select=["M006"], settings=Settings(weights=True)).findings
    told = [f"`value_floats` of `{f.location}` has 1 NaN" for f in findings]
    assert [f.message for f in findings] == told
    assert bool(told) == is_told


def test_weights_that_are_too_small_to_be_quick_are_found(tmp_path: Path) -> None:
    """Written by NumPy: older parsers of ONNX text refuse denormal numbers."""
    proto = onnx.parser.parse_model(weight(", ".join(["1"] * 64), "[64]"))
    values = np.full(64, 1e-40, np.float32)
    values[-1] = 1
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))
    path = write(tmp_path / "model.onnx", proto)
    (finding,) = check(path, select=["M006"], settings=Settings(weights=True)).findings
    assert finding.severity is Severity.WARNING
    assert "denormal" in finding.message


def test_constants_of_the_architecture_are_no_broken_weights(tmp_path: Path) -> None:
    assert not found(tmp_path, weight(", ".join(["1"] * 64), "[64]"))
    assert not found(
        tmp_path, f"{HEADER} g (float x) => (float y) <float w = {{-inf}}> {{ y = Max(x, w) }}"
    )


@pytest.mark.parametrize(
    ("operator", "severity"), [("Add", Severity.WARNING), ("MatMul", Severity.ERROR)]
)
def test_minus_infinity_is_a_mask_unless_it_is_a_factor(
    tmp_path: Path, operator: str, severity: Severity
) -> None:
    text = f"""{HEADER} g (float[2, 2] x) => (float[2, 2] y)
        <float[2, 2] w = {{1, -inf, 1, 1}}> {{ y = {operator} (x, w) }}"""
    assert [f.severity for f in found(tmp_path, text, select="M006")] == [severity]


def test_the_checker_is_not_asked_about_more_nodes_than_fit_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header, "MOST_CHECKED_NODES", 0)
    write_all(tmp_path, {"model.onnx": ADD})
    (skip,) = check(tmp_path / "model.onnx", select=["M001"]).skipped
    assert skip.reason == "1 nodes, more than 0: onnx.checker would take too much memory"
    write_all(tmp_path, {"model.onnx": ADD.replace("(x, w)", "(x, nothing)")})
    assert check(tmp_path / "model.onnx", select=["M001"]).findings

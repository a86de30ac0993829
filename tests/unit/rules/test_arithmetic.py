"""Rounding to fewer bits is no fault: what holds to the last digit in float32 need not."""

from __future__ import annotations

import shutil
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.examples.streaming import FILES, folder, offline, pair
from tests.support.faults import (
    FIRST,
    LATER,
    STREAMING,
    pad_wrong_side,
    plant,
    streaming_bundle,
)
from tests.support.layouts import halve
from tests.support.models import WORDS_TDT


def test_a_quantized_predictor_and_joint_have_no_error(tmp_path: Path) -> None:
    for name in ("predictor.onnx", "joint.onnx"):
        quantize_dynamic(WORDS_TDT / name, tmp_path / name, weight_type=QuantType.QUInt8)
    shutil.copy(WORDS_TDT / "vocab.txt", tmp_path)
    report = check(tmp_path, select=["J"])
    assert not [f.message for f in report.findings if f.severity is Severity.ERROR]
    assert {"J004", "J006", "J007"} <= {rule.code for rule in report.checked}


def test_a_stream_in_eight_bits_has_no_error(tmp_path: Path) -> None:
    for name in ("encoder.onnx", LATER, FIRST):
        quantize_dynamic(STREAMING / name, tmp_path / name, weight_type=QuantType.QUInt8)
    report = check(tmp_path, select=["S"])
    assert not [f.message for f in report.findings if f.severity is Severity.ERROR]
    asked = {rule.code for rule, model in report.answers if model == LATER}
    assert {"S003", "S004", "S005", "S008", "S012", "S013"} <= asked
    assert {s.rule.code for s in report.skipped if "range of all values" in s.reason} == {"S006"}


def test_a_stream_in_eight_bits_that_is_wrong_is_found_so(tmp_path: Path) -> None:
    plant(streaming_bundle(tmp_path), LATER, pad_wrong_side)
    quantize_dynamic(tmp_path / LATER, tmp_path / LATER, weight_type=QuantType.QUInt8)
    assert {f.rule.code for f in check(tmp_path, select=["S005", "S012"]).findings} == {"S005"}


def test_a_stream_in_half_precision_has_no_error(tmp_path: Path) -> None:
    folder({**pair(), "encoder.onnx": offline()})(tmp_path)
    for name in FILES.values():
        plant(tmp_path, name, halve)
    report = check(tmp_path, select=["S"])
    assert not report.failed
    assert not [f.message for f in report.findings if f.severity is Severity.ERROR]
    asked = {rule.code for rule, model in report.answers if model == LATER}
    assert {"S005", "S006", "S008", "S012", "S018"} <= asked


def test_a_stream_is_held_against_the_encoder_that_rounds_alike(tmp_path: Path) -> None:
    streaming_bundle(tmp_path)
    quantize_dynamic(
        STREAMING / "encoder.onnx", tmp_path / "a.int8.onnx", op_types_to_quantize=["MatMul"]
    )
    assert not check(tmp_path, select=["S012"]).findings

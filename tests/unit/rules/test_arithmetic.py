"""Rounding to fewer bits is no fault: what holds to the last digit in float32 need not."""

from __future__ import annotations

import shutil
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from onnxtool.rules.engine import check
from onnxtool.rules.rule import Severity
from tests.support.faults import STREAMING, streaming_bundle
from tests.support.models import WORDS_TDT


def test_a_quantized_predictor_and_joint_have_no_error(tmp_path: Path) -> None:
    for name in ("predictor.onnx", "joint.onnx"):
        quantize_dynamic(WORDS_TDT / name, tmp_path / name, weight_type=QuantType.QUInt8)
    shutil.copy(WORDS_TDT / "vocab.txt", tmp_path)
    report = check(tmp_path, select=["J"])
    assert not [f.message for f in report.findings if f.severity is Severity.ERROR]
    assert {"J004", "J006", "J007"} <= {rule.code for rule in report.checked}


def test_a_stream_is_held_against_the_encoder_that_rounds_alike(tmp_path: Path) -> None:
    streaming_bundle(tmp_path)
    quantize_dynamic(
        STREAMING / "encoder.onnx", tmp_path / "a.int8.onnx", op_types_to_quantize=["MatMul"]
    )
    assert not check(tmp_path, select=["S012"]).findings

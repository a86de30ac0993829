"""Targets: what each runtime requires, read from the tables beside the rules."""

from __future__ import annotations

import pytest

from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.rules.target import newest_onnxruntime, parse_target


def test_sherpa_onnx_reads_metadata_of_the_encoder_and_ids_of_32_bits() -> None:
    target = parse_target("sherpa-onnx")
    encoder, predictor = target.graph(Role.ENCODER), target.graph(Role.PREDICTOR)
    assert encoder is not None
    assert predictor is not None
    assert encoder.metadata["vocab_size"] == "integer"
    assert predictor.inputs[0].dtype == "int32"
    assert target.saying("metadata", "vocab_size") == (
        "; sherpa-onnx says: 'vocab_size' does not exist in the metadata"
    )


def test_onnx_asr_reads_names() -> None:
    encoder = parse_target("onnx-asr").graph(Role.ENCODER)
    assert encoder is not None
    assert encoder.by_name
    assert [port.name for port in encoder.inputs] == ["audio_signal", "length"]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("onnxruntime==1.16", (9, 19)),
        ("onnxruntime==1.20", (10, 21)),
        ("onnxruntime==1.20.1", (10, 21)),
        ("onnxruntime==1.32", (14, 28)),
    ],
)
def test_onnxruntime_has_limits_by_version(text: str, limits: tuple[int, int]) -> None:
    target = parse_target(text)
    assert (target.max_ir_version, target.max_opset) == limits


def test_operators_have_a_first_version() -> None:
    operators = newest_onnxruntime().operators
    assert operators["GatherBlockQuantized"] == (1, 20)
    assert operators["MatMulNBits"] == (1, 16)


@pytest.mark.parametrize(
    "text", ["onnxruntime", "onnxruntime==1.2", "sherpa-onnx==1.12", "tensorrt", "", "onnx asr"]
)
def test_an_unknown_target_is_the_user_s_mistake(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_target(text)
    assert error.value.hint

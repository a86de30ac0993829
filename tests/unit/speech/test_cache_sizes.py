"""The kernels of a Conformer's convolutions over time, however they are stored."""

from __future__ import annotations

import pytest

from onnxtool.speech.cache_sizes import kernels
from tests.support.models import model, view

WEIGHT = "int8[2, 1, 9] w = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}"
SCALES = "float one = {1}, uint8 zero = {0}, int8 none = {0}"


@pytest.mark.parametrize(
    ("types", "node"),
    [
        (("uint8", "int32"), "y = ConvInteger <group = 2> (x, w)"),
        (("uint8", "int32"), "y = ConvInteger <group = 2, kernel_shape = [9]> (x, w)"),
        (
            ("uint8", "uint8"),
            "y = QLinearConv <group = 2> (x, one, zero, w, one, none, one, zero)",
        ),
        (("float", "float"), "v = DequantizeLinear(w, one) y = Conv <group = 2> (x, v)"),
    ],
)
def test_a_quantized_convolution_has_a_kernel(types: tuple[str, str], node: str) -> None:
    given, made = types
    text = f"g ({given}[B, 2, T] x) => ({made}[B, 2, S] y) <{WEIGHT}, {SCALES}> {{ {node} }}"
    assert list(kernels(view(model(text)))) == [9]


@pytest.mark.parametrize(
    "node",
    [
        "y = Conv <group = 2, strides = [2]> (x, w)",
        "y = MatMul(x, w)",
    ],
)
def test_what_skips_frames_or_does_not_convolve_has_none(node: str) -> None:
    weight = "float[2, 1, 3] w = {1, 1, 1, 1, 1, 1}"
    text = f"g (float[B, 2, T] x) => (float[B, 2, S] y) <{weight}> {{ {node} }}"
    assert not list(kernels(view(model(text))))

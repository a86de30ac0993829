"""How closely a graph computes: what two runs that should agree may differ by."""

from __future__ import annotations

from onnxtool.model.view import ModelView
from onnxtool.rules.quantized import integer_operators

# Of a standard deviation. Sums of float16 are off by some 2^-11 each, and add up over the layers.
HALF_TOLERANCE = 2e-2
# A step of eight bits is a hundredth or so, and a decision moves long after a quarter.
QUANTIZED_TOLERANCE = 0.25
# The largest difference in a long output is one of thousands. As a share of the power, eight bits
# in every layer of a Conformer come to 0.05, and frames that are lost to half of it.
QUANTIZED_SHARE = 0.2
HALF = frozenset({"float16", "bfloat16"})


def tolerance(exact: float, *views: ModelView) -> float:
    """What outputs may differ by, in standard deviations; `exact` where all computes in float32."""
    return max(exact, *map(rounding, views))


def scales_follow_values(view: ModelView) -> bool:
    """Whether it quantizes by the range of what it is given, so that each value moves all others.

    Then nothing can be told from outputs that stay the same to the last bit.
    """
    return any("DynamicQuantize" in name for name in view.operators)


def rounds_to_bytes(view: ModelView) -> bool:
    """Whether it computes with integers of eight bits, or rounds to them on the way."""
    return bool(integer_operators(view.operators) or view.operators["QuantizeLinear"])


def rounding(view: ModelView) -> float:
    """What its rounding may make of an output, in standard deviations; 0 for float32."""
    if rounds_to_bytes(view):
        return QUANTIZED_TOLERANCE
    if any(tensor.dtype.name in HALF for tensor in view.tensors):
        return HALF_TOLERANCE
    return 0.0

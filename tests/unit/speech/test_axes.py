from __future__ import annotations

import pytest

from onnxtool.model.tensors import Shape, TensorSpec
from onnxtool.speech.axes import CACHE_AXIS, CONV_AXIS, frames_axis, own_axis


@pytest.mark.parametrize(
    ("channel", "time", "axes"),
    [
        (("B", 17, 70, 512), ("B", 17, 512, 8), (2, 3)),  # NeMo
        ((17, "B", 70, 512), (17, "B", 512, 8), (2, 3)),
        (("B", 70, 17, 512), ("B", 17, 8, 512), (1, 2)),
        ((70, "B", 17, 512), (8, "B", 17, 512), (0, 0)),
        (("B", 17, "C", 512), ("B", 17, 512, "K"), (2, 3)),
        ((1, 1, 8, 8), (1, 1, 8, 8), (2, 3)),  # They do not tell.
        ((None, 17, None, 512), (None, 17, 512, None), (2, 3)),
    ],
)
def test_a_cache_has_its_frames_where_the_other_has_none(
    channel: Shape, time: Shape, axes: tuple[int, int]
) -> None:
    assert own_axis(channel, time, CACHE_AXIS) == axes[0]
    assert own_axis(time, channel, CONV_AXIS) == axes[1]


@pytest.mark.parametrize(
    ("declared", "length", "axis"),
    [
        (("B", 96, "T"), 4, 2),
        (("B", "T", 96), 96, 1),
        (("B", "T", "D"), 4, 1),
        (("B", "T", "D"), 96, 2),
        (("B", "T", "D"), 7, 2),
        ((1, 4, 96), 4, 1),
    ],
)
def test_frames_are_on_the_axis_that_varies_or_is_as_long_as_is_said(
    declared: Shape, length: int, axis: int
) -> None:
    output = TensorSpec("outputs", "float32", declared)
    assert frames_axis(output, (1, 4, 96), length) == axis

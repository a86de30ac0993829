"""The shapes of short-time Fourier transforms."""

from __future__ import annotations

import pytest

from tests.unit.analysis.priced import shape

WEIGHTS = "<int64 step = {4}, float[6] window = {1, 1, 1, 1, 1, 1}, int64 n = {6}>"


def stft(inputs: str, attributes: str = "", *, signal: str = "[2,50,1]") -> str:
    return f"""g (float{signal} x, float[6] unknown) => (float[] y) {WEIGHTS} {{
        k = NonZero(unknown) far = Squeeze(k) y = STFT{attributes}(x, step, {inputs})
    }}"""


@pytest.mark.parametrize("inputs", ["window", '"", n', "window, n"])
@pytest.mark.parametrize(
    ("attributes", "bins"), [("", 4), ("<onesided = 1>", 4), ("<onesided = 0>", 6)]
)
def test_a_spectrum_has_a_half_of_its_bins_unless_both_are_asked_for(
    inputs: str, attributes: str, bins: int
) -> None:
    assert shape(stft(inputs, attributes), opset=17) == (2, 12, bins, 2)


def test_a_signal_shorter_than_a_frame_gives_no_number_of_frames() -> None:
    assert shape(stft("window", signal="[2,5,1]"), opset=17) == (2, None, 4, 2)


def test_a_frame_of_unknown_length_gives_no_number_of_bins() -> None:
    assert shape(stft("far"), opset=17) == (2, None, None, 2)


def test_a_signal_of_unknown_rank_gives_nothing() -> None:
    assert shape(stft("window", signal="[]"), opset=17) is None

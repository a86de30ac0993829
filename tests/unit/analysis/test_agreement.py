"""What a graph says of its interface, and what comes out."""

from __future__ import annotations

import pytest

from onnxtool.analysis.agreement import Misdeclared, SymbolConflict
from tests.support.models import model, values
from tests.unit.analysis.priced import price, sample

# --- Symbols -------------------------------------------------------------------------------------


def test_a_symbol_that_stands_for_two_sizes_is_a_conflict() -> None:
    """The encoder calls the frames that it takes and those that it gives `time`."""
    (conflict,) = sample("encoder.onnx", time=1000).conflicts
    assert conflict == SymbolConflict("time", (("audio_signal:2", 1000), ("encoder_output:2", 125)))


def test_a_symbol_that_stands_for_one_size_is_none() -> None:
    assert sample("joint.onnx", time=9, token_len=4, batch=2).conflicts == ()


def test_an_output_of_unknown_size_is_no_conflict() -> None:
    text = """g (float[T] x) => (float[T] y) {
        k = NonZero(x) t = Squeeze(k) y = Cast<to = 1>(t)
    }"""
    assert price(text, {"T": 7}).conflicts == ()


def test_what_follows_from_symbols_is_misdeclared_and_no_conflict() -> None:
    text = """g (float[T,3] x) => (float[y] y, float[z] z) {
        y = Concat<axis = 0>(x, x) z = Concat<axis = 0>(x, x, x)
    }"""
    proto = model(text)
    for output, spec in zip(proto.graph.output, values("y f32[2*T,3]; z f32[2*T,3]"), strict=True):
        output.CopyFrom(spec)
    found = price(proto, {"T": 7})
    assert [item.output for item in found.misdeclared] == ["z"]
    assert found.conflicts == ()


# --- Declared shapes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        ("14, 3", False),
        ("14, 4", True),
        ("7, 3", True),
        ("14", True),
        ("2*T, 3", False),
        ("2*T, 3*B", False),
        ("T + 1, 3", True),
        ("-1, 3", False),
        ("?, 3", False),
        ("other, 3", False),
        ("2*other, 3", False),
    ],
)
def test_an_output_is_checked_where_its_size_is_declared(declared: str, *, wrong: bool) -> None:
    proto = model("g (float[T,3] x, float[B] z) => (float[] y) { y = Concat<axis = 0>(x, x) }")
    (spec,) = values(f"y f32[{declared.replace(' ', '')}]")
    proto.graph.output[0].CopyFrom(spec)
    found = price(proto, {"T": 7}).misdeclared
    assert [item.output for item in found] == (["y"] if wrong else [])


def test_both_shapes_are_told() -> None:
    text = "g (float[T,3] x) => (float[T,4] y) { y = Relu(x) }"
    assert price(text, {"T": 7}).misdeclared == (Misdeclared("y", ("T", 4), (7, 3)),)


def test_an_output_of_unknown_shape_is_not_wrong() -> None:
    text = """g (float[7] x) => (float[3] y, float[3] z) {
        k = NonZero(x) t = Squeeze(k) y = Cast<to = 1>(t) z = custom.Magic(x)
    }"""
    assert price(text).misdeclared == ()

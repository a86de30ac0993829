"""Sizes that follow from others."""

from __future__ import annotations

from fractions import Fraction

import pytest

from onnxtool.analysis.expressions import evaluate, symbols

SIZES = {"T": 57, "k": 5, "past": 12, "past_sequence_length": 12, "s0": 10}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("T", 57),
        ("2*k", 10),
        ("past + k", 17),
        ("past_sequence_length + 1", 13),
        ("past+k", 17),
        ("T - 1", 56),
        ("-k + T", 52),
        ("floor(T/8)", 7),
        ("floor(floor(T/2)/2)", 14),
        ("ceiling(T/8)", 8),
        ("CeiL(T / 8)", 8),
        ("T//8", 7),
        ("((T - 1)//2) + 1", 29),
        ("T % 8", 1),
        ("Max(1, s0)", 10),
        ("min(T, s0, 7*k)", 10),
        ("T/8", Fraction(57, 8)),
        ("k - T", -52),
    ],
)
def test_arithmetic_is_computed(text: str, size: Fraction | int) -> None:
    assert evaluate(text, SIZES) == size


def test_an_expression_is_made_of_its_symbols_in_order() -> None:
    assert symbols("max(b + 2*a, a) - past") == ("b", "a", "past")


def test_a_plain_symbol_is_made_of_itself() -> None:
    assert symbols("time") == ("time",)
    assert evaluate("time", {"time": 7}) == 7
    assert evaluate("time", {}) is None


@pytest.mark.parametrize(
    "text",
    [
        "batch-size",
        "unk__12",
        "x:1",
        "x.y",
        "2",
        "1 + 2",
        "max",
        "max()",
        "max(T)",
        "floor(T, 2)",
        "f(T)",
        "max(T, *k)",
        "max(T, key=k)",
        "T ** 2",
        "T << 2",
        "T if k else 2",
        "1if T else 2",
        "T k",
        "T +",
        "(" * 100 + "T" + ")" * 100,
        "T + " * 100 + "T",
        "zeit größe",
        "T > 2",
        "__import__('os')",
        "",
        " ",
    ],
)
def test_what_is_no_arithmetic_is_a_symbol_of_that_name(text: str) -> None:
    assert symbols(text) == (text,)
    assert evaluate(text, {text: 3, "T": 9, "k": 9}) == 3
    assert evaluate(text, {"T": 9, "k": 9}) is None


def test_without_the_size_of_a_symbol_there_is_none() -> None:
    assert evaluate("2*k + j", {"k": 3}) is None


def test_a_division_by_zero_gives_none() -> None:
    assert evaluate("T // (k - 5)", SIZES) is None

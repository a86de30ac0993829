from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.render.units import (
    amount,
    between,
    count,
    in_ascii,
    listed,
    noise,
    plain,
    real_time_factor,
    share,
    shortened,
    size,
)

KIB, MIB, GIB, TIB = (1024**power for power in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("count_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (KIB, "1.00 KiB"),
        (92_241, "90.1 KiB"),
        (int(9.99 * KIB), "9.99 KiB"),
        (10 * KIB - 1, "10.0 KiB"),
        (10 * KIB, "10.0 KiB"),
        (MIB - 1, "1.00 MiB"),
        (1023 * KIB, "1023.0 KiB"),
        (int(1023.94 * KIB), "1023.9 KiB"),
        (MIB, "1.00 MiB"),
        (int(2.3 * GIB), "2.30 GiB"),
        (5000 * TIB, "4.88 PiB"),
        (1023 * TIB * 1024**2, "1023.0 EiB"),
        (1024 * TIB * 1024**2, "1.0e+03 EiB"),
        (2**96 * 4, "2.7e+11 EiB"),
    ],
)
def test_bytes_are_in_binary_units(count_bytes: int, text: str) -> None:
    assert size(count_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_995, "10.0 k"),
        (999_940, "999.9 k"),
        (999_950, "1.00 M"),
        (999_999, "1.00 M"),
        (171_047_136, "171.0 M"),
        (81_455_026_176, "81.5 G"),
        (999_950_000_000, "1.00 T"),
        (10**20, "100.0 E"),
        (10**21, "1.0e+03 E"),
        (2**96, "7.9e+10 E"),
    ],
)
def test_amounts_are_in_decimal_units(number: int, text: str) -> None:
    assert amount(number) == text


@given(st.integers(0, 9 * 10**17))
def test_an_amount_is_the_number_to_three_digits(number: int) -> None:
    value, _, unit = amount(number).partition(" ")
    scale = 1000 ** " kMGTP".index(unit or " ")
    assert float(value) * scale == pytest.approx(number, rel=0.005)
    assert len(value.replace(".", "")) <= 4


@pytest.mark.parametrize(("number", "text"), [(0, "0 nodes"), (1, "1 node"), (5256, "5,256 nodes")])
def test_counts_have_their_plural(number: int, text: str) -> None:
    assert count(number, "node") == text


@pytest.mark.parametrize(
    ("names", "limit", "text"),
    [
        ("", 5, ""),
        ("ab", 5, "a, b"),
        ("abcde", 5, "a, b, c, d, e"),
        ("abcdefg", 5, "a, b, c, d, e … and 2 more"),
        ("abcdefg", None, "a, b, c, d, e, f, g"),
    ],
)
def test_lists_say_how_many_are_left_out(names: str, limit: int | None, text: str) -> None:
    assert listed(names, limit) == text


def test_a_large_rest_has_separators() -> None:
    assert listed(map(str, range(2000)), 1) == "0 … and 1,999 more"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [("abcdefg", 7, "abcdefg"), ("abcdefgh", 7, "abc…fgh"), ("abcdefgh", 6, "ab…gh")],
)
def test_long_text_keeps_both_ends(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short


@given(st.text(), st.integers(3, 20))
def test_shortened_text_is_no_longer_than_asked_for(text: str, limit: int) -> None:
    assert len(shortened(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("/layers.0/MatMul", "/layers.0/MatMul"),
        ("Größe Δ 日本", "Größe Δ 日本"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r", r"two\nlines\r"),
        ("tab\tbell\x07", r"tab\tbell\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil", r"\u202eevil"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("line\u2028break", r"line\u2028break"),
        ("\U000e0041", r"\U000e0041"),
    ],
    ids=[
        "name",
        "other alphabets",
        "colour",
        "line breaks",
        "bell",
        "C1 escape",
        "right to left",
        "zero width",
        "surrogate",
        "line separator",
        "tag",
    ],
)
def test_what_a_terminal_acts_on_is_made_visible(text: str, visible: str) -> None:
    assert plain(text) == visible


@given(st.text())
def test_plain_text_stays_on_one_line_and_can_be_written(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_only_what_is_ours_becomes_ascii() -> None:
    assert in_ascii("Größe · 3 … ≥ 4") == "Größe - 3 ... >= 4"
    assert in_ascii("aµs → ±3 µs ▁▂█") == "aµs -> +-3 us _.#"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.2297, "3.230"),
        (0.1949, "0.195"),
        (0.0996, "0.100"),
        (0.0994, "0.099"),
        (0.00813, "0.0081"),
        (0.0000931, "0.000093"),
        (0.0, "0.000"),
    ],
)
def test_a_real_time_factor_has_two_digits_at_least(value: float, text: str) -> None:
    assert real_time_factor(value) == text


def test_an_uncertainty_beyond_the_whole_is_not_told_to_a_digit() -> None:
    assert (share(0.0321), share(1.0)) == ("3.2%", "> 100%")
    assert (noise(0.0321), noise(34.4)) == ("±3.2%", "> 100%")
    assert between(0.98, 1.02) == "0.980 … 1.020"
    assert between(0.0, 421771.7) == "0.000 … > 1000"

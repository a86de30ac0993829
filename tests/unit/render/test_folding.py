"""Where lines end, and how wide columns are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from onnxtool.render.folding import fit, fold, longest_word


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("Add 4 · MatMul 3 · Relu 1", 16, ["Add 4 ·", "MatMul 3 ·", "Relu 1"]),
        ("Add 4 · MatMul 3 · Relu 1", 18, ["Add 4 · MatMul 3 ·", "Relu 1"]),
        ("Add 4 - MatMul 3", 10, ["Add 4 -", "MatMul 3"]),
        ("[batch, 4, 256, 96]", 11, ["[batch, 4,", "256, 96]"]),
        ("cache_last_channel_len", 12, ["cache_last_", "channel_len"]),
        ("/layers.0/self_attn/MatMul", 12, ["/layers.0/", "self_attn/", "MatMul"]),
        ("see cache_last_channel", 10, ["see", "cache_", "last_", "channel"]),
        ("0123456789", 4, ["0123", "4567", "89"]),
        ("日本日本", 5, ["日本", "日本"]),
        ("ab", 0, ["ab"]),
    ],
)
def test_lines_end_where_a_reader_would_end_them(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60), st.integers(2, 30))
def test_folding_loses_nothing_but_spaces_and_keeps_the_width(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("a bc", 2), ("cache_last", 10), ("x" * 100, 24)]
)
def test_a_word_is_kept_whole_unless_it_is_too_long(text: str, width: int) -> None:
    assert longest_word(text) == width


@pytest.mark.parametrize(
    ("natural", "least", "width", "widths"),
    [
        ([3, 4], [1, 1], 10, [3, 4]),
        ([3, 10], [1, 1], 10, [3, 7]),
        ([8, 10], [1, 1], 10, [5, 5]),
        ([8, 10], [7, 1], 10, [7, 3]),
        ([8, 10], [8, 10], 10, [5, 5]),
        ([8, 10], [8, 10], 1, [1, 1]),
    ],
)
def test_the_widest_column_gives_way_first(
    natural: list[int], least: list[int], width: int, widths: list[int]
) -> None:
    assert fit(natural, (least, [1] * len(least)), width) == widths

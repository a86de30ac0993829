"""A document as a terminal shows it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from onnxtool.render.columns import BAR_CELLS, bar
from onnxtool.render.document import (
    Align,
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Share,
    Table,
    Tone,
)
from onnxtool.render.layout import Layout
from onnxtool.render.terminal import render
from onnxtool.render.units import MAX_TEXT

HOSTILE = ["[red]x[/red]", "[0]", "[/]", "[link=https://example.org]x[/link]", ":smile:", "\\[a]"]


def printed(*blocks: Block, max_rows: int | None = None, width: int = 200) -> str:
    return shown(blocks, Layout(width, max_rows))


def shown(document: Document, layout: Layout) -> str:
    lines = render(document, layout).plain.split("\n")
    return "\n".join(line.rstrip() for line in lines)


def column(*cells: str, name: str = "name") -> Table:
    return Table((name,), tuple((cell,) for cell in cells))


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_names_is_not_interpreted(text: str) -> None:
    shown = printed(
        Heading(text, 1, note=text), Facts(((text, text),)), column(text), Paragraph(text)
    )
    assert shown.count(text) == 6


@pytest.mark.parametrize("character", ["\x1b[31m", "\x07", "\r", "\u202e", "\x9b"])
def test_control_characters_never_reach_the_terminal(character: str) -> None:
    text = f"a{character}b"
    shown = printed(
        Heading(text, 1, note=text), Facts(((text, text),)), column(text), Paragraph(text)
    )
    assert character not in shown
    assert shown.count(character.encode("unicode_escape").decode()) == 6


def test_a_heading_has_its_note_beside_it() -> None:
    assert printed(Heading("Modules", note="share of the MACs")) == "\nModules  share of the MACs"


def test_columns_are_aligned() -> None:
    table = Table(("name", "bytes"), (("a", "1"), ("bb", "200")), (Align.LEFT, Align.RIGHT))
    assert printed(table).split("\n") == ["  name  bytes", "  a         1", "  bb      200"]


def test_long_cells_are_folded_and_not_cut() -> None:
    shown = printed(column("x" * 100), width=40)
    assert shown.count("x") == 100


def test_a_hash_is_shown_whole_on_a_narrow_terminal() -> None:
    digest = "0123456789abcdef" * 4
    shown = printed(Facts((("SHA-256", digest),)), width=40)
    assert "".join(shown.replace("SHA-256", "").split()) == digest


def test_long_tables_are_cut_with_a_count() -> None:
    table = column(*map(str, range(2000)))
    lines = printed(table, max_rows=3).split("\n")
    assert lines[1:] == ["  0", "  1", "  2", "  … 1,997 more rows: --all shows them"]
    assert len(printed(table).split("\n")) == 2001


def test_a_table_that_just_fits_is_not_cut() -> None:
    assert "more rows" not in printed(column("a", "b", "c"), max_rows=3)


def test_long_names_are_shortened_unless_everything_was_asked_for() -> None:
    name = "a" * 5000 + "z" * 5000
    blocks = Heading(name, 1), Facts(((name, name),)), column(name)
    short = printed(*blocks, max_rows=20)
    assert len(short) < 8 * MAX_TEXT
    assert short.count("…") == 4
    whole = printed(*blocks)
    assert whole.count("a") >= 4 * 5000
    assert "…" not in whole


# --- Narrow, wide, and ASCII ---------------------------------------------------------------------

STATES = Table(
    ("input", "kind", "shape", "bytes", "share"),
    (
        ("cache_last_channel", "fixed", "[batch, 4, 256, 96]", "12,345,678", Share(0.95)),
        ("cache_last_time", "fixed", "[batch, 4, 96, 4]", "1", Share(0.05)),
    ),
    (Align.LEFT, Align.LEFT, Align.LEFT, Align.RIGHT, Align.LEFT),
    lesser=("kind", "shape"),
)


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    blocks = (
        Heading("samples/words-tdt/encoder.onnx", 1, "encoder · Parakeet-TDT encoder"),
        Facts((("a long label of the metadata", "a value " * 20),)),
        STATES,
        Paragraph("Constant 602 · Unsqueeze 157 · " * 9),
    )
    lines = printed(*blocks, width=width).split("\n")
    assert max(map(len, lines)) <= width


def test_a_narrow_table_has_no_bars_first() -> None:
    assert printed(STATES, width=70).split("\n") == [
        "  input               kind   shape                     bytes  share",
        "  cache_last_channel  fixed  [batch, 4, 256, 96]  12,345,678   95.0%",
        "  cache_last_time     fixed  [batch, 4, 96, 4]             1    5.0%",
    ]


def test_a_narrow_table_is_folded_between_words_and_keeps_its_numbers() -> None:
    assert printed(STATES, width=62).split("\n") == [
        "  input               kind   shape               bytes  share",
        "  cache_last_channel  fixed  [batch, 4,     12,345,678   95.0%",
        "                             256, 96]",
        "  cache_last_time     fixed  [batch, 4,              1    5.0%",
        "                             96, 4]",
    ]


def test_a_narrower_table_does_without_its_lesser_columns() -> None:
    assert printed(STATES, width=44).split("\n") == [
        "  input                    bytes  share",
        "  cache_last_channel  12,345,678   95.0%",
        "  cache_last_time              1    5.0%",
        "  … too narrow for kind, shape",
    ]


def test_the_narrowest_table_is_folded_inside_names() -> None:
    assert printed(STATES, width=30).split("\n") == [
        "  input          bytes  share",
        "  cache_    12,345,678   95.0%",
        "  last_",
        "  channel",
        "  cache_             1    5.0%",
        "  last_",
        "  time",
        "  … too narrow for kind, shape",
    ]


def test_a_table_for_a_program_is_as_wide_as_it_needs() -> None:
    document = (STATES, Paragraph("word " * 30))
    lines = shown(document, Layout(40, whole_tables=True)).split("\n")
    assert lines[1] == (
        "  cache_last_channel  fixed  [batch, 4, 256, 96]  12,345,678  ███████████▍  95.0%"
    )
    assert max(map(len, lines[3:])) <= 40


def test_ascii_alone_where_nothing_else_can_be_shown() -> None:
    document = (
        Heading("a.onnx", 1, "joint · Größe"),
        Facts((("a", "b … and 3 more"),)),
        Table(("share",), ((Share(0.5),), (Share(0.04),), (Share(0.5),))),
        Paragraph("Add 4 · Mul 3"),
    )
    text = shown(document, Layout(80, max_rows=2, ascii_only=True))
    assert text.replace("Größe", "").isascii()
    assert text.split("\n")[1:] == [
        "a.onnx  joint - Größe",
        "  a  b ... and 3 more",
        "  share",
        "  ######        50.0%",
        "                 4.0%",
        "  ... 1 more rows: --all shows them",
        "  Add 4 - Mul 3",
    ]


def test_columns_of_wide_characters_are_aligned() -> None:
    table = Table(("name", "n"), (("日本", "1"), ("a", "2")))
    assert printed(table).split("\n") == ["  name  n", "  日本  1", "  a     2"]


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [
        (0, " " * 12),
        (1, "█" * 12),
        (0.5, "█" * 6 + " " * 6),
        (1 / 96, "▏" + " " * 11),
        (5 / 96, "▋" + " " * 11),
        (95 / 96, "█" * 11 + "▉"),
        (-1, " " * 12),
        (2, "█" * 12),
        (0.0001, " " * 12),
    ],
)
def test_bars_show_a_share_to_an_eighth_of_a_character(fraction: float, drawn: str) -> None:
    assert bar(fraction) == drawn
    assert len(bar(fraction)) == BAR_CELLS


def test_a_share_is_a_bar_and_its_percentage() -> None:
    shown = printed(Table(("share",), ((Share(0.5),), (Share(0.041),))))
    assert shown.split("\n")[1:] == ["  ██████        50.0%", "  ▌              4.1%"]


def test_what_is_bad_is_red() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system="standard")
    bad = Table(("what",), (("broken",),), tone=Tone.BAD)
    console.print(
        render((bad, Paragraph("wrong", Tone.BAD), Paragraph("right")), Layout(80)), crop=False
    )
    red = [line for line in out.getvalue().splitlines() if "\x1b[31m" in line]
    assert ["broken" in red[0], "wrong" in red[1], len(red)] == [True, True, 2]

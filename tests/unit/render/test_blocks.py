"""Blocks that are more than text: cells with a tone, Markdown of our own, and code."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from onnxtool.render import markdown, terminal
from onnxtool.render.document import Block, Code, Markup, Table, Tone, Toned
from onnxtool.render.layout import Layout

CODE = Code('[[check.suppress]]\ncode = "X001"', "toml")


def printed(block: Block, *, colors: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=80, force_terminal=True, color_system="standard" if colors else None
    )
    console.print(terminal.render((block,), Layout(80)))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


@pytest.mark.parametrize(
    ("tone", "color"), [(Tone.BAD, "\x1b[31m"), (Tone.DOUBTFUL, "\x1b[33m"), (Tone.PLAIN, "")]
)
def test_a_cell_has_the_color_of_its_tone(tone: Tone, color: str) -> None:
    table = Table(("a", "b"), ((Toned("error", tone), "x"),))
    assert f"{color}error" in printed(table, colors=True)
    assert markdown.render((table,), max_rows=None).splitlines()[-1] == "| error | x |"


def test_a_cell_with_a_tone_is_text_all_the_same() -> None:
    table = Table(("a",), ((Toned("[red]\x1b|", Tone.BAD),),))
    assert r"[red]\x1b|" in printed(table)
    assert markdown.render((table,), max_rows=None).splitlines()[-1] == r"| \[red\]\\x1b\| |"


def test_code_is_shown_as_it_stands() -> None:
    assert printed(CODE) == '  [[check.suppress]]\n  code = "X001"'
    assert markdown.render((CODE,), max_rows=None) == f"```toml\n{CODE.text}\n```\n"


def test_markup_of_our_own_is_read() -> None:
    block = Markup("Give `x` a **name**\nof its own.")
    assert printed(block) == "  Give x a name of its own."
    assert markdown.render((block,), max_rows=None) == block.text + "\n"

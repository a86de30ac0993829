"""A document for a terminal: rich renderables, which the command line prints."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from onnxtool.render.document import (
    Align,
    Block,
    Cell,
    Code,
    Document,
    Facts,
    Heading,
    Markup,
    Paragraph,
    Share,
    Table,
    Tone,
    Toned,
)
from onnxtool.render.units import plain, shortened

BAR_CELLS = 12
_EIGHTHS = " ▏▎▍▌▋▊▉"
_INDENT = (0, 0, 0, 2)


def render(document: Document, *, max_rows: int | None) -> RenderableType:
    """Lay a document out; tables longer than `max_rows` are cut, and say so."""
    return Group(*(part for block in document for part in _block(block, max_rows)))


def _block(block: Block, max_rows: int | None) -> Iterator[RenderableType]:
    match block:
        case Heading(text, level, note):
            yield Text()
            style = "bold underline" if level == 1 else "bold"
            yield Text.assemble((_clean(text, max_rows), style), ("  " + plain(note), "dim"))
        case Facts(rows):
            grid = RichTable.grid(padding=(0, 2))
            for _ in range(2):
                grid.add_column(overflow="fold")  # Half a hash is none.
            for label, value in rows:
                # A label may be a key of the model's metadata.
                grid.add_row(Text(_clean(label, max_rows), "dim"), Text(_clean(value, max_rows)))
            yield Padding(grid, _INDENT)
        case Table():
            yield Padding(_table(block, max_rows), _INDENT)
            hidden = 0 if max_rows is None else len(block.rows) - max_rows
            if hidden > 0:
                yield Padding(Text(f"… {hidden:,} more rows: --all shows them", "dim"), _INDENT)
        case Paragraph(text, tone):
            yield Padding(Text(plain(text), style=_style(tone)), _INDENT)
        case Markup(text):
            from rich.markdown import Markdown

            yield Padding(Markdown(text), _INDENT)
        case Code(text):
            yield Padding(Text(text), _INDENT)


def _table(table: Table, max_rows: int | None) -> RichTable:
    rich = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for index, name in enumerate(table.columns):
        right = index < len(table.align) and table.align[index] is Align.RIGHT
        rich.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in table.rows[:max_rows]:
        rich.add_row(*(_cell(cell, max_rows) for cell in row), style=_style(table.tone))
    return rich


def _cell(cell: Cell, max_rows: int | None) -> Text:
    # Text, not str: names in a model may contain rich markup such as "[0]".
    if isinstance(cell, Share):
        return Text.assemble((bar(cell.fraction), "cyan"), f" {cell.fraction:6.1%}")
    if isinstance(cell, Toned):
        return Text(_clean(cell.text, max_rows), style=_style(cell.tone))
    return Text(_clean(cell, max_rows))


def _clean(text: str, max_rows: int | None) -> str:
    """Safe to print, and short unless everything was asked for."""
    return plain(text) if max_rows is None else shortened(plain(text))


def bar(fraction: float) -> str:
    """A horizontal bar of `BAR_CELLS` characters, to an eighth of a character."""
    eighths = round(min(max(fraction, 0.0), 1.0) * BAR_CELLS * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(BAR_CELLS)


def _style(tone: Tone) -> str:
    return {Tone.PLAIN: "", Tone.DOUBTFUL: "yellow", Tone.BAD: "red"}[tone]

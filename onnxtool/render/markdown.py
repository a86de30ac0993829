"""A document as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from onnxtool.render.document import (
    Align,
    Block,
    Cell,
    Document,
    Facts,
    Heading,
    Paragraph,
    Share,
    Table,
)
from onnxtool.render.units import plain, shortened

# What Markdown would read as formatting, links or HTML.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


def render(document: Document, *, max_rows: int | None) -> str:
    """Write a document out; tables longer than `max_rows` are cut, and say so."""
    lines = [line for block in document for line in (*_block(block, max_rows), "")]
    return "\n".join(lines).strip("\n") + "\n"


def _block(block: Block, max_rows: int | None) -> Iterator[str]:
    match block:
        case Heading(text, level, note):
            yield f"{'#' * level} {_escaped(text)}" + (f" ({_escaped(note)})" if note else "")
        case Facts(rows):
            yield from (f"- {_escaped(label)}: {_escaped(value)}" for label, value in rows)
        case Table():
            yield from _table(block, max_rows)
        case Paragraph(text):
            yield _escaped(text)


def _table(table: Table, max_rows: int | None) -> Iterator[str]:
    right = [
        index < len(table.align) and table.align[index] is Align.RIGHT for index in _range(table)
    ]
    yield _row(table.columns)
    yield _row(["--:" if is_right else "---" for is_right in right], escape=False)
    yield from (_row(row) for row in table.rows[:max_rows])
    hidden = 0 if max_rows is None else len(table.rows) - max_rows
    if hidden > 0:
        yield ""
        yield f"… {hidden:,} more rows"


def _range(table: Table) -> range:
    return range(len(table.columns))


def _row(cells: Sequence[Cell], *, escape: bool = True) -> str:
    texts = (_text(cell) if escape else str(cell) for cell in cells)
    return f"| {' | '.join(texts)} |"


def _text(cell: Cell) -> str:
    return f"{cell.fraction:.1%}" if isinstance(cell, Share) else _escaped(cell)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", shortened(plain(text)))

"""A document as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
    Toned,
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
            title = f"{'#' * level} {_escaped(text, max_rows)}"
            yield title + (f" ({_escaped(note, max_rows)})" if note else "")
        case Facts(rows):
            for row in rows:
                label, value = (_escaped(text, max_rows) for text in row)
                yield f"- {label}: {value}"
        case Table():
            yield from _table(block, max_rows)
        case Paragraph(text):
            yield _escaped(text, None)
        case Markup(text):
            yield text
        case Code(text, language):
            yield f"```{language}\n{text}\n```"


def _table(table: Table, max_rows: int | None) -> Iterator[str]:
    right = [
        index < len(table.align) and table.align[index] is Align.RIGHT for index in _range(table)
    ]
    yield _row(table.columns)
    yield _row("--:" if is_right else "---" for is_right in right)
    for row in table.rows[:max_rows]:
        yield _row(_text(cell, max_rows) for cell in row)
    hidden = 0 if max_rows is None else len(table.rows) - max_rows
    if hidden > 0:
        yield ""
        yield f"… {hidden:,} more rows"


def _range(table: Table) -> range:
    return range(len(table.columns))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell, max_rows: int | None) -> str:
    if isinstance(cell, Share):
        return f"{cell.fraction:.1%}"
    return _escaped(cell.text if isinstance(cell, Toned) else cell, max_rows)


def _escaped(text: str, max_rows: int | None) -> str:
    """Read as it stands, and short unless everything was asked for."""
    clean = plain(text)
    return _SPECIAL.sub(r"\\\1", clean if max_rows is None else shortened(clean))

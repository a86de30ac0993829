"""Tables of figures, as plain text or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def table(header: Row, rows: Sequence[Row], *, markdown: bool, text_columns: int = 1) -> str:
    """Lay out a table: the first columns, which hold text, to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [_line(row, widths, text_columns, markdown=markdown) for row in (header, *rows)]
    if markdown:
        rule = [
            "-" * width if index < text_columns else "-" * (width - 1) + ":"
            for index, width in enumerate(widths)
        ]
        lines.insert(1, _line(rule, widths, text_columns, markdown=True))
    return "\n".join(lines)


def _line(row: Row, widths: Sequence[int], text_columns: int, *, markdown: bool) -> str:
    cells = [
        cell.ljust(width) if index < text_columns else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip()

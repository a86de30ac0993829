"""A table as lines of text, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from onnxtool.render.document import Align, Cell, Share, Table, Toned
from onnxtool.render.folding import fit, fold, longest_word
from onnxtool.render.layout import GAP, INDENT, Layout, style_of

BAR_CELLS = 12
_PERCENT_CELLS = len("100.0%")
_SHARE_CELLS = BAR_CELLS + 1 + _PERCENT_CELLS
_EIGHTHS = " ▏▎▍▌▋▊▉"


def table_lines(table: Table, layout: Layout) -> Iterator[Text]:
    """A table, cut to the rows that the layout allows and the columns that there is room for."""
    table = replace(table, columns=tuple(map(layout.clean, table.columns)))
    rows = [tuple(_clean(cell, layout) for cell in row) for row in table.rows[: layout.max_rows]]
    columns, widths = _columns(table, rows, layout)
    header = [
        fold(table.columns[column], width) for column, width in zip(columns, widths, strict=True)
    ]
    aligned = [_is_right(table, column) for column in columns]
    yield from _lines([list(map(Text, cell)) for cell in header], widths, aligned, "dim")
    for row in rows:
        cells = [
            _cell(row[column], width, layout) for column, width in zip(columns, widths, strict=True)
        ]
        yield from _lines(cells, widths, aligned, style_of(table.tone))
    if hidden := len(table.rows) - len(rows):
        yield from _remark(f"… {hidden:,} more rows: --all shows them", layout)
    if left_out := [name for index, name in enumerate(table.columns) if index not in columns]:
        yield from _remark(f"… too narrow for {', '.join(left_out)}", layout)


def _columns(
    table: Table, rows: Sequence[tuple[Cell, ...]], layout: Layout
) -> tuple[list[int], list[int]]:
    """Which columns there is room for, and their widths.

    1. All, as wide as they would be, if they fit.
    2. All, folded between words and inside names.
    3. Without those that tell least, so that the others are.
    """
    columns = list(range(len(table.columns)))
    natural = [_widest(table, rows, column) for column in columns]
    room = layout.width - len(INDENT) + GAP
    if layout.whole_tables or sum(natural) + GAP * len(columns) <= room:
        return columns, natural
    least = [_narrowest(table, rows, column, natural[column]) for column in columns]
    # A share has a bar and its percentage, or that alone.
    natural = [least[column] if _is_share(rows, column) else natural[column] for column in columns]
    for name in (None, *table.lesser):
        columns = [column for column in columns if table.columns[column] != name]
        if sum(least[column] + GAP for column in columns) <= room:
            break
    wanted, needed = ([widths[column] for column in columns] for widths in (natural, least))
    # Half a number is another one.
    numbers = [
        natural[column] if _is_right(table, column) or _is_share(rows, column) else 1
        for column in columns
    ]
    floors = (needed, numbers, [1] * len(columns))
    return columns, fit(wanted, floors, room - GAP * len(columns))


def _widest(table: Table, rows: Sequence[tuple[Cell, ...]], column: int) -> int:
    cells = (
        _SHARE_CELLS if isinstance(row[column], Share) else cell_len(_text(row[column]))
        for row in rows
    )
    return max(cell_len(table.columns[column]), *cells, 1)


def _narrowest(table: Table, rows: Sequence[tuple[Cell, ...]], column: int, natural: int) -> int:
    if _is_right(table, column):
        return natural
    cells = (
        _PERCENT_CELLS if isinstance(row[column], Share) else longest_word(_text(row[column]))
        for row in rows
    )
    return max(longest_word(table.columns[column]), *cells, 1)


def _clean(cell: Cell, layout: Layout) -> Cell:
    if isinstance(cell, Toned):
        return Toned(layout.clean(cell.text), cell.tone)
    return cell if isinstance(cell, Share) else layout.clean(cell)


def _text(cell: Cell) -> str:
    if isinstance(cell, Toned):
        return cell.text
    return "" if isinstance(cell, Share) else cell


def _is_share(rows: Sequence[tuple[Cell, ...]], column: int) -> bool:
    return bool(rows) and isinstance(rows[0][column], Share)


def _is_right(table: Table, column: int) -> bool:
    return column < len(table.align) and table.align[column] is Align.RIGHT


def _cell(cell: Cell, width: int, layout: Layout) -> list[Text]:
    # Text, not str: names in a model may contain rich markup such as "[0]".
    if not isinstance(cell, Share):
        style = style_of(cell.tone) if isinstance(cell, Toned) else ""
        return [Text(line, style) for line in fold(_text(cell), width)]
    percent = f"{cell.fraction:{_PERCENT_CELLS}.1%}"
    if width < _SHARE_CELLS:
        return [Text(percent)]
    drawn = bar(cell.fraction, ascii_only=layout.ascii_only)
    return [Text.assemble((drawn, "cyan"), f" {percent}")]


def _lines(
    cells: Sequence[Sequence[Text]], widths: Sequence[int], aligned: Sequence[bool], style: str
) -> Iterator[Text]:
    """One row, in as many lines as its longest cell."""
    for parts in zip_longest(*cells, fillvalue=Text()):
        line = Text(INDENT, style)
        for index, (part, width, is_right) in enumerate(zip(parts, widths, aligned, strict=True)):
            space = " " * (width - part.cell_len)
            gap = " " * GAP if index + 1 < len(widths) else ""
            line.append_text(Text.assemble(space, part) if is_right else Text.assemble(part, space))
            line.append(gap)
        yield line


def bar(fraction: float, *, ascii_only: bool = False) -> str:
    """A horizontal bar of `BAR_CELLS` characters, to an eighth of a character if there is one."""
    share = min(max(fraction, 0.0), 1.0)
    if ascii_only:
        return ("#" * round(share * BAR_CELLS)).ljust(BAR_CELLS)
    full, part = divmod(round(share * BAR_CELLS * 8), 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(BAR_CELLS)


def _remark(text: str, layout: Layout) -> Iterator[Text]:
    for line in fold(layout.clean(text), layout.width - len(INDENT)):
        yield Text(INDENT + line, "dim")

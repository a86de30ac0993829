"""A document for a terminal: text with styles, laid out for a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

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
    Tone,
)
from onnxtool.render.folding import fit, fold, longest_word
from onnxtool.render.units import in_ascii, plain, shortened

BAR_CELLS = 12
_PERCENT_CELLS = len("100.0%")
_SHARE_CELLS = BAR_CELLS + 1 + _PERCENT_CELLS
_EIGHTHS = " ▏▎▍▌▋▊▉"
_INDENT, _GAP = "  ", 2


@dataclass(frozen=True, slots=True)
class Layout:
    """What a document is laid out for.

    Attributes:
        width: Cells in a line.
        max_rows: Rows of a table, and then names are short, too; None for all.
        whole_tables: Let tables be wider than that: a program reads them, line by line.
        ascii_only: Use no other characters of our own.
    """

    width: int
    max_rows: int | None = None
    whole_tables: bool = False
    ascii_only: bool = False

    def clean(self, text: str) -> str:
        """Safe to print, and short unless everything was asked for."""
        safe = plain(text) if self.max_rows is None else shortened(plain(text))
        return in_ascii(safe) if self.ascii_only else safe


def render(document: Document, layout: Layout) -> Text:
    """Lay a document out; a table that is longer than the layout allows is cut, and says so."""
    lines = (line for block in document for line in _block(block, layout))
    return Text("\n", no_wrap=True, overflow="ignore").join(lines)


def _block(block: Block, layout: Layout) -> Iterator[Text]:
    match block:
        case Heading():
            yield Text()
            yield from _heading(block, layout)
        case Facts(rows):
            yield from _facts(rows, layout)
        case Table():
            yield from _table(block, layout)
        case Paragraph(text, tone):
            # Running text is never shortened.
            whole = in_ascii(plain(text)) if layout.ascii_only else plain(text)
            for line in fold(whole, layout.width - len(_INDENT)):
                yield Text(_INDENT + line, _style(tone))


def _heading(heading: Heading, layout: Layout) -> Iterator[Text]:
    style = "bold underline" if heading.level == 1 else "bold"
    text, note = layout.clean(heading.text), layout.clean(heading.note)
    if cell_len(text) + _GAP + cell_len(note) <= layout.width:
        yield Text.assemble((text, style), ("  " + note if note else "", "dim"))
        return
    for line in fold(text, layout.width):
        yield Text(line, style)
    for line in fold(note, layout.width - len(_INDENT)) if note else ():
        yield Text(_INDENT + line, "dim")


def _facts(rows: Sequence[tuple[str, str]], layout: Layout) -> Iterator[Text]:
    clean = [(layout.clean(label), layout.clean(value)) for label, value in rows]
    room = layout.width - len(_INDENT) - _GAP
    # A label may be a key of the model's metadata: it leaves the value half of the line.
    labels = min(max((cell_len(label) for label, _ in clean), default=0), room // 2)
    for label, value in clean:
        cells = fold(label, labels), fold(value, room - labels)
        for left, right in zip_longest(*cells, fillvalue=""):
            yield Text.assemble(_INDENT, (_padded(left, labels + _GAP), "dim"), right)


# --- Tables --------------------------------------------------------------------------------------


def _table(table: Table, layout: Layout) -> Iterator[Text]:
    rows = [
        tuple(cell if isinstance(cell, Share) else layout.clean(cell) for cell in row)
        for row in table.rows[: layout.max_rows]
    ]
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
        yield from _lines(cells, widths, aligned, _style(table.tone))
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
    room = layout.width - len(_INDENT) + _GAP
    if layout.whole_tables or sum(natural) + _GAP * len(columns) <= room:
        return columns, natural
    least = [_narrowest(table, rows, column, natural[column]) for column in columns]
    # A share has a bar and its percentage, or that alone.
    natural = [least[column] if _is_share(rows, column) else natural[column] for column in columns]
    for name in (None, *table.lesser):
        columns = [column for column in columns if table.columns[column] != name]
        if sum(least[column] + _GAP for column in columns) <= room:
            break
    wanted, needed = ([widths[column] for column in columns] for widths in (natural, least))
    # Half a number is another one.
    numbers = [
        natural[column] if _is_right(table, column) or _is_share(rows, column) else 1
        for column in columns
    ]
    floors = (needed, numbers, [1] * len(columns))
    return columns, fit(wanted, floors, room - _GAP * len(columns))


def _widest(table: Table, rows: Sequence[tuple[Cell, ...]], column: int) -> int:
    cells = (
        _SHARE_CELLS if isinstance(row[column], Share) else cell_len(str(row[column]))
        for row in rows
    )
    return max(cell_len(table.columns[column]), *cells, 1)


def _narrowest(table: Table, rows: Sequence[tuple[Cell, ...]], column: int, natural: int) -> int:
    if _is_right(table, column):
        return natural
    cells = (
        _PERCENT_CELLS if isinstance(row[column], Share) else longest_word(str(row[column]))
        for row in rows
    )
    return max(longest_word(table.columns[column]), *cells, 1)


def _is_share(rows: Sequence[tuple[Cell, ...]], column: int) -> bool:
    return bool(rows) and isinstance(rows[0][column], Share)


def _is_right(table: Table, column: int) -> bool:
    return column < len(table.align) and table.align[column] is Align.RIGHT


def _cell(cell: Cell, width: int, layout: Layout) -> list[Text]:
    # Text, not str: names in a model may contain rich markup such as "[0]".
    if not isinstance(cell, Share):
        return [Text(line) for line in fold(cell, width)]
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
        line = Text(_INDENT, style)
        for index, (part, width, is_right) in enumerate(zip(parts, widths, aligned, strict=True)):
            space = " " * (width - part.cell_len)
            gap = " " * _GAP if index + 1 < len(widths) else ""
            line.append_text(Text.assemble(space, part) if is_right else Text.assemble(part, space))
            line.append(gap)
        yield line


def _remark(text: str, layout: Layout) -> Iterator[Text]:
    for line in fold(layout.clean(text), layout.width - len(_INDENT)):
        yield Text(_INDENT + line, "dim")


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def bar(fraction: float, *, ascii_only: bool = False) -> str:
    """A horizontal bar of `BAR_CELLS` characters, to an eighth of a character if there is one."""
    share = min(max(fraction, 0.0), 1.0)
    if ascii_only:
        return ("#" * round(share * BAR_CELLS)).ljust(BAR_CELLS)
    full, part = divmod(round(share * BAR_CELLS * 8), 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(BAR_CELLS)


def _style(tone: Tone) -> str:
    return "red" if tone is Tone.BAD else ""

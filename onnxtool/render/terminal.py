"""A document for a terminal: text with styles, laid out for a width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from onnxtool.render.columns import table_lines
from onnxtool.render.document import (
    Block,
    Code,
    Document,
    Facts,
    Heading,
    Markup,
    Paragraph,
    Table,
)
from onnxtool.render.folding import fold
from onnxtool.render.layout import GAP, INDENT, Layout, style_of
from onnxtool.render.units import in_ascii, plain


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
            yield from table_lines(block, layout)
        case Paragraph(text, tone):
            yield from _running(text, layout, style_of(tone))
        case Markup(text):
            for paragraph in _paragraphs(text):
                yield from _running(paragraph, layout)
        case Code(text):
            for line in text.split("\n"):
                yield Text(INDENT + line)


def _running(text: str, layout: Layout, style: str = "") -> Iterator[Text]:
    """Text that is never shortened, folded between words."""
    whole = in_ascii(plain(text)) if layout.ascii_only else plain(text)
    for line in fold(whole, layout.width - len(INDENT)):
        yield Text(INDENT + line, style)


def _paragraphs(markup: str) -> Iterator[str]:
    """The paragraphs and list items of Markdown, a line each, with empty lines between them."""
    for index, paragraph in enumerate(re.split(r"\n\s*\n", markup.strip())):
        if index:
            yield ""
        for item in re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", paragraph):
            # Emphasis and code are for eyes that have other fonts.
            yield re.sub(r"\*\*|`", "", " ".join(item.split()))


def _heading(heading: Heading, layout: Layout) -> Iterator[Text]:
    style = "bold underline" if heading.level == 1 else "bold"
    text, note = layout.clean(heading.text), layout.clean(heading.note)
    if cell_len(text) + GAP + cell_len(note) <= layout.width:
        yield Text.assemble((text, style), ("  " + note if note else "", "dim"))
        return
    for line in fold(text, layout.width):
        yield Text(line, style)
    for line in fold(note, layout.width - len(INDENT)) if note else ():
        yield Text(INDENT + line, "dim")


def _facts(rows: Sequence[tuple[str, str]], layout: Layout) -> Iterator[Text]:
    clean = [(layout.clean(label), layout.clean(value)) for label, value in rows]
    room = layout.width - len(INDENT) - GAP
    # A label may be a key of the model's metadata: it leaves the value half of the line.
    labels = min(max((cell_len(label) for label, _ in clean), default=0), room // 2)
    for label, value in clean:
        cells = fold(label, labels), fold(value, room - labels)
        for left, right in zip_longest(*cells, fillvalue=""):
            yield Text.assemble(INDENT, (_padded(left, labels + GAP), "dim"), right)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))

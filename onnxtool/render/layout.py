"""What a report is laid out for: a terminal, a log, or a program that reads it line by line."""

from __future__ import annotations

from dataclasses import dataclass

from onnxtool.render.document import Tone
from onnxtool.render.units import in_ascii, plain, shortened

INDENT, GAP = "  ", 2


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


def style_of(tone: Tone) -> str:
    """How rich shows a tone."""
    return {Tone.PLAIN: "", Tone.DOUBTFUL: "yellow", Tone.BAD: "red"}[tone]

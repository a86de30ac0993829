"""A report as blocks, so that every format says the same: what it says is decided once."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, from 0 to 1: drawn as a bar where there is room for one."""

    fraction: float


class Align(enum.Enum):
    """How a column is set."""

    LEFT = "left"
    RIGHT = "right"


class Tone(enum.Enum):
    """What a block tells of the model."""

    PLAIN = "plain"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Toned:
    """A cell that tells something else than its row."""

    text: str
    tone: Tone


Cell = str | Share | Toned


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 for a graph or a folder, 2 for a section of it."""

    text: str
    level: int = 2
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Labelled values, one a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column names.

    Attributes:
        lesser: Columns to do without where there is no room for all, the least important first.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: tuple[Align, ...] = ()
    tone: Tone = Tone.PLAIN
    lesser: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Markup:
    """Markdown of our own, never of a model: only here is it more than text."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied as they stand."""

    text: str
    language: str = ""


Block = Heading | Facts | Table | Paragraph | Markup | Code
Document = tuple[Block, ...]

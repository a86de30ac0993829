"""Options that several commands share."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from onnxtool.errors import UsageError


class Format(enum.StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def _file(path: Path | None) -> Path | None:
    """A hyphen means stdout, as it does for most commands."""
    return None if path == Path("-") else path


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the result.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write the result to this file instead of stdout, which is -.",
        callback=_file,
    ),
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Leave nothing out: all rows, all names, whole values.")
]
AllowLinksOption = Annotated[
    bool,
    typer.Option(
        "--allow-links",
        help="Read external data through hard links, and through symbolic links within the "
        "model's folder or into its own Hugging Face cache.",
    ),
]
AtOption = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=SIZE",
        help="Compute the cost at this size of a dynamic axis, named by its symbol or as "
        "INPUT:AXIS, or at this value of an integer input. Repeat for more; others are 1.",
    ),
]


def sizes(pairs: list[str] | None) -> dict[str, int] | None:
    """`["time=1000", "batch=1"]` as a mapping; None for none.

    Raises:
        UsageError: One is no NAME=SIZE, or a name is given twice.
    """
    if not pairs:
        return None
    result: dict[str, int] = {}
    for pair in pairs:
        name, equals, number = pair.rpartition("=")
        if not (name and equals and number.isascii() and number.isdecimal()):
            raise UsageError(f"--at {pair}: not NAME=SIZE", hint="as in --at time=1000")
        if len(number) > 12:
            raise UsageError(f"--at {pair}: no axis is that long", hint="as in --at time=1000")
        if name in result:
            raise UsageError(f"--at gives `{name}` twice", hint="give one size for each axis")
        result[name] = int(number)
    return result

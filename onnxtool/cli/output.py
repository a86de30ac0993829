"""Deliver a rendered result: to the terminal, to a pipe, or to a file."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.options import Format
from onnxtool.errors import UsageError
from onnxtool.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from onnxtool.render.document import Block

# Of output that is no terminal: wide enough for hashes, narrow enough for a log.
PLAIN_WIDTH = 120
MAX_ROWS = 20


def deliver_json(data: object, output: Path | None) -> None:
    """Write JSON. ASCII only, so that no terminal or pipe can break it."""
    _deliver(json.dumps(data, indent=2, allow_nan=False) + "\n", output)


def deliver(
    blocks: Iterable[Block], format: Format, output: Path | None, *, show_all: bool
) -> None:
    """Write a document as text or Markdown; long tables are cut unless `show_all`."""
    max_rows = None if show_all else MAX_ROWS
    document = tuple(blocks)
    if format is Format.MARKDOWN:
        from onnxtool.render import markdown

        _deliver(markdown.render(document, max_rows=max_rows), output)
    else:
        from onnxtool.render import terminal

        _deliver_renderable(terminal.render(document, max_rows=max_rows), output)


def _deliver_renderable(renderable: RenderableType, output: Path | None) -> None:
    """Print a renderable, in colour where stdout is a terminal."""
    from rich.console import Console

    if output is None and sys.stdout.isatty():
        Console().print(renderable)
        return
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else PLAIN_WIDTH
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, legacy_windows=False).print(renderable)
    lines = (line.rstrip() for line in text.getvalue().strip("\n").split("\n"))
    _deliver("\n".join(lines) + "\n", output)


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from onnxtool.model.artifact import atomic_write

    with atomic_write(output) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))


def refuse_to_overwrite(output: Path | None, inputs: Sequence[Path]) -> None:
    """Inputs are never modified: refuse an output that is one of them, or lies where they do not.

    Raises:
        UsageError: The output is an input, a graph, or a folder.
    """
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"--output {output}: a folder", hint="name a file")
    taken = {os.path.realpath(path) for path in inputs}
    if os.path.realpath(output) in taken or output.suffix == ".onnx":
        raise UsageError(f"--output {output}: would overwrite a model", hint="name another file")


def progress() -> Progress:
    """A bar on stderr, if a person is looking."""
    if not sys.stderr.isatty():
        return SILENT
    from onnxtool.cli.progress_bar import ProgressBar

    return ProgressBar()

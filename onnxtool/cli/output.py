"""Deliver a rendered result: to the terminal, to a pipe, or to a file."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from onnxtool.cli.options import Format
from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from onnxtool.render.document import Block

# Of output that is no terminal: wide enough for hashes, narrow enough for a log.
PLAIN_WIDTH = 120
# What a report may be called that replaces an older one.
REPORT_SUFFIXES = frozenset({".json", ".log", ".markdown", ".md", ".txt"})
# Rows of a table, unless all are asked for: 20 in a log; of a terminal's height, what leaves room
# for the rest.
LOG_ROWS, OTHER_LINES, LEAST_ROWS = 20, 12, 8


def deliver_json(data: object, output: Path | None) -> None:
    """Write JSON. ASCII only, so that no terminal or pipe can break it."""
    _deliver(json.dumps(data, indent=2, allow_nan=False) + "\n", output)


def deliver(
    blocks: Iterable[Block], format: Format, output: Path | None, *, show_all: bool
) -> None:
    """Write a document as text or Markdown; long tables are cut unless `show_all`."""
    max_rows = None if show_all else _row_limit(output)
    document = tuple(blocks)
    if format is Format.MARKDOWN:
        from onnxtool.render import markdown

        _deliver(markdown.render(document, max_rows=max_rows), output)
    else:
        from onnxtool.render import terminal

        _deliver_renderable(terminal.render(document, max_rows=max_rows), output)


def _row_limit(output: Path | None) -> int | None:
    if output is not None:
        return None
    if _stdout().isatty():
        return max(shutil.get_terminal_size().lines - OTHER_LINES, LEAST_ROWS)
    return LOG_ROWS


def _deliver_renderable(renderable: RenderableType, output: Path | None) -> None:
    """Print a renderable, in colour where stdout is a terminal."""
    from rich.console import Console

    if output is None and _stdout().isatty():
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
        _print(text)
        return
    from onnxtool.model.artifact import atomic_write

    with atomic_write(output) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))


def _print(text: str) -> None:
    stdout = _stdout()
    try:
        stdout.write(text)
        stdout.flush()
    except OSError as error:
        # What is still in the buffer would fail once more when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        raise OnnxToolError(
            f"stdout: cannot be written: {error.strerror}", hint="the result is not complete"
        ) from None


def _stdout() -> TextIO:
    """Where results go.

    Raises:
        OnnxToolError: It was closed before the program started.
    """
    stdout: TextIO | None = sys.stdout
    if stdout is None:
        raise OnnxToolError("stdout is closed", hint="write to a file with --output")
    return stdout


def refuse_to_overwrite(
    output: Path | None, inputs: Sequence[Path], *, option: str = "--output"
) -> None:
    """Inputs are never modified: refuse an output that is one of them, or lies where they do not.

    Raises:
        UsageError: The output is an input, a graph, or no regular file.
    """
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"{option} {output}: a folder", hint="name a file")
    # The file is replaced, not written to: that would take away a device or a link for all.
    if output.is_symlink() or (output.exists() and not output.is_file()):
        raise UsageError(
            f"{option} {output}: a link or a device", hint="name a file, or redirect stdout"
        )
    taken = {os.path.realpath(path) for path in inputs}
    if os.path.realpath(output) in taken or output.suffix == ".onnx":
        raise UsageError(f"{option} {output}: would overwrite a model", hint="name another file")
    if output.exists() and not _may_be_a_report(output):
        raise UsageError(
            f"{option} {output}: exists, and does not look like a report",
            hint="weights and metadata are never overwritten; name another file",
        )


def _may_be_a_report(path: Path) -> bool:
    """Whether an existing file may be replaced: named like a report, and not as part of a model."""
    from onnxtool.model.bundle import companion_kind

    return path.suffix in REPORT_SUFFIXES and companion_kind(path.name) is None


def progress() -> Progress:
    """A bar on stderr, if a person is looking."""
    if not sys.stderr.isatty():
        return SILENT
    from onnxtool.cli.progress_bar import ProgressBar

    return ProgressBar()

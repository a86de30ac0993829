"""Deliver a rendered result: to the terminal, to a pipe, or to a file."""

from __future__ import annotations

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
    from onnxtool.render.document import Block, Document

# Of output that is no terminal: wide enough for hashes, narrow enough for a log.
PLAIN_WIDTH = 120
# What a report may be called that replaces an older one.
REPORT_SUFFIXES = frozenset({".json", ".log", ".markdown", ".md", ".sarif", ".txt", ".xml"})
# Rows of a table on a terminal, unless all are asked for: what leaves room for the rest.
OTHER_LINES, LEAST_ROWS = 12, 8
# What reports draw with.
DRAWN = "·…≥█▏"


def deliver_json(data: object, output: Path | None) -> None:
    """Write JSON. ASCII only, so that no terminal or pipe can break it."""
    _deliver(json.dumps(data, indent=2, allow_nan=False) + "\n", output)


def deliver_text(text: str, output: Path | None) -> None:
    """Write what is rendered already, for programs to read."""
    _deliver(text, output)


def deliver(
    blocks: Iterable[Block], format: Format, output: Path | None, *, show_all: bool
) -> None:
    """Write a document as text or Markdown.

    Long tables are cut on a terminal, unless `show_all`: what goes into a pipe or a file is
    searched and compared, so it is whole.
    """
    is_terminal = output is None and _stdout().isatty()
    ascii_only = output is None and not _can_draw(_stdout())
    max_rows = _row_limit() if is_terminal and not show_all else None
    document = tuple(blocks)
    if format is Format.MARKDOWN:
        from onnxtool.render import markdown
        from onnxtool.render.units import in_ascii

        text = markdown.render(document, max_rows=max_rows)
        _deliver(in_ascii(text) if ascii_only else text, output)
    elif is_terminal:
        _show(document, max_rows=max_rows, ascii_only=ascii_only)
    else:
        _deliver(_plain(document, ascii_only=ascii_only), output)


def _row_limit() -> int:
    return max(shutil.get_terminal_size().lines - OTHER_LINES, LEAST_ROWS)


def _can_draw(stream: TextIO) -> bool:
    """Whether a stream takes more than ASCII; one that is no file takes everything."""
    try:
        DRAWN.encode(stream.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _show(document: Document, *, max_rows: int | None, ascii_only: bool) -> None:
    """Print a document on the terminal, in colour."""
    from rich.console import Console

    from onnxtool.render.layout import Layout
    from onnxtool.render.terminal import render

    console = Console()
    layout = Layout(console.width, max_rows, ascii_only=ascii_only)
    console.print(render(document, layout), crop=False)


def _plain(document: Document, *, ascii_only: bool) -> str:
    """A document without colours; as wide as COLUMNS says, or else as its tables need."""
    from onnxtool.render.layout import Layout
    from onnxtool.render.terminal import render

    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() else 0
    layout = Layout(width or PLAIN_WIDTH, whole_tables=not width, ascii_only=ascii_only)
    lines = render(document, layout).plain.strip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines) + "\n"


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
    if os.path.realpath(output) in taken or output.suffix.lower() == ".onnx":
        raise UsageError(f"{option} {output}: would overwrite a model", hint="name another file")
    if output.exists() and not _may_be_a_report(output):
        raise UsageError(
            f"{option} {output}: exists, and does not look like a report",
            hint="weights and metadata are never overwritten; name another file",
        )
    # Before the work and not after it, which may be an hour.
    if not output.parent.is_dir():
        raise UsageError(f"{option} {output}: there is no such folder", hint="make it first")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"{option} {output}: its folder cannot be written to", hint="take another")


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

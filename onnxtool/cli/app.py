"""The program: its subcommands, its exit codes, and what becomes of errors."""

from __future__ import annotations

import gc
import io
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated, NoReturn, TextIO

import typer

from onnxtool.cli import bench, inspect
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.errors import OnnxToolError

app = typer.Typer(
    name="onnxtool",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 yes, 1 no, 2 trouble (usage, unreadable input), 3 a bug in onnxtool.",
)


def _add(command: Callable[..., None], examples: str) -> None:
    """Add a subcommand. Its docstring is its help, with the lines of each paragraph joined."""
    paragraphs = (command.__doc__ or "").strip().split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    app.command(help=text, epilog=examples)(command)


_add(inspect.inspect, inspect.EXAMPLES)
_add(bench.bench, bench.EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"onnxtool {version('onnxtool-cli')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Look into ONNX models between export and release: evidence for each claim, at any size."""


class Interrupted(BaseException):
    """Ctrl-C. No `Exception`, which whoever carries on after a failure would take it for.

    No KeyboardInterrupt either, which the command-line library would end with exit code 1: "no".
    """


def main() -> None:
    """Run the program; only here do errors become text and exit codes."""
    _behave()
    try:
        app()
    except OnnxToolError as error:
        complain(error)
        raise SystemExit(ExitCode.TROUBLE) from None
    except Interrupted:
        complain(OnnxToolError("interrupted", hint="no file was written"))
        raise SystemExit(ExitCode.TROUBLE) from None
    except Exception:
        import traceback

        traceback.print_exc()
        sys.stderr.write("This is a bug in onnxtool; please report it with the above.\n")
        raise SystemExit(ExitCode.BUG) from None


def _behave() -> None:
    """Be quick, and a good citizen of a pipeline."""
    # Nearly all that is made lives as long as the process: looking for garbage finds none.
    gc.set_threshold(100_000, 50, 50)
    stderr: TextIO | None = sys.stderr
    if stderr is None:  # It was closed before the program started.
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal without UTF-8 shows an escape instead of raising.
            stream.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        # `onnxtool ... | head` ends quietly, as any filter does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted

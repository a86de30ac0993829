"""The program: its subcommands, its exit codes, and what becomes of errors."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from onnxtool.cli import inspect
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.errors import OnnxToolError

app = typer.Typer(
    name="onnxtool",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 yes, 1 no, 2 trouble (usage, unreadable input), 3 a bug in onnxtool.",
)
app.command(epilog=inspect.EPILOG)(inspect.inspect)


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


def main() -> None:
    """Run the program; only here do errors become text and exit codes."""
    _behave()
    try:
        app()
    except OnnxToolError as error:
        complain(error)
        raise SystemExit(ExitCode.TROUBLE) from None
    except Exception:
        import traceback

        traceback.print_exc()
        sys.stderr.write("This is a bug in onnxtool; please report it with the above.\n")
        raise SystemExit(ExitCode.BUG) from None


def _behave() -> None:
    """Be a good citizen of a pipeline."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal without UTF-8 shows an escape instead of raising.
            stream.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        # `onnxtool ... | head` ends quietly, as any filter does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    # Not KeyboardInterrupt, which the command-line library would end with exit code 1: "no".
    raise OnnxToolError("interrupted", hint="nothing was written")

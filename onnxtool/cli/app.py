"""The program: its subcommands, its exit codes, and what becomes of errors."""

from __future__ import annotations

import contextlib
import gc
import io
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Annotated, NoReturn, TextIO

import typer

from onnxtool.cli import bench, check, diff, inspect, manifest, repack, rules, verify
from onnxtool.cli.exits import ExitCode, complain, own_up
from onnxtool.cli.usage import BadUsage, usage_error
from onnxtool.errors import OnnxToolError, UsageError

app = typer.Typer(
    name="onnxtool",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 yes, 1 no, 2 trouble (usage, unreadable input), 3 a bug in onnxtool.",
)


def _add(command: Callable[..., None], examples: str, group: typer.Typer = app) -> None:
    """Add a subcommand. Its docstring is its help, with the lines of each paragraph joined."""
    paragraphs = (command.__doc__ or "").strip().split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    group.command(help=text, epilog=examples)(command)


_add(inspect.inspect, inspect.EXAMPLES)
_add(check.check, check.EXAMPLES)
_add(rules.rules, rules.EXAMPLES)
_add(verify.verify, verify.EXAMPLES)
_add(repack.repack, repack.EXAMPLES)

_manifest = typer.Typer(no_args_is_help=True)
_add(manifest.write, manifest.WRITE_EXAMPLES, _manifest)
_add(manifest.verify, manifest.VERIFY_EXAMPLES, _manifest)
app.add_typer(_manifest, name="manifest", help=manifest.HELP)
_add(diff.diff, diff.EXAMPLES)
_add(bench.bench, bench.EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"onnxtool {version('onnxtool-cli')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Look into ONNX models between export and release: evidence for each claim, at any size."""
    if context.invoked_subcommand is None:
        # Written by the call itself where rich writes it, and else returned.
        sys.stdout.write(f"{context.get_help()}\n")
        raise typer.Exit(ExitCode.TROUBLE)


class Interrupted(BaseException):
    """Ctrl-C. No `Exception`, which whoever carries on after a failure would take it for.

    No KeyboardInterrupt either, which the command-line library would end with exit code 1: "no".
    """


def main() -> None:
    """Run the program; only here do errors become text and exit codes."""
    _behave()
    try:
        _refuse_empty(sys.argv[1:])
        # The library's own errors are in boxes, which no log and no editor can read.
        code = app(prog_name="onnxtool", standalone_mode=False)
    except OnnxToolError as error:
        complain(error)
        raise SystemExit(ExitCode.TROUBLE) from None
    except BadUsage as error:
        complain(usage_error(error))
        raise SystemExit(ExitCode.TROUBLE) from None
    except Interrupted:
        # With nothing that is imported for it: half of that may be what was interrupted.
        with contextlib.suppress(OSError):
            sys.stderr.write("error: interrupted (no file is half-written)\n")
        raise SystemExit(ExitCode.TROUBLE) from None
    except Exception:
        import traceback

        own_up(traceback.format_exc())
        raise SystemExit(ExitCode.BUG) from None
    finally:
        # The process ends: a last look for garbage would take a tenth of its time.
        gc.freeze()
    raise SystemExit(code or ExitCode.OK)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """An empty path would be the current folder, and no option takes an empty value."""
    if "" in arguments:
        raise UsageError("empty path or value", hint="is a variable of the script not set?")


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

"""What `bench` refuses at once: files it must not touch, and options that would say nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import typer

from onnxtool.cli.output import refuse_to_overwrite
from onnxtool.errors import UsageError

_OF_SAVED_RUNS = {"--baseline", "--fail-if-slower", "--force", "--all", "--format", "--output"}
_NOT_OF_TUNING = {
    "--against",
    "--baseline",
    "--fail-if-slower",
    "--force",
    "--profile",
    "--trace",
}
_OF_SIZES = {"--at", "--inputs", "--frame-ms", "--chunk", "--steps"}


def is_saved_run(path: Path) -> bool:
    """Whether a path stands for a run that was measured before."""
    return path.suffix.lower() == ".json" and not path.is_dir()


def options_given(context: typer.Context) -> tuple[str, ...]:
    """The options on the command line, by their long names."""
    return tuple(
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name
        and parameter.opts[0].startswith("--")
        and getattr(context.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
    )


def refuse_ignored(path: Path, given: Sequence[str]) -> None:
    """Refuse options that would say nothing beside the others.

    Raises:
        UsageError: The first of them.
    """
    known = set(given)
    for is_so, ignored, reason, hint in (
        (
            is_saved_run(path),
            known - _OF_SAVED_RUNS,
            "a saved run is not measured",
            "pass the model itself",
        ),
        (
            "--tune" in known,
            known & _NOT_OF_TUNING,
            "--tune compares settings alone",
            "leave one of them out",
        ),
        (
            "--on" in known,
            known & _OF_SIZES,
            "recordings are as long as they are",
            "leave out this or --on",
        ),
        (
            "--on" in known,
            known & {"--profile", "--trace"},
            "graphs are profiled, and no utterances",
            "leave out this or --on",
        ),
        (
            "--baseline" not in known,
            known & {"--force"},
            "nothing saved is compared",
            "add --baseline, or leave it out",
        ),
    ):
        if is_so and ignored:
            first = next(name for name in given if name in ignored)
            raise UsageError(f"{first}: {reason}", hint=hint)


def refuse_files(output: Path | None, trace: Path | None, read: Sequence[Path | None]) -> None:
    """Refuse outputs that are inputs, or one another.

    Raises:
        UsageError: The first of them.
    """
    inputs = [path for path in read if path]
    refuse_to_overwrite(output, inputs)
    if trace is None:
        return
    if trace == Path("-"):
        raise UsageError("--trace -: a trace is a file", hint="name one")
    others = [*inputs, *([output] if output else [])]
    refuse_to_overwrite(trace, others, option="--trace")
    numbered = re.compile(rf"{re.escape(trace.stem)}-[0-9]+{re.escape(trace.suffix)}")
    for other in others:
        if numbered.fullmatch(other.name) and other.resolve().parent == trace.resolve().parent:
            raise UsageError(
                f"--trace {trace}: the trace of another scenario would overwrite {other}",
                hint="name another file",
            )

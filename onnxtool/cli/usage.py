"""Errors of the command line, told as all others are: what happened, and what to do."""

from __future__ import annotations

import typer

from onnxtool.errors import UsageError

# The base class of what typer raises for an option that is unknown, missing or wrong. It is in
# click, of which newer versions of typer have a copy of their own.
BadUsage: type[Exception] = typer.BadParameter.__mro__[2]


def usage_error(error: Exception) -> UsageError:
    """An error of the command-line library as one of ours."""
    told = " ".join(getattr(error, "format_message", error.__str__)().split())
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "onnxtool"
    return UsageError(told[:1].lower() + told[1:].rstrip("."), hint=f"see {command} --help")

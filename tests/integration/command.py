"""Run the command as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.models import SAMPLES

ROOT = SAMPLES.parent
COMMAND = (sys.executable, "-m", "onnxtool")
# What makes libraries write colours, or other widths, depends on who runs the tests.
UNSET = ("COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "PYTHONIOENCODING", "TTY_COMPATIBLE")


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    stdout: str
    stderr: str


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of the tests, less what changes the output."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | {"NO_COLOR": "1"} | dict(changes or {})


def onnxtool(
    *arguments: str | Path, cwd: Path = ROOT, changes: Mapping[str, str] | None = None
) -> Finished:
    """Run `onnxtool` with these arguments."""
    return run([*COMMAND, *map(str, arguments)], cwd=cwd, changes=changes)


def python(code: str) -> Finished:
    """Run Python code in a fresh interpreter."""
    return run([sys.executable, "-c", code])


def run(
    command: list[str], *, cwd: Path = ROOT, changes: Mapping[str, str] | None = None
) -> Finished:
    """Run any command."""
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Finished(finished.returncode, finished.stdout, finished.stderr)

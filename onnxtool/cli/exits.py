"""Exit codes, and how an error is told: one line, what happened and what to do."""

from __future__ import annotations

import contextlib
import enum
import re
import sys

from onnxtool.errors import OnnxToolError

# No path is so long, and hardly a name.
MAX_WORD = 400


class ExitCode(enum.IntEnum):
    """As for `diff` and `grep`: the answer is yes, the answer is no, or there was trouble."""

    OK = 0
    NEGATIVE = 1
    TROUBLE = 2
    BUG = 3


def complain(error: OnnxToolError) -> None:
    """Print an error to stderr."""
    from onnxtool.render.units import plain, shortened

    text = f"{error} ({error.hint})" if error.hint else str(error)
    text = re.sub(r"\S+", lambda word: shortened(word[0], MAX_WORD), text)
    with contextlib.suppress(OSError):  # The exit code tells even where nothing can be written.
        sys.stderr.write(f"error: {plain(text)}\n")


def own_up(traceback: str) -> None:
    """Print to stderr what went wrong by our own fault."""
    with contextlib.suppress(OSError):
        sys.stderr.write(
            f"{traceback}This is a bug in onnxtool; please report it with the above.\n"
        )

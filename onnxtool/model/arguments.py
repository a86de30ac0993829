"""What callers pass, checked where they call: what is wrong with it, and what to pass instead."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path

from onnxtool.errors import UsageError


def check_path(value: object, function: str, *, takes: str = "a path") -> None:
    """Refuse what is no path.

    Raises:
        UsageError: It is empty, or something else; for a model in memory, says how to make it a
            file.
    """
    hint = "pass the path of an .onnx file, or of a folder that holds some"
    if value == "":  # As a `Path`, it would be the current folder.
        raise UsageError(f"{function}() takes {takes}, not an empty one", hint=hint)
    if isinstance(value, str | os.PathLike):
        return
    # Whoever has such a model has imported onnx.
    onnx = sys.modules.get("onnx")
    if onnx and isinstance(value, onnx.ModelProto):
        hint = 'save it first, onnx.save(model, "model.onnx"), and pass that path'
    elif isinstance(value, bytes | bytearray):
        hint = "write them to a file and pass its path; a path in bytes: os.fsdecode(path)"
    raise UsageError(f"{function}() takes {takes}, not {kind(value)}", hint=hint)


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder; no path is too odd to ask."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):  # `Path.is_dir` raises some, for a name that is too long say.
        return False


def checked_sizes(at: object) -> dict[str, int] | None:
    """A copy of the sizes of dynamic axes; None for none.

    Raises:
        UsageError: They are not names and whole numbers; says which, and how they should look.
    """
    hint = 'as in at={"time": 1000}'
    if at is None:
        return None
    if not isinstance(at, Mapping):
        raise UsageError(f"at takes a mapping of names to sizes, not {kind(at)}", hint=hint)
    sizes: dict[str, int] = {}
    for name, size in at.items():
        if not isinstance(name, str):
            raise UsageError(f"at takes names of axes, not {kind(name)}", hint=hint)
        # NumPy's integers are sizes, too; True is an int, but none.
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 0:
            raise UsageError(f"at[{name!r}] is no size: {size!r:.40}", hint=hint)
        sizes[name] = int(size)
    return sizes


def kind(value: object) -> str:
    """The type of a value, as a message names it."""
    if value is None:
        return "None"
    known = type(value)
    return (f"{known.__module__}." if known.__module__ != "builtins" else "") + known.__qualname__

"""What can go wrong, by whose fault.

Everything a user can fix derives from `OnnxToolError`; anything else that escapes is our bug.
"""

from __future__ import annotations

import os


class OnnxToolError(Exception):
    """A problem the user can act on: the message says what happened, `hint` what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ModelLoadError(OnnxToolError):
    """A file is missing, damaged, or not an ONNX model.

    Args:
        path: The file.
        problem: What is wrong with it.
        offset: The byte of the file where it goes wrong, if there is one.
        hint: The likely cause, or what to do.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        problem: str,
        *,
        offset: int | None = None,
        hint: str = "",
    ) -> None:
        at = "" if offset is None else f" at byte {offset:,}"
        super().__init__(f"{os.fspath(path)}: {problem}{at}", hint=hint)
        self.path = os.fspath(path)
        self.offset = offset


class UnsafeExternalDataError(ModelLoadError):
    """External tensor data would be read from outside the model's folder, or through a link."""


class MetadataError(OnnxToolError):
    """A metadata or vocabulary file is not what its name promises.

    Args:
        path: The file.
        problem: What is wrong with it.
        line: Line in the file, from 1.
        column: Column in that line, from 1.
        hint: What to do.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        problem: str,
        *,
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
    ) -> None:
        at = "".join(f":{number}" for number in (line, column) if number is not None)
        super().__init__(f"{os.fspath(path)}{at}: {problem}", hint=hint)
        self.line, self.column = line, column


class UnsupportedModelError(OnnxToolError):
    """The model is valid, but this operation does not support it."""


class UsageError(OnnxToolError):
    """Options or arguments contradict each other, or are or name something that is not there."""

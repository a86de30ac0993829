"""Read JSON that may be anything: each field by its name and kind, or an error that says where."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from onnxtool.errors import OnnxToolError
from onnxtool.model.metadata import is_integer

T = TypeVar("T")
EnumT = TypeVar("EnumT", bound=StrEnum)
# Raw samples of some hours.
MAX_BYTES = 256 << 20
# What is larger is no size, count, or time; and of times that are that short, nothing is the ratio.
MAX_INTEGER, MAX_NUMBER, SHORTEST_S = 1 << 63, 1e18, 1e-15


class BenchmarkFileError(OnnxToolError):
    """The file is not a benchmark that this version can read."""


def read_json(path: Path) -> object:
    """What a JSON file holds.

    Raises:
        BenchmarkFileError: It cannot be read, or is not JSON.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # A pipe or a device may have no end.
            raise BenchmarkFileError(f"{path}: not a file", hint="pass a saved run")
        if status.st_size > MAX_BYTES:
            raise BenchmarkFileError(f"{path}: too large to be a benchmark")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8, or too deep"
        raise BenchmarkFileError(
            f"{path}: not JSON: {what}", hint="it may have been cut off; measure again"
        ) from None


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object.

    Attributes:
        path: The file.
        where: Of the object in it, as in `measurements[0].scenario`.
        values: Its fields.
    """

    path: Path
    where: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, path: Path, where: str, value: object) -> Fields:
        """The value as an object.

        Raises:
            BenchmarkFileError: It is none.
        """
        if not isinstance(value, dict):
            raise _damaged(path, where, "an object")
        return cls(path, where, value)

    def text(self, name: str) -> str:
        """A string."""
        return self._read(name, _text, "text")

    def text_or_none(self, name: str) -> str | None:
        """A string, or null."""
        return None if self._value(name) is None else self.text(name)

    def choice(self, name: str, kinds: type[EnumT]) -> EnumT:
        """One of some words."""
        return self._read(name, lambda value: kinds(_text(value)), f"one of {', '.join(kinds)}")

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._read(name, _flag, "true or false")

    def integer(self, name: str) -> int:
        """A whole number from 0 up."""
        return self._read(name, _integer, "a whole number from 0 up")

    def integer_or_none(self, name: str) -> int | None:
        """A whole number, or null."""
        return None if self._value(name) is None else self.integer(name)

    def number(self, name: str) -> float:
        """A number from 0 up."""
        return self._read(name, _number, "a number from 0 up")

    def number_or_none(self, name: str) -> float | None:
        """A number, or null."""
        return None if self._value(name) is None else self.number(name)

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers."""
        return self._read(name, _listed(_number), "a list of numbers")

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        return self._read(name, _listed(_integer), "a list of whole numbers")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        return self._read(name, _listed(_text), "a list of text")

    def table(self, name: str) -> tuple[tuple[float, ...], ...]:
        """A list of lists of durations, none of them empty."""
        rows = self._read(name, _listed(_listed(_number)), "a list of lists of numbers")
        if not rows or not all(row and min(row) >= SHORTEST_S for row in rows):
            raise _damaged(self.path, self._at(name), "lists of durations")
        return rows

    def inner(self, name: str) -> Fields:
        """An object."""
        return Fields.of(self.path, self._at(name), self._value(name))

    def objects(self, name: str) -> tuple[Fields, ...]:
        """A list of objects."""
        values = self._value(name)
        if not isinstance(values, list):
            raise _damaged(self.path, self._at(name), "a list")
        return tuple(
            Fields.of(self.path, f"{self._at(name)}[{index}]", value)
            for index, value in enumerate(values)
        )

    def _value(self, name: str) -> object:
        if name not in self.values:
            raise _damaged(self.path, self._at(name), "there")
        return self.values[name]

    def _read(self, name: str, read: Callable[[object], T], wanted: str) -> T:
        try:
            return read(self._value(name))
        except ValueError:
            raise _damaged(self.path, self._at(name), wanted) from None

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


def _damaged(path: Path, where: str, wanted: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{path}: damaged: `{where}` is not {wanted}", hint="measure again")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - told apart by nobody
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004
    return value


def _integer(value: object) -> int:
    if not is_integer(value) or not 0 <= value < MAX_INTEGER:
        raise ValueError
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError  # noqa: TRY004
    if not 0 <= value < MAX_NUMBER:
        raise ValueError
    return float(value)


def _listed(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    def items(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError  # noqa: TRY004
        return tuple(map(read, value))

    return items

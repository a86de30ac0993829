"""A TOML file whose mistakes are told with the line and column that they stand in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.cli import toml_place
from onnxtool.errors import UsageError

# No configuration is as large, while a device never ends.
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file.

    Attributes:
        steps: The keys that lead to it, and after that of an array of tables the index; none for
            the file itself.
    """

    path: Path
    text: str
    values: Mapping[str, object]
    steps: toml_place.Path = ()

    def table(self, key: str) -> Table:
        """The table under a key; an empty one for none.

        Raises:
            UsageError: There is something else.
        """
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            raise self.wrong(key, "a table is needed", hint=f"as in [{self._under(key)}]")
        return Table(self.path, self.text, values, (*self.steps, key))

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of the array under a key.

        Raises:
            UsageError: There is something else.
        """
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise self.wrong(key, "tables are needed", hint=f"as in [[{self._under(key)}]]")
        for index, values in enumerate(entries):
            yield Table(self.path, self.text, values, (*self.steps, key, index))

    def wrong(
        self, key: str, problem: str, hint: str = "", *, index: int | None = None
    ) -> UsageError:
        """The error that says what is wrong with a key, or an element of it, and where it stands.

        Of a key that is not there, that is where its table begins.
        """
        steps = (*self.steps, key) if index is None else (*self.steps, key, index)
        return UsageError(f"{self.path}{self._place(steps)}: {key}: {problem}", hint=hint)

    def _under(self, key: str) -> str:
        return ".".join(str(step) for step in (*self.steps, key) if not isinstance(step, int))

    def _place(self, steps: toml_place.Path) -> str:
        """`:line:column`, or nothing for a file in which none of it stands."""
        found = toml_place.places(self.text)
        nearest = (found.get(steps[:length]) for length in range(len(steps), 0, -1))
        position = next((place for place in nearest if place is not None), None)
        if position is None:
            return ""
        line, before = self.text.count("\n", 0, position) + 1, self.text.rfind("\n", 0, position)
        return f":{line}:{position - before}"


def read_toml(path: Path) -> Table:
    """Read a file.

    Raises:
        UsageError: It cannot be read, or is no TOML; with line and column.
    """
    text = ""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES >> 20} MiB: no configuration")
        text = content.decode("utf-8-sig")
        return Table(path, text, tomllib.loads(text))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start:,}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_syntax(path, text, str(error)), hint="see https://toml.io") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deep to be a configuration") from None


def _syntax(path: Path, text: str, message: str) -> str:
    """The message with its place in front, where an editor finds it."""
    problem, _, place = message.rpartition(" (at ")
    found = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    lines = text.split("\n")
    line, column = (found[1], found[2]) if found else (len(lines), len(lines[-1]) + 1)
    return f"{path}:{line}:{column}: not TOML: {problem or message}"

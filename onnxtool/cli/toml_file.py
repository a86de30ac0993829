"""A TOML file, and where in it things stand: tomllib tells what it says, and not where."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import UsageError

# No configuration is as large, while a device never ends.
MAX_BYTES = 1 << 20
_HEADER = re.compile(r"\s*\[\[?(?P<name>[^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file.

    Attributes:
        name: Its full name, `tool.onnxtool.check`; empty for the file itself.
        number: Which one of an array of tables, from 1; 0 for a table that is in none.
    """

    path: Path
    text: str
    values: Mapping[str, object]
    name: str = ""
    number: int = 0

    def table(self, key: str) -> Table:
        """The table under a key; an empty one for none.

        Raises:
            UsageError: There is something else.
        """
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            raise self.wrong(key, "a table is needed", hint=f"as in [{self._under(key)}]")
        return Table(self.path, self.text, values, self._under(key))

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of the array under a key.

        Raises:
            UsageError: There is something else.
        """
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise self.wrong(key, "tables are needed", hint=f"as in [[{self._under(key)}]]")
        for number, values in enumerate(entries, start=1):
            yield Table(self.path, self.text, values, self._under(key), number)

    def wrong(self, key: str, problem: str, hint: str = "") -> UsageError:
        """The error that says what is wrong with a key, and where it stands."""
        return UsageError(f"{self.path}{self._place(key)}: {key}: {problem}", hint=hint)

    def _under(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _place(self, key: str) -> str:
        """`:line:column`; that of the table where the key is not found, as with inline tables."""
        current, seen, best = "", Counter[str](), ""
        entry = re.compile(rf"\s*(?P<name>([\"']?){re.escape(key)}\2)\s*[=.]")
        for number, line in enumerate(self.text.splitlines(), start=1):
            header = _HEADER.match(line)
            if header:
                current = re.sub(r"[\s\"']", "", header["name"])
                seen[current] += 1
            here = current == self.name and self.number in {0, seen[current]}
            found = header or (entry.match(line) if here else None)
            place = f":{number}:{found.start('name') + 1}" if found else ""
            if found and (not header or current == self._under(key)):
                return place
            if header and here:
                best = place
        return best


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

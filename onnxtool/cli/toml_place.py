"""Where in a TOML text each key and each element stands: tomllib tells what it says, and not where.

The text is one that tomllib has read, so that nothing here has to tell a mistake.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

# Keys, and indices of arrays and of arrays of tables.
Path = tuple[str | int, ...]
_SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""")
_STRING = re.compile(
    r'''
    """ (?: [^"\\] | \\. | "{1,2}(?!") )*+ "{3,5}
    | \'\'\' (?: [^'] | '{1,2}(?!') )*+ '{3,5}
    | " (?: [^"\\] | \\. )*+ "
    | ' [^']*+ '
    ''',
    re.DOTALL | re.VERBOSE,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def places(text: str) -> Mapping[Path, int]:
    """Path -> where its key begins; of a table, its header's name; of an element, the element.

    Of a table without a header of its own: where its name first stands.
    """
    return _Reader(text.replace("\r\n", " \n")).read()


class _Reader:
    """Reads a text once, from the beginning to the end.

    Attributes:
        found: What was seen so far.
        tables: Array of tables -> how many tables it has so far.
        position: How far it has read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        self.position = 0

    def read(self) -> Mapping[Path, int]:
        table: Path = ()
        self._skip()
        while self.position < len(self.text):
            if self.text[self.position] == "[":
                table = self._header()
            else:
                self._value(self._keys(table))
            self._skip()
        return self.found

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the table that what follows is in."""
        is_array = self.text.startswith("[[", self.position)
        self.position += 1 + is_array
        self._skip()
        start = self.position
        table = self._keys((), new=is_array)
        self.found[table] = start
        self.position += 1 + is_array
        return table

    def _keys(self, outer: Path, *, new: bool = False) -> Path:
        """`a.b` and what ends it; in an array of tables, its last table, or a `new` one."""
        path = outer
        while True:
            self._skip()
            match = _KEY.match(self.text, self.position)
            name, self.position = (match[0], match.end()) if match else ("", len(self.text))
            path = (*path, _unquoted(name))
            self.found.setdefault(path, self.position - len(name))
            self._skip()
            is_last = not self.text.startswith(".", self.position)
            if path in self.tables or (new and is_last):
                self.tables[path] = self.tables.get(path, 0) + (new and is_last)
                path = (*path, self.tables[path] - 1)
                self.found.setdefault(path, self.position - len(name))
            self.position += not (is_last and self.text.startswith("]", self.position))
            if is_last:
                return path

    def _value(self, path: Path) -> None:
        """A value, and what is in it."""
        open_: list[tuple[Path, int | None]] = []
        while True:
            self._skip()
            if self.text[self.position] in "[{":
                open_.append((path, 0 if self.text[self.position] == "[" else None))
                self.position += 1
            else:
                match = _STRING.match(self.text, self.position)
                match = match or _SCALAR.match(self.text, self.position)
                self.position = match.end() if match else len(self.text)
            inner = self._next(open_)
            if inner is None:
                return
            path = inner

    def _next(self, open_: list[tuple[Path, int | None]]) -> Path | None:
        """The next value in what is open, of which its ends are closed; None after the last."""
        while open_:
            self._skip()
            outer, index = open_[-1]
            if self.text[self.position] in ",]}":
                if self.text[self.position] != ",":
                    open_.pop()
                self.position += 1
            elif index is None:
                return self._keys(outer)
            else:
                open_[-1] = outer, index + 1
                self.found[*outer, index] = self.position
                return (*outer, index)
        return None

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position


def _unquoted(name: str) -> str:
    """A key without its quotes, its escapes resolved."""
    if not name.startswith(('"', "'")):
        return name
    return next(iter(tomllib.loads(f"{name} = 0")))

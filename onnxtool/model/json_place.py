"""Where in a JSON text a value stands, which the parser does not tell.

The text is cut into tokens and never nested into, so that no depth of nesting is too much.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# A key of an object, or an index of an array.
Step = str | int
# Line and column, from 1.
Place = tuple[int, int]
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+')


class _Member(NamedTuple):
    """A value in an object or an array.

    Attributes:
        depth: How many objects and arrays are around the one that it is in.
        holder: Where that begins.
        step: Its key or index there.
        key: Where its key begins; in an array, the value itself.
        value: Where it begins.
    """

    depth: int
    holder: int
    step: Step
    key: int
    value: int


def locate(text: str, steps: Sequence[Step]) -> Place:
    """Where the value stands that these steps lead to from the outermost one.

    Args:
        text: Valid JSON.
        steps: Keys and indices. Where one leads nowhere, the value that lacks it is meant.
    """
    start = _TOKEN.search(text)
    found, reached = start.start() if start else 0, 0
    for member in _members(text):
        reached = min(reached, member.depth)
        if member.depth == reached < len(steps) and member.step == steps[reached]:
            found, reached = member.value, reached + 1
    return _place(text, found)


def spelled(steps: Sequence[Step]) -> str:
    """The steps as people write them: `files[3].path`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def repeated_key(text: str) -> tuple[str, Place] | None:
    """The first key that its object has already, and where it is given again.

    Args:
        text: Valid JSON, up to there at least.
    """
    seen: dict[int, tuple[int, set[str]]] = {}
    for member in _members(text):
        holder, keys = seen.get(member.depth, (-1, set[str]()))
        if holder != member.holder:
            keys = set()
            seen[member.depth] = member.holder, keys
        if not isinstance(member.step, str):
            continue
        if member.step in keys:
            return member.step, _place(text, member.key)
        keys.add(member.step)
    return None


def token_place(text: str, token: str) -> Place | None:
    """Where the first such token stands that is in no string: a number or a word."""
    found = (match.start() for match in _TOKEN.finditer(text) if match[0] == token)
    return next((_place(text, start) for start in found), None)


def too_deep(text: str, depth: int) -> Place | None:
    """Where the first object or array begins that so many are around."""
    around = 0
    for token in _TOKEN.finditer(text):
        if token[0] in {"{", "["}:
            if around == depth:
                return _place(text, token.start())
            around += 1
        elif token[0] in {"}", "]"}:
            around -= 1
    return None


def _members(text: str) -> Iterator[_Member]:
    """Every value but the outermost one, in order of the text."""
    open_: list[_Holder] = []
    for token in _TOKEN.finditer(text):
        if token[0] == ":":
            continue
        if token[0] == ",":
            open_[-1].advance()
        elif token[0] in {"}", "]"}:
            open_.pop()
        elif open_ and open_[-1].step is None:
            open_[-1].step, open_[-1].key = json.loads(token[0]), token.start()
        else:
            if open_ and (step := open_[-1].step) is not None:
                key = open_[-1].key if open_[-1].is_object else token.start()
                yield _Member(len(open_) - 1, open_[-1].start, step, key, token.start())
            if token[0] in {"{", "["}:
                open_.append(_Holder(token.start(), is_object=token[0] == "{"))


class _Holder:
    """An object or an array that is open, and which of its values comes next.

    Attributes:
        step: The key of that value, None before it is read; the index of it.
        key: Where that key begins.
    """

    def __init__(self, start: int, *, is_object: bool) -> None:
        self.start, self.is_object = start, is_object
        self.step: Step | None = None if is_object else 0
        self.key = start

    def advance(self) -> None:
        """Past a comma."""
        self.step = self.step + 1 if isinstance(self.step, int) else None


def _place(text: str, position: int) -> Place:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)

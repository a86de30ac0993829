"""Where in a JSON text a value stands, which the parser does not tell."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

# A key of an object, or an index of an array.
Step = str | int
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def locate(text: str, steps: Sequence[Step]) -> tuple[int, int]:
    """Line and column, from 1, of the value that these steps lead to from the outermost one.

    Args:
        text: Valid JSON.
        steps: Keys and indices. Where one leads nowhere, the value that lacks it is meant.
    """
    position = _skip(text, 0)
    for step in steps:
        found = _child(text, position, step)
        if found is None:
            break
        position = found
    line_start = text.rfind("\n", 0, position) + 1
    return text.count("\n", 0, position) + 1, position - line_start + 1


def _child(text: str, position: int, step: Step) -> int | None:
    """Where the value begins that a step leads to from the object or array at `position`."""
    is_object = isinstance(step, str)
    if text[position] != ("{" if is_object else "["):
        return None
    found, index = None, 0
    position = _skip(text, position + 1)
    while text[position] not in "}]":
        key: Step = index
        if is_object:
            key, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)  # The colon.
        if key == step:
            found = position  # Of a key that is given twice, the parser takes the last.
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
        index += 1
    return found


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position

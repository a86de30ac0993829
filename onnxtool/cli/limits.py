"""What one session of ONNX Runtime may take, as users write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from onnxtool.errors import UsageError

UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_AMOUNT = re.compile(r"([0-9]{1,12})\s*([kmg]i?)?b?", re.IGNORECASE | re.ASCII)
# A day. What takes longer is no check.
MAX_SECONDS = 86_400
Written = TypeVar("Written")
Read = TypeVar("Read")


def given(option: str, read: Callable[[Written], Read], value: Written | None) -> Read | None:
    """The value of an option as `read` understands it; None for none.

    Raises:
        UsageError: It makes no sense; with the option.
    """
    try:
        return None if value is None else read(value)
    except UsageError as error:
        raise UsageError(f"{option} {error}", hint=error.hint) from None


def memory_bytes(text: str) -> int:
    """`2GiB`, `500 MB` or `1000000` as bytes.

    Raises:
        UsageError: It is no amount, or nothing.
    """
    found = _AMOUNT.fullmatch(text.strip())
    amount = int(found[1]) * UNITS[(found[2] or "").lower()] if found else 0
    if not 0 < amount < 1 << 62:
        raise UsageError(f"{text}: no amount of memory", hint="as in 2GiB, 500MB or 1000000")
    return amount


def seconds(number: float) -> float:
    """The same number, if it is a time that one can wait.

    Raises:
        UsageError: It is not.
    """
    if not 0 < number <= MAX_SECONDS:
        raise UsageError(f"{number:g}: no number of seconds", hint="more than 0, at most a day")
    return number

"""Numbers and names for people to read."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

_BINARY = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_DECIMAL = ("k", "M", "G", "T", "P", "E")
# Longer text is cut in the middle: both ends of a name tell more than its middle.
MAX_TEXT = 300
# An interval of a ratio that goes beyond this says nothing.
LARGEST_RATIO = 1000


def size(count_bytes: int) -> str:
    """Bytes in binary units: `512 B`, `90.1 KiB`, `2.30 GiB`."""
    return f"{count_bytes} B" if count_bytes < 1024 else _scaled(count_bytes, 1024, _BINARY)


def amount(number: int) -> str:
    """A large number in decimal units: `999`, `81.5 G`."""
    return str(number) if number < 1000 else _scaled(number, 1000, _DECIMAL)


def _scaled(number: int, base: int, units: tuple[str, ...]) -> str:
    value = float(number)
    for unit in units:
        value /= base
        if round(value, 1) < base:
            return f"{value:.{2 if value < 9.995 else 1}f} {unit}"
    # A shape may claim more than there is.
    return f"{value:.1e} {units[-1]}"


def count(number: int, noun: str) -> str:
    """`1 node`, `5,256 nodes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[str], limit: int | None = 5) -> str:
    """The first names, and how many are left out."""
    names = list(names)
    shown = names if limit is None else names[:limit]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" … and {rest:,} more" if rest else "")


def shortened(text: str, limit: int = MAX_TEXT) -> str:
    """The text with its middle left out if it is longer than `limit`."""
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def plain(text: str) -> str:
    r"""The text with everything a terminal might act on made visible: `\x1b`, `\u202e`.

    Control characters, marks of writing direction, and lone surrogates; line breaks too, since no
    name or value of a model may begin a line of its own.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


# What reports are written with besides ASCII, in ASCII.
_IN_ASCII = str.maketrans(
    {"·": "-", "…": "...", "≥": ">=", "±": "+-", "→": "->", "∞": "inf"}
    | dict(zip("▁▂▃▄▅▆▇█", "_.:=+x%#", strict=True))
)


def in_ascii(text: str) -> str:
    """The text without the characters that are ours and no ASCII; those of names stay."""
    # A unit, and no letter of a name.
    return text.replace(" µs", " us").translate(_IN_ASCII)


def _visible(character: str) -> str:
    # Control, format (direction marks), surrogate, private use, unassigned, line separators.
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return character.encode("unicode_escape").decode()
    return character


def duration(seconds: float) -> str:
    """`1.23 s`, `45.6 ms`, `789 µs`: three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        value = seconds * factor
        if value >= 0.9995 or unit == "µs":
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:,.{digits}f} {unit}"
    raise AssertionError("microseconds take any number")


def real_time_factor(value: float) -> str:
    """`3.230`, `0.273`, `0.0081`: three decimals, or two digits of what is smaller."""
    decimals = 3 if value >= 0.0995 or not value else min(1 - math.floor(math.log10(value)), 9)
    return f"{value:.{decimals}f}"


def share(part: float) -> str:
    """`3.2%`; beyond the whole, `> 100%`: of an uncertainty, that is all there is to know."""
    return f"{part:.1%}" if part < 1 else "> 100%"


def noise(floor: float) -> str:
    """`±3.2%`, or `> 100%`."""
    return f"±{share(floor)}" if floor < 1 else share(floor)


def between(low: float, high: float) -> str:
    """`0.987 … 1.012`, of how many times longer something takes; `> 1000` is anything."""
    return f"{low:.3f} … {f'{high:.3f}' if high <= LARGEST_RATIO else f'> {LARGEST_RATIO}'}"

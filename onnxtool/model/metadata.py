"""The files beside the graphs that say what the numbers mean: model_meta.json and vocabularies."""

from __future__ import annotations

import json
import math
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeGuard

from onnxtool.errors import MetadataError
from onnxtool.model.frozen import FrozenDict, frozen
from onnxtool.model.json_place import Place, Step, locate, repeated_key, token_place, too_deep

METADATA_NAMES = ("model_meta.json",)
VOCABULARY_NAMES = ("vocab.txt", "tokens.txt")
# What to do about metadata that is damaged.
MEND = "mend it, or write it anew with the exporter"
BLANK_TOKENS = frozenset({"<blk>", "<blank>"})
# A metadata file is read whole; one above this is something else by that name.
MAX_BYTES = 64 << 20
MAX_DEPTH = 100
# More than any size or count has, and less than Python refuses to read.
MAX_DIGITS = 1000


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a value of a file is a whole number: JSON's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The fields of a `model_meta.json`, as they are in the file."""

    path: Path
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A token list, one `token id` (or just `token`) a line.

    Attributes:
        tokens: In order of id, blank included if the file lists it.
        blank_id: The id of the blank token, or None if the file does not list one.
    """

    path: Path
    tokens: tuple[str, ...]
    blank_id: int | None

    @property
    def token_count(self) -> int:
        """How many tokens there are, without the blank."""
        return len(self.tokens) - (self.blank_id is not None)


def read_metadata(path: Path, *, remedy: str = MEND) -> Metadata:
    """Read a metadata file; `remedy` is what to do about one that is not JSON.

    Raises:
        MetadataError: It is not JSON, not a JSON object, nested too deep, or has a key twice in one
            object; says the line and column.
    """
    text = _read_text(path)
    try:
        fields = json.loads(
            text,
            parse_constant=_not_json,
            parse_float=_finite,
            parse_int=_integer,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        at = error.lineno, error.colno
        raise _wrong(path, f"not JSON: {error.msg}", at, hint=remedy) from None
    except RecursionError:
        raise _too_deep(path, text) from None
    except _NotJsonError as error:
        place = token_place(text, error.token)
        raise _wrong(path, f"not JSON: {error}", place, hint=remedy) from None
    except _RepeatedKeyError as error:
        key, place = repeated_key(text) or (error.key, None)
        problem = f"not JSON: the key {key!r:.80} is given twice in one object"
        raise _wrong(path, problem, place, hint=remedy) from None
    if _is_deep(fields):
        raise _too_deep(path, text)
    if not isinstance(fields, dict):
        problem = f"holds a JSON {type(fields).__name__} where an object is needed"
        raise _wrong(path, problem, locate(text, ()))
    return Metadata(path, FrozenDict((name, frozen(value)) for name, value in fields.items()))


def wrong_value(
    path: Path, steps: Sequence[Step], problem: str, *, hint: str = ""
) -> MetadataError:
    """The error that says what is wrong with a value of a file that was read, and where it stands.

    Args:
        path: A file that `read_metadata` has read.
        steps: The keys and indices that lead to the value.
        problem: What is wrong with it.
        hint: What to do.
    """
    return _wrong(path, problem, place_in(path, steps), hint=hint)


def place_in(path: Path, steps: Sequence[Step]) -> Place | None:
    """Where a value of a file that was read stands; None if the file is not what it was.

    Args:
        path: A file that `read_metadata` has read.
        steps: The keys and indices that lead to the value; if one leads nowhere, to what lacks it.
    """
    try:
        return locate(_read_text(path), steps)
    except (MetadataError, ValueError, IndexError):
        return None


def _wrong(path: Path, problem: str, place: Place | None, *, hint: str = "") -> MetadataError:
    line, column = place or (None, None)
    return MetadataError(path, problem, line=line, column=column, hint=hint)


def _too_deep(path: Path, text: str) -> MetadataError:
    return _wrong(path, "nested too deep to be metadata", too_deep(text, MAX_DEPTH - 1))


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary in the format of sherpa-onnx and onnx-asr, or one token a line.

    Raises:
        MetadataError: There are no tokens, a line has none or no id, or ids are not 0, 1, 2, … in
            some order.
    """
    lines = _read_text(path).split("\n")
    if not lines[-1]:
        lines.pop()
    entries = [re.fullmatch(r"(.*) ([0-9]{1,9})", line) for line in lines]
    numbered = any(entries)
    tokens: dict[int, str] = {}
    for number, (line, entry) in enumerate(zip(lines, entries, strict=True), start=1):
        if not line or (numbered and not entry):
            raise MetadataError(path, "no id in this line" if line else "empty", line=number)
        # Some write the token that is a space as nothing.
        token, identifier = (entry[1] or " ", int(entry[2])) if entry else (line, number - 1)
        if identifier in tokens:
            raise MetadataError(path, f"id {identifier} is given twice", line=number)
        tokens[identifier] = token
    if not tokens:
        raise MetadataError(path, "no tokens in it")
    if sorted(tokens) != list(range(len(tokens))):
        missing = next(i for i in range(len(tokens)) if i not in tokens)
        raise MetadataError(path, f"id {missing} is missing", hint="number the tokens from 0")
    ordered = tuple(tokens[i] for i in range(len(tokens)))
    blank = next((i for i, token in enumerate(ordered) if token in BLANK_TOKENS), None)
    return Vocabulary(path, ordered, blank)


def _is_deep(value: object) -> bool:
    """Whether it is nested deeper than JSON can be written again, which is less than read."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for whole in level for part in _parts(whole)]
    return bool(level)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class _NotJsonError(ValueError):
    """Python reads and writes NaN and Infinity; JSON has neither, and other readers refuse them."""

    def __init__(self, token: str, problem: str = "") -> None:
        super().__init__(problem or f"{token:.40} is not a JSON number")
        self.token = token


class _RepeatedKeyError(ValueError):
    """Of two values under one key, readers would keep the first or the last, in silence."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _not_json(constant: str) -> NoReturn:
    raise _NotJsonError(constant)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object with all of its values."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _RepeatedKeyError(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return fields


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        _not_json(number)
    return value


def _integer(number: str) -> int:
    if len(number) > MAX_DIGITS:
        raise _NotJsonError(number, f"a number of {len(number):,} digits")
    return int(number)


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MetadataError(path, "a device, a pipe or a folder, not a file")
        if status.st_size > MAX_BYTES:
            raise MetadataError(path, f"larger than {MAX_BYTES >> 20} MiB: not a metadata file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        problem = f"not UTF-8 at byte {error.start:,}"
        raise MetadataError(path, problem, line=line, column=column) from None
    except OSError as error:
        raise MetadataError(path, f"cannot be read: {error.strerror}") from None

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
from typing import NoReturn

from onnxtool.errors import MetadataError
from onnxtool.model.frozen import FrozenDict, frozen

METADATA_NAMES = ("model_meta.json",)
VOCABULARY_NAMES = ("vocab.txt", "tokens.txt")
BLANK_TOKENS = frozenset({"<blk>", "<blank>"})
# A metadata file is read whole; one above this is something else by that name.
MAX_BYTES = 64 << 20
MAX_DEPTH = 100


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


def read_metadata(
    path: Path,
    *,
    remedy: str = "mend it, or write it anew with the exporter",
    unique_keys: bool = False,
) -> Metadata:
    """Read a metadata file.

    Args:
        path: The file.
        remedy: What to do about one that is not JSON.
        unique_keys: Refuse an object that has a key twice, of which JSON takes the last.

    Raises:
        MetadataError: It is not JSON, or not a JSON object; says the line and column.
    """
    hook = _with_unique_keys if unique_keys else None
    try:
        fields = json.loads(
            _read_text(path),
            parse_constant=_not_json,
            parse_float=_finite,
            object_pairs_hook=hook,
        )
    except json.JSONDecodeError as error:
        raise MetadataError(
            path,
            f"not JSON: {error.msg}",
            line=error.lineno,
            column=error.colno,
            hint=remedy,
        ) from None
    except RecursionError:
        raise MetadataError(path, "nested too deep to be metadata") from None
    except ValueError as error:
        raise MetadataError(path, f"not JSON: {error}", hint=remedy) from None
    if _is_deep(fields):
        raise MetadataError(path, "nested too deep to be metadata")
    if not isinstance(fields, dict):
        raise MetadataError(path, f"holds a JSON {type(fields).__name__} where an object is needed")
    return Metadata(path, FrozenDict((name, frozen(value)) for name, value in fields.items()))


def _with_unique_keys(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        repeated = next(key for key, number in Counter(k for k, _ in pairs).items() if number > 1)
        raise ValueError(f"the key `{repeated}` is given twice in one object")
    return fields


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


def _not_json(constant: str) -> NoReturn:
    # Python reads and writes NaN and Infinity; JSON has neither, and other readers refuse them.
    raise ValueError(f"{constant} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        _not_json(number)
    return value


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MetadataError(path, "a device, a pipe or a folder, not a file")
        if status.st_size > MAX_BYTES:
            raise MetadataError(path, f"larger than {MAX_BYTES >> 20} MiB: not a metadata file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MetadataError(path, f"not UTF-8 at byte {error.start:,}") from None
    except OSError as error:
        raise MetadataError(path, f"cannot be read: {error.strerror}") from None

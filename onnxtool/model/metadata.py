"""The files beside the graphs that say what the numbers mean: model_meta.json and vocabularies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import MetadataError

METADATA_NAMES = ("model_meta.json",)
VOCABULARY_NAMES = ("vocab.txt", "tokens.txt")
BLANK_TOKENS = frozenset({"<blk>", "<blank>"})
# A metadata file is read whole; one above this is something else by that name.
MAX_BYTES = 64 << 20


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


def read_metadata(path: Path) -> Metadata:
    """Read a metadata file.

    Raises:
        MetadataError: It is not JSON, or not a JSON object; says the line and column.
    """
    try:
        fields = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise MetadataError(
            path,
            f"not JSON: {error.msg}",
            line=error.lineno,
            column=error.colno,
            hint="mend it, or write it anew with the exporter",
        ) from None
    except RecursionError:
        raise MetadataError(path, "nested too deep to be metadata") from None
    if not isinstance(fields, dict):
        raise MetadataError(path, f"holds a JSON {type(fields).__name__} where an object is needed")
    return Metadata(path, fields)


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary in the format of sherpa-onnx and onnx-asr, or one token a line.

    Raises:
        MetadataError: A line has no token, or ids are not 0, 1, 2, … in some order.
    """
    lines = _read_text(path).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    tokens: dict[int, str] = {}
    numbered = all(line.rpartition(" ")[2].isdecimal() for line in lines)
    for number, line in enumerate(lines, start=1):
        token, _, identifier = line.rpartition(" ") if numbered else (line, "", str(number - 1))
        if int(identifier) in tokens:
            raise MetadataError(path, f"id {identifier} is given twice", line=number)
        tokens[int(identifier)] = token
    if sorted(tokens) != list(range(len(tokens))):
        missing = next(i for i in range(len(tokens)) if i not in tokens)
        raise MetadataError(path, f"id {missing} is missing", hint="number the tokens from 0")
    ordered = tuple(tokens[i] for i in range(len(tokens)))
    blank = next((i for i, token in enumerate(ordered) if token in BLANK_TOKENS), None)
    return Vocabulary(path, ordered, blank)


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MetadataError(path, f"larger than {MAX_BYTES >> 20} MiB: not a metadata file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MetadataError(path, f"not UTF-8 at byte {error.start:,}") from None
    except OSError as error:
        raise MetadataError(path, f"cannot be read: {error.strerror}") from None

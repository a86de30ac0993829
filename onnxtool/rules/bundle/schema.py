"""What belongs in the fields of a `model_meta.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from onnxtool.model.families import Role
from onnxtool.model.metadata import is_integer
from onnxtool.model.wiring import JOINTS

Test = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """What a field must hold.

    Attributes:
        wanted: In words, after "where" and before "belongs".
        is_typed: Whether a value is of the type that programs read it as.
        is_right: Whether it is besides one that the field can have.
        optional: Whether a model can do without it, because its graphs or vocabulary say the same.
        users: The roles that have a use for it; empty for all.
    """

    wanted: str
    is_typed: Test
    is_right: Test
    optional: bool = False
    users: tuple[Role, ...] = ()


def is_object(value: object) -> bool:
    """Whether it is an object, be it empty."""
    return isinstance(value, Mapping)


def is_text(value: object) -> bool:
    """Whether it is a text, be it empty."""
    return isinstance(value, str)


def is_told(value: object) -> bool:
    """Whether it is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_size(value: object) -> TypeGuard[int]:
    """Whether it is a whole number from 1."""
    return is_integer(value) and value > 0


def _is_id(value: object) -> bool:
    return is_integer(value) and value >= 0


def are_texts(value: object) -> TypeGuard[tuple[str, ...]]:
    """Whether it is a list of texts, be it empty."""
    return isinstance(value, tuple) and all(map(is_text, value))


def _are_integers(value: object) -> bool:
    return isinstance(value, tuple) and all(map(is_integer, value))


def is_version(value: object) -> TypeGuard[str]:
    """Whether it begins as a version does."""
    return isinstance(value, str) and re.match(r"\d+\.\d+", value) is not None


_SIZE = Field("a positive integer", is_integer, is_size)
_WIDTH = Field("a positive integer", is_integer, is_size, optional=True)
SCHEMA: Mapping[str, Field] = {
    "model_name": Field("a text", is_text, is_told),
    "sample_rate": _SIZE,
    "labels": Field("a list of texts", are_texts, are_texts, optional=True),
    "blank_id": Field("an integer from 0", is_integer, _is_id),
    "tokenizer_vocab_size": _WIDTH,
    "joint_vocab_size": Field("a positive integer", is_integer, is_size, True, JOINTS),
    "duration_values": Field("a list of integers", _are_integers, bool, True, JOINTS),
    "torch_version": Field("a version", is_text, is_version, optional=True),
    "features.type": Field("`log-mel`", is_text, lambda value: value == "log-mel"),
    "features.n_fft": _SIZE,
    "features.n_mels": _SIZE,
    "features.hop_length": _SIZE,
}
# Objects that hold fields.
BLOCKS = ("features",)


def field(fields: Mapping[str, object], name: str) -> object:
    """The value of a field, of which the name may have one dot; None where it is absent."""
    block, _, rest = name.rpartition(".")
    inner = fields.get(block) if block else fields
    return inner.get(rest) if isinstance(inner, Mapping) else None


def holds(fields: Mapping[str, object], name: str) -> bool:
    """Whether the field is there, be it null."""
    block, _, rest = name.rpartition(".")
    holder = fields.get(block) if block else fields
    return isinstance(holder, Mapping) and rest in holder

"""`streaming.json`: the streaming configuration that an exporter leaves beside its graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from onnxtool.errors import MetadataError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.json_place import Step
from onnxtool.model.metadata import is_integer, read_metadata, wrong_value

STREAMING_NAME = "streaming.json"
ATTENTION = "att_context_size"
UNLIMITED = -1
# Frames that a frame attends to: before it, and after it; `UNLIMITED` for all.
Attention = tuple[int, int]


def read_streaming(path: Path) -> StreamingConfig:
    """Read the fields of NeMo's `CacheAwareStreamingConfig`; others are left alone.

    Raises:
        MetadataError: It is not a JSON object, or a field is not what NeMo writes there; says the
            line and column.
    """
    fields = read_metadata(path).fields
    _attentions(path, fields, ())

    def pair(name: str) -> tuple[int, int] | None:
        return _pair(path, name, fields[name]) if name in fields else None

    def number(name: str) -> int | None:
        return _number(path, name, fields[name]) if name in fields else None

    return StreamingConfig(
        chunk_size=pair("chunk_size"),
        shift_size=pair("shift_size"),
        cache_drop_size=number("cache_drop_size"),
        last_channel_cache_size=number("last_channel_cache_size"),
        conv_cache_size=number("conv_cache_size"),
        valid_out_len=number("valid_out_len"),
        pre_encode_cache_size=pair("pre_encode_cache_size"),
        drop_extra_pre_encoded=number("drop_extra_pre_encoded"),
    )


def read_attention(path: Path) -> tuple[Attention, ...]:
    """The limits of attention that a model was trained with, of which an export has one.

    From a `streaming.json`, or from the `streaming` block of a contract; none if it does not say.

    Raises:
        MetadataError: As `read_streaming`.
    """
    fields = read_metadata(path).fields
    block = fields.get("streaming")
    if block is None:
        return _attentions(path, fields, ())
    return _attentions(path, block if isinstance(block, dict) else {}, ("streaming",))


def _attentions(
    path: Path, fields: Mapping[str, object], steps: tuple[Step, ...]
) -> tuple[Attention, ...]:
    """One pair of numbers, or several; `steps` lead to the fields."""
    value = fields.get(ATTENTION, ())
    pairs = (value,) if _is_attention(value) else value
    if isinstance(pairs, tuple) and all(map(_is_attention, pairs)):
        return pairs
    raise _wrong(path, (*steps, ATTENTION), value, "two numbers of frames")


def _is_attention(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(is_integer, value))


def _pair(path: Path, name: str, value: object) -> tuple[int, int]:
    """First and later; NeMo writes one number where they are equal."""
    if isinstance(value, tuple) and len(value) == 2:
        return _number(path, name, value[0], 0), _number(path, name, value[1], 1)
    return (_number(path, name, value),) * 2


def _number(path: Path, name: str, value: object, *indices: Step) -> int:
    if not is_integer(value):
        raise _wrong(path, (name, *indices), value, "a number of frames")
    return value


def _wrong(path: Path, steps: Sequence[Step], value: object, wanted: str) -> MetadataError:
    name = next(step for step in reversed(steps) if isinstance(step, str))
    problem = f"`{name}` is {json.dumps(value):.40}, and not {wanted}"
    return wrong_value(path, steps, problem)

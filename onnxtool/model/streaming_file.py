"""`streaming.json`: the streaming configuration that an exporter leaves beside its graphs."""

from __future__ import annotations

from pathlib import Path

from onnxtool.model.contract import StreamingConfig
from onnxtool.model.json_place import Step
from onnxtool.model.metadata import read_metadata, wrong_value

STREAMING_NAME = "streaming.json"


def read_streaming(path: Path) -> StreamingConfig:
    """Read the fields of NeMo's `CacheAwareStreamingConfig`; others are left alone.

    Raises:
        MetadataError: It is not a JSON object, or a field is not what NeMo writes there; says the
            line and column.
    """
    fields = read_metadata(path).fields

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


def _pair(path: Path, name: str, value: object) -> tuple[int, int]:
    """First and later; NeMo writes one number where they are equal."""
    if isinstance(value, tuple) and len(value) == 2:
        return _number(path, name, value[0], 0), _number(path, name, value[1], 1)
    return (_number(path, name, value),) * 2


def _number(path: Path, name: str, value: object, *indices: Step) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        problem = f"`{name}` is {value!r:.40}, and not a number of frames"
        raise wrong_value(path, (name, *indices), problem)
    return value

"""A contract: what a release promises of its graphs, its streaming and its decoding.

Three layouts are read:

1. Of a whole model: `encoder.offline_io`, `encoder.streaming_io`, `predictor.io` and `joint.io`,
   each with `inputs` and `outputs`, or an `io` with those by file name; `streaming` and `decode`.
2. Of one graph: `model` names its file, with `inputs`, `outputs` and `streaming`.
3. The streaming configuration alone, as NeMo prints it: `streaming.json`.

What else is in the file is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from onnxtool.errors import MetadataError
from onnxtool.model.dtypes import DTYPES
from onnxtool.model.json_place import Step, spelled
from onnxtool.model.metadata import is_integer, read_metadata, wrong_value
from onnxtool.model.tensors import TensorSpec

# What a folder may hold its own contract in, the first that is there.
CONTRACT_NAMES = ("*contract*.json", "streaming.json")

_DTYPES = frozenset(kind.name for kind in DTYPES.values())
# What is no tensor: `sequence(float32)`, `map(string, float32)`, `optional(...)`.
_OTHER_KINDS = re.compile(r"(?:sequence|map|optional|sparse)\b")


@dataclass(frozen=True, slots=True)
class Interface:
    """What one graph is promised to take and give; nothing is said of names that are not here."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class StreamingConfig:
    """How a cache-aware encoder is to be driven, in NeMo's terms; None for what is not said.

    Attributes:
        chunk_size: Feature frames of the first and of every later chunk.
        shift_size: Feature frames by which the window moves on, likewise.
        cache_drop_size: Encoder frames at the end of a chunk that do not enter the cache.
        last_channel_cache_size: Encoder frames in the attention cache, C.
        conv_cache_size: Frames in the convolution cache, K.
        valid_out_len: Encoder frames that a step gives.
        pre_encode_cache_size: Feature frames before the chunk, first and later.
        drop_extra_pre_encoded: Encoder frames that they make, and that the graph drops.
        cache_valid_region: The side of the attention cache that holds frames: `suffix` or `prefix`.
    """

    chunk_size: tuple[int, int] | None = None
    shift_size: tuple[int, int] | None = None
    cache_drop_size: int | None = None
    last_channel_cache_size: int | None = None
    conv_cache_size: int | None = None
    valid_out_len: int | None = None
    pre_encode_cache_size: tuple[int, int] | None = None
    drop_extra_pre_encoded: int | None = None
    cache_valid_region: str | None = None


@dataclass(frozen=True, slots=True)
class Decoding:
    """How tokens are read off the joint's output; None for what is not said."""

    blank_id: int | None = None
    vocab_size: int | None = None
    duration_values: tuple[int, ...] | None = None
    max_symbols: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What was promised.

    Attributes:
        path: Where it was read from.
        interfaces: By file name of the graph.
        streaming: Of the streaming encoder, if anything is said of it.
        decoding: Of the joint's output, if anything is said of it.
    """

    path: Path
    interfaces: Mapping[str, Interface]
    streaming: StreamingConfig | None
    decoding: Decoding | None


def find_contract(folder: Path) -> Path | None:
    """The contract that a folder holds, if there is one: the first of `CONTRACT_NAMES`."""
    found = (path for pattern in CONTRACT_NAMES for path in sorted(folder.glob(pattern)))
    return next((path for path in found if path.is_file()), None)


def read_contract(path: Path) -> Contract:
    """Read a contract.

    Raises:
        MetadataError: It is not JSON, a field is of the wrong type (says which), or nothing in it
            is a promise; with line and column.
    """
    content = _Table(path, read_metadata(path).fields)
    block = content.table("streaming")
    if block is None and "cache_drop_size" in content.fields:
        block = content
    streaming = _streaming(block) if block else None
    contract = Contract(path, dict(_interfaces(content)), streaming, _decoding(content))
    if not (contract.interfaces or contract.streaming or contract.decoding):
        raise wrong_value(
            path,
            (),
            "no promise in it",
            hint="a contract has `io`, `streaming` or `decode`, or is a `streaming.json`",
        )
    return contract


@dataclass(frozen=True, slots=True)
class _Table:
    """A JSON object of the contract, which knows where in it it is."""

    path: Path
    fields: Mapping[str, object]
    steps: tuple[Step, ...] = ()

    def wrong(
        self, key: str, wanted: str, is_right: Callable[[object], bool] | None = None
    ) -> MetadataError:
        """That a field is not what it should be; in a list, at its first element that is wrong."""
        value, steps = self.fields[key], (*self.steps, key)
        problem = f"`{spelled(steps)}` is {value!r:.40}, where {wanted} is needed"
        if is_right and isinstance(value, tuple):
            steps += tuple(i for i, item in enumerate(value) if not is_right(item))[:1]
        return wrong_value(self.path, steps, problem)

    def missing(self, key: str) -> MetadataError:
        """That there is no such field."""
        steps = *self.steps, key
        return wrong_value(self.path, steps, f"`{spelled(steps)}` is missing")

    def table(self, key: str) -> _Table | None:
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        return _Table(self.path, value, (*self.steps, key))

    def tables(self, key: str) -> tuple[_Table, ...]:
        value = self.fields.get(key) or ()
        if not isinstance(value, tuple) or not all(map(_is_object, value)):
            raise self.wrong(key, "a list of objects", _is_object)
        return tuple(
            _Table(self.path, item, (*self.steps, key, index)) for index, item in enumerate(value)
        )

    def integer(self, *keys: str) -> int | None:
        for key in keys:
            value = self.fields.get(key)
            if value is not None:
                if not is_integer(value):
                    raise self.wrong(key, "an integer")
                return value
        return None

    def integers(self, key: str) -> tuple[int, ...] | None:
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, tuple) or not all(map(is_integer, value)):
            raise self.wrong(key, "a list of integers", is_integer)
        return tuple(value)

    def pair(self, key: str) -> tuple[int, int] | None:
        """First and later; NeMo writes one number where both are the same."""
        value = self.fields.get(key)
        if is_integer(value):
            return value, value
        numbers = self.integers(key)
        if numbers is None:
            return None
        if len(numbers) != 2:
            raise self.wrong(key, "a list of two integers")
        return numbers[0], numbers[1]

    def text(self, key: str) -> str | None:
        value = self.fields.get(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _interfaces(content: _Table) -> Iterator[tuple[str, Interface]]:
    """File name -> interface, in each of the layouts."""
    for part, key, name in (
        ("encoder", "offline_io", "encoder.onnx"),
        ("encoder", "streaming_io", "encoder_streaming.onnx"),
        ("predictor", "io", "predictor.onnx"),
        ("joint", "io", "joint.onnx"),
    ):
        table = content.table(part)
        if table and (block := table.table(key)):
            yield name, _interface(block)
    if by_name := content.table("io"):
        for name in by_name.fields:
            if block := by_name.table(name):
                yield name if name.endswith(".onnx") else f"{name}.onnx", _interface(block)
    if (model := content.text("model")) and (content.tables("inputs") or content.tables("outputs")):
        yield model, _interface(content)


def _interface(block: _Table) -> Interface:
    return Interface(
        tuple(map(_spec, block.tables("inputs"))), tuple(map(_spec, block.tables("outputs")))
    )


def _spec(table: _Table) -> TensorSpec:
    name, dtype = table.text("name"), table.text("dtype")
    if not name or not dtype:
        raise table.missing("dtype" if name else "name")
    if dtype not in _DTYPES and not _OTHER_KINDS.match(dtype):
        raise table.wrong("dtype", "an element type, as in float32,")
    declared = table.fields.get("shape")
    if declared is None:
        return TensorSpec(name, dtype, None)
    if not isinstance(declared, tuple) or not all(map(_is_dimension, declared)):
        raise table.wrong("shape", "a list of sizes and symbols", _is_dimension)
    return TensorSpec(name, dtype, declared)


def _is_dimension(size: object) -> bool:
    return isinstance(size, str) or size is None or (is_integer(size) and size >= 0)


def _streaming(block: _Table) -> StreamingConfig | None:
    cache = block.table("cache") or _Table(block.path, {})
    region = block.text("cache_valid_region")
    # Prose, in some: "... defines valid prefix length along ...".
    side = re.search("suffix|prefix", region) if region else None
    if region and not side:
        raise block.wrong("cache_valid_region", "`suffix` or `prefix`")
    size = block.integer("last_channel_cache_size", "cache_size")
    context = block.integer("conv_cache_size", "time_ctx")
    config = StreamingConfig(
        chunk_size=block.pair("chunk_size"),
        shift_size=block.pair("shift_size"),
        cache_drop_size=block.integer("cache_drop_size"),
        last_channel_cache_size=cache.integer("last_channel_size") if size is None else size,
        conv_cache_size=cache.integer("time_context_size") if context is None else context,
        valid_out_len=block.integer("valid_out_len", "valid_out_len_expected"),
        pre_encode_cache_size=block.pair("pre_encode_cache_size"),
        drop_extra_pre_encoded=block.integer("drop_extra_pre_encoded"),
        cache_valid_region=side[0] if side else None,
    )
    said = any(getattr(config, field.name) is not None for field in fields(config))
    return config if said else None


def _decoding(content: _Table) -> Decoding | None:
    decode, tokenizer = content.table("decode"), content.table("tokenizer")
    if decode is None and tokenizer is None:
        return None
    nothing = _Table(content.path, {})
    decode, tokenizer = decode or nothing, tokenizer or nothing
    blank_id = decode.integer("blank_id")
    size = decode.integer("vocab_size")
    return Decoding(
        blank_id=tokenizer.integer("blank_id") if blank_id is None else blank_id,
        vocab_size=tokenizer.integer("vocab_size") if size is None else size,
        duration_values=decode.integers("duration_values"),
        max_symbols=decode.integer("max_symbols", "max_symbols_per_timestep"),
    )

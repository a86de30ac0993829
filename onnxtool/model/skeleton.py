"""Structure without weights: read a model of any size at the cost of its graph.

The file is mapped, its protobuf fields are walked, and every large tensor payload is left where it
is. The parsed model holds an external-data reference in its place: this file, an offset, a length,
and the field that the bytes belong to. `expand` puts the payloads back, byte for byte.

Nothing here knows the layout of an ONNX model: which fields hold messages comes from the protobuf
descriptors, so weights are found wherever they are, in initializers, sparse or not, in attributes
of nodes, in subgraphs, in functions and in training information.
"""

from __future__ import annotations

import functools
import mmap
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import onnx
from google.protobuf.message import DecodeError

from onnxtool.errors import ModelLoadError
from onnxtool.model.file_kind import likely_cause
from onnxtool.model.malformed import check_depth, check_names, explain
from onnxtool.model.wire import (
    LENGTH_DELIMITED,
    VARINT,
    Buffer,
    Field,
    WireError,
    fields,
    header,
    read_varint,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

# Smaller payloads stay in the skeleton: shape arithmetic needs their values, and a reference to
# them would be as large as they are. onnx's own `size_threshold` has the same default.
LARGE_BYTES = 1024
# What ONNX itself puts into a reference.
STANDARD_KEYS = frozenset({"location", "offset", "length", "checksum"})
# Marks a reference that stands for bytes of the model's own file; its value names the field.
EMBEDDED_KEY = "onnxtool.field"
_EMBEDDED_ENTRY = header(1, len(EMBEDDED_KEY)) + EMBEDDED_KEY.encode()
# Present where the tensor said data_location = DEFAULT instead of leaving it out.
_EXPLICIT_DEFAULT_KEY = "onnxtool.data_location"

_MODEL = onnx.ModelProto.DESCRIPTOR
_TENSOR = onnx.TensorProto.DESCRIPTOR
_NUMBERS = {field.name: field.number for field in _TENSOR.fields}
# Fields whose payload is the tensor's memory, little-endian. Packed varints (int32_data) are not.
_PAYLOADS = {_NUMBERS[name]: name for name in ("raw_data", "float_data", "double_data")}
# Fields that hold one tensor. Given twice, it is one in pieces, which protobuf must join.
_SINGLE = {
    "AttributeProto": {"t", "sparse_tensor"},
    "SparseTensorProto": {"values", "indices"},
}
MAX_PROTOBUF_BYTES = (1 << 31) - 1
# What is left without the weights is parsed, and takes several times as much memory. Ten times the
# graph of a large model with the stack traces that exporters leave in it.
MAX_GRAPH_BYTES = 256 << 20
# Integers that are packed as varints are parsed as well, and one byte becomes up to sixteen.
MAX_PACKED_BYTES = 64 << 20
_PACKED = frozenset(_NUMBERS[name] for name in ("int32_data", "int64_data", "uint64_data"))


class TooLargeError(ValueError):
    """More is left of a model without its weights than is parsed."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes of the file a skeleton was read from."""

    offset: int
    length: int


def read_skeleton(path: Path) -> onnx.ModelProto:
    """Parse the model at `path`, leaving every payload over `LARGE_BYTES` in the file.

    Raises:
        ModelLoadError: The file cannot be read, is damaged, or is not an ONNX model.
    """
    with _mapped(path) as buffer:
        return _parse(buffer, path)


def referenced_files(path: Path) -> frozenset[str]:
    """The external files that tensors of the model at `path` refer to, relative to its folder.

    For a model of which nothing else is asked: read off its bytes, without parsing the rest.

    Raises:
        ModelLoadError: The file cannot be read, or is damaged.
    """
    with _mapped(path) as buffer:
        try:
            content = strip(buffer, own_location(path))
            check_names(content, buffer, path)
            found: set[str] = set()
            _rewrite(
                content,
                _MODEL,
                0,
                len(content),
                depth=0,
                replace=functools.partial(_note_location, found),
                relevant=lambda _, start, end: content.find(b"location", start, end) >= 0,
            )
        except TooLargeError as error:
            raise _too_large(path, error) from error
        except (DecodeError, WireError) as error:
            raise explain(buffer, path, error) from error
    return frozenset(found)


def _too_large(path: Path, error: TooLargeError) -> ModelLoadError:
    hint = "large tensors belong in raw_data or in external data"
    return ModelLoadError(path, str(error), hint=hint)


def _note_location(found: set[str], buffer: Buffer, start: int, end: int) -> None:
    tensor = onnx.TensorProto.FromString(buffer[start:end])
    reference = {entry.key: entry.value for entry in tensor.external_data}
    if tensor.data_location == onnx.TensorProto.EXTERNAL and EMBEDDED_KEY not in reference:
        found.add(reference.get("location", ""))


@contextmanager
def _mapped(path: Path) -> Iterator[Buffer]:
    """The bytes of a file, without reading them."""
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:  # An empty file cannot be mapped.
                raise ModelLoadError(path, "the file is empty", hint=likely_cause(b""))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                if hasattr(mmap, "MADV_RANDOM"):
                    # Reading ahead would pull in the weights that are about to be skipped.
                    view.madvise(mmap.MADV_RANDOM)
                yield view
    except OSError as error:
        raise ModelLoadError(path, f"cannot be read: {error.strerror}") from error


def own_location(path: Path) -> str:
    """The name of a model's file as its own references spell it: protobuf strings are UTF-8."""
    return path.name.encode(errors="backslashreplace").decode()


def _parse(buffer: Buffer, path: Path) -> onnx.ModelProto:
    try:
        content = strip(buffer, own_location(path))
        # Before the real parse, so that never two parsed models are in memory.
        check_names(content, buffer, path)
        proto: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except TooLargeError as error:
        raise _too_large(path, error) from error
    except (DecodeError, WireError) as error:
        raise explain(buffer, path, error) from error
    if not proto.HasField("graph"):
        raise ModelLoadError(
            path, "no graph in it: this is not an ONNX model", hint=likely_cause(buffer[:512])
        )
    return proto


@functools.cache
def _submessages(message: Descriptor) -> dict[int, Descriptor]:
    """The fields of a message that are messages themselves, by number."""
    return {field.number: field.message_type for field in message.fields if field.message_type}


@functools.cache
def _single(message: Descriptor) -> frozenset[int]:
    """The numbers of the fields in `_SINGLE`."""
    return frozenset(message.fields_by_name[name].number for name in _SINGLE.get(message.name, ()))


# A rewritten message: literal bytes, and payloads that stay in the file.
Part = bytes | Slice
# The new body of the tensor at buffer[start:end], or None where it stays as it is.
RewriteTensor = Callable[[Buffer, int, int], list[Part] | None]
# Whether anything at buffer[start:end] may need rewriting; what does not is copied unseen.
Relevant = Callable[[Buffer, int, int], bool]


def strip(buffer: Buffer, location: str) -> bytes:
    """The model in `buffer` with every large payload replaced by a reference to `location`.

    Raises:
        TooLargeError: Over `MAX_GRAPH_BYTES` are left, or over `MAX_PACKED_BYTES` of integers.
        WireError: The bytes are no protobuf message, or have a reference of our kind already.
    """
    written: list[Slice] = []
    packed: list[int] = []
    parts = _rewrite(
        buffer,
        _MODEL,
        0,
        len(buffer),
        depth=0,
        replace=functools.partial(_to_reference, location=location, written=written, packed=packed),
        relevant=lambda _, start, end: end - start >= LARGE_BYTES,
    )
    _check_size(buffer, parts, sum(packed))
    content = buffer[0 : len(buffer)] if parts is None else b"".join(_literals(parts))
    if content.count(_EMBEDDED_ENTRY) != len(written):
        # It would pass for a reference that we wrote ourselves, to bytes that we checked.
        raise WireError(f"external data with the key {EMBEDDED_KEY}, which is reserved", 0)
    return content


def _check_size(buffer: Buffer, parts: list[Part] | None, packed_bytes: int) -> None:
    """Refuse what would be too large to parse, before it is read."""
    left = len(buffer) if parts is None else sum(map(len, _literals(parts)))
    if packed_bytes > MAX_PACKED_BYTES:
        raise TooLargeError(
            f"{packed_bytes:,} bytes of packed integers, more than {MAX_PACKED_BYTES:,}"
        )
    if left > MAX_GRAPH_BYTES:
        raise TooLargeError(
            f"{left:,} bytes are left without the weights, more than {MAX_GRAPH_BYTES:,}"
        )


def expand(content: bytes) -> list[Part]:
    """Undo `strip`: the whole model, as literal bytes and slices of the file it came from.

    Joined they are that file again, byte for byte if a protobuf library wrote it.
    """
    key = EMBEDDED_KEY.encode()
    parts = _rewrite(
        content,
        _MODEL,
        0,
        len(content),
        depth=0,
        replace=_to_payload,
        relevant=lambda _, start, end: content.find(key, start, end) >= 0,
    )
    return [content] if parts is None else parts


def part_size(part: Part) -> int:
    """The length of a part in bytes."""
    return len(part) if isinstance(part, bytes) else part.length


def _literals(parts: list[Part]) -> Iterator[bytes]:
    return (part for part in parts if isinstance(part, bytes))


def _rewrite(
    buffer: Buffer,
    message: Descriptor,
    start: int,
    end: int,
    *,
    depth: int,
    replace: RewriteTensor,
    relevant: Relevant,
) -> list[Part] | None:
    """Replace the tensors in a message; None if none needed it, or if that cannot be told."""
    check_depth(depth, start)
    if message is _TENSOR:
        return replace(buffer, start, end)
    if (single := _single(message)) and _in_pieces(buffer, start, end, single):
        return None
    children = _submessages(message)
    parts: list[Part] = []
    copied = start
    for field in fields(buffer, start, end):
        child = children.get(field.number)
        if child is None or not relevant(buffer, field.value, field.end):
            continue
        body = _rewrite(
            buffer,
            child,
            field.value,
            field.end,
            depth=depth + 1,
            replace=replace,
            relevant=relevant,
        )
        if body is None:
            continue
        parts.append(buffer[copied : field.start])
        parts.append(header(field.number, sum(map(part_size, body))))
        parts.extend(body)
        copied = field.end
    return [*parts, buffer[copied:end]] if parts else None


def _in_pieces(buffer: Buffer, start: int, end: int, single: frozenset[int]) -> bool:
    """Whether one of these fields is given twice."""
    numbers: set[int] = set()
    for field in fields(buffer, start, end):
        if field.number in numbers:
            return True
        numbers |= {field.number} & single
    return False


class _Storage(NamedTuple):
    """How a tensor is stored.

    Attributes:
        payloads: The fields of `_PAYLOADS`; no more than two, since unpacked each number is one.
        locations: The values of `data_location`.
        refers: Whether it has external data.
        integer_bytes: Of the fields of `_PACKED`.
    """

    payloads: list[Field]
    locations: set[int]
    refers: bool
    integer_bytes: int


def _storage(buffer: Buffer, start: int, end: int) -> _Storage:
    payloads: list[Field] = []
    locations: set[int] = set()
    refers, integer_bytes = False, 0
    for field in fields(buffer, start, end):
        if field.number in _PACKED:
            integer_bytes += field.end - field.value
        elif field.number in _PAYLOADS and len(payloads) < 2:
            payloads.append(field)
        elif field.number == _NUMBERS["external_data"]:
            refers = True
        elif field.number == _NUMBERS["data_location"] and field.wire_type == VARINT:
            locations.add(read_varint(buffer, field.value, field.end)[0])
    return _Storage(payloads, locations, refers, integer_bytes)


def _to_reference(
    buffer: Buffer,
    start: int,
    end: int,
    *,
    location: str,
    written: list[Slice],
    packed: list[int],
) -> list[Part] | None:
    """The tensor with its one large payload replaced by a reference, noted in `written`.

    In `packed` are noted the bytes of integers that stay.
    """
    storage = _storage(buffer, start, end)
    packed.append(storage.integer_bytes)
    payloads, locations = storage.payloads, storage.locations
    # Left alone: data elsewhere already, in several pieces, or unpacked. Protobuf must join those.
    if len(payloads) != 1 or onnx.TensorProto.EXTERNAL in locations or storage.refers:
        return None
    (payload,) = payloads
    if payload.wire_type != LENGTH_DELIMITED or payload.end - payload.value < LARGE_BYTES:
        return None
    reference = {
        "location": location,
        "offset": str(payload.value),
        "length": str(payload.end - payload.value),
        EMBEDDED_KEY: _PAYLOADS[payload.number],
    }
    if onnx.TensorProto.DEFAULT in locations:
        reference[_EXPLICIT_DEFAULT_KEY] = "DEFAULT"
    written.append(Slice(payload.value, payload.end - payload.value))
    tensor = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    for key, value in reference.items():
        tensor.external_data.add(key=key, value=value)
    return [
        buffer[start : payload.start],
        buffer[payload.end : end],
        tensor.SerializeToString(),
    ]


def _to_payload(buffer: Buffer, start: int, end: int) -> list[Part] | None:
    """The tensor with the payload that its reference stands for, fields in order of number."""
    tensor = onnx.TensorProto.FromString(buffer[start:end])
    reference = {entry.key: entry.value for entry in tensor.external_data}
    name, *place = (reference.get(key, "") for key in (EMBEDDED_KEY, "offset", "length"))
    # A file may hold a key of ours that we did not write.
    if name not in _PAYLOADS.values() or not all(re.fullmatch(r"[0-9]{1,18}", n) for n in place):
        return None
    number, payload = _NUMBERS[name], Slice(*map(int, place))
    del tensor.external_data[:]
    tensor.ClearField("data_location")
    if _EXPLICIT_DEFAULT_KEY in reference:
        tensor.data_location = onnx.TensorProto.DEFAULT
    content = tensor.SerializeToString()
    later = (field.start for field in fields(content, 0, len(content)) if field.number > number)
    split = next(later, len(content))
    return [content[:split], header(number, payload.length), payload, content[split:]]

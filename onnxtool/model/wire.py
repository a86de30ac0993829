"""The protobuf wire format: fields of a message, without decoding what is in them.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, overload

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
MAX_LENGTH = 1 << 40
MAX_FIELD_NUMBER = (1 << 29) - 1


class Buffer(Protocol):
    """Bytes, or a memory map: indexable by byte, sliceable into `bytes`."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...


class Field(NamedTuple):
    """One field of a message, as byte positions in the buffer: key, then value, then end."""

    number: int
    wire_type: int
    start: int
    value: int
    end: int


class WireError(ValueError):
    """These bytes are not protobuf.

    Attributes:
        offset: The first byte that makes no sense.
        truncated: The bytes end too early, rather than being wrong.
    """

    def __init__(self, problem: str, offset: int, *, truncated: bool = False) -> None:
        super().__init__(problem)
        self.offset = offset
        self.truncated = truncated


def fields(buffer: Buffer, start: int, end: int) -> Iterator[Field]:
    """Walk the fields of the message that occupies `buffer[start:end]`.

    Raises:
        WireError: The bytes are no protobuf message, or end in the middle of a field.
    """
    position = start
    while position < end:
        key, value = read_varint(buffer, position, end)
        number, wire_type = key >> 3, key & 7
        if not 0 < number <= MAX_FIELD_NUMBER:
            raise WireError(f"{number} is not a field number", position)
        after, value = _value_end(buffer, wire_type, value, end, position)
        yield Field(number, wire_type, position, value, after)
        position = after


def _value_end(buffer: Buffer, wire_type: int, value: int, end: int, start: int) -> tuple[int, int]:
    """Where the field ends, and where its value begins (after the length, if it has one)."""
    if wire_type == LENGTH_DELIMITED:
        length, value = read_varint(buffer, value, end)
        after = value + length
    elif wire_type == VARINT:
        after = read_varint(buffer, value, end)[1]
    elif wire_type == FIXED32:
        after = value + 4
    elif wire_type == FIXED64:
        after = value + 8
    else:
        raise WireError(f"{wire_type} is not a wire type that ONNX uses", start)
    if after > end:
        left = end - value
        raise WireError(
            f"a field of {after - value:,} bytes begins where only {left:,} {_is(left)} left",
            start,
            # Nobody cuts exabytes off a file: such a length is no length.
            truncated=after - value < MAX_LENGTH,
        )
    return after, value


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def read_varint(buffer: Buffer, position: int, end: int) -> tuple[int, int]:
    """The unsigned integer at `position`, and the position after it.

    Raises:
        WireError: It runs past `end` or is longer than ten bytes.
    """
    # Most numbers are one byte, and most of the time of reading a model is spent here.
    if position < end and (first := buffer[position]) < 0x80:
        return first, position + 1
    chunk = buffer[position : min(position + MAX_VARINT_BYTES, end)]
    number = 0
    for index, byte in enumerate(chunk):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, position + index + 1
    truncated = len(chunk) < MAX_VARINT_BYTES
    problem = "the data ends inside a number" if truncated else "a number longer than ten bytes"
    raise WireError(problem, position, truncated=truncated)


def encode_varint(number: int) -> bytes:
    """The shortest encoding of a non-negative integer."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def header(number: int, length: int) -> bytes:
    """The key and length that come before a length-delimited value."""
    return encode_varint(number << 3 | LENGTH_DELIMITED) + encode_varint(length)

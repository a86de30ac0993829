from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from onnxtool.model.wire import (
    Field,
    WireError,
    encode_varint,
    fields,
    header,
    read_varint,
)

# From the encoding guide of protobuf, and the limits of one byte, of 32 and of 64 bits.
VARINTS = [
    (0, "00"),
    (1, "01"),
    (127, "7f"),
    (128, "8001"),
    (150, "9601"),
    (2**32 - 1, "ffffffff0f"),
    (2**64 - 1, "ffffffffffffffffff01"),
]
NUMBER_1 = {"varint": "08", "fixed64": "09", "bytes": "0a", "fixed32": "0d"}


@pytest.mark.parametrize(("number", "encoded"), VARINTS)
def test_varint_is_encoded_as_protobuf_does(number: int, encoded: str) -> None:
    assert encode_varint(number).hex() == encoded


@pytest.mark.parametrize(("number", "encoded"), VARINTS)
def test_varint_is_read_with_the_position_after_it(number: int, encoded: str) -> None:
    content = b"\xff" + bytes.fromhex(encoded) + b"\xff"
    assert read_varint(content, 1, len(content)) == (number, len(content) - 1)


def test_varint_longer_than_needed_is_read() -> None:
    assert read_varint(bytes.fromhex("8100"), 0, 2) == (1, 2)


@pytest.mark.parametrize("encoded", ["", "80", "ffffff"])
def test_varint_that_ends_too_early_is_truncated(encoded: str) -> None:
    content = bytes.fromhex(encoded)
    with pytest.raises(WireError) as caught:
        read_varint(content + b"\x01", 0, len(content))
    assert caught.value.truncated
    assert caught.value.offset == 0


def test_varint_of_eleven_bytes_is_wrong_and_not_truncated() -> None:
    with pytest.raises(WireError, match="ten bytes") as caught:
        read_varint(b"\x01" * 3 + b"\x80" * 10 + b"\x01", 3, 14)
    assert not caught.value.truncated
    assert caught.value.offset == 3


def test_header_is_key_and_length() -> None:
    assert header(9, 300).hex() == "4aac02"


@pytest.mark.parametrize(
    ("key", "value", "start_of_value"),
    [
        pytest.param("varint", "9601", 1, id="varint"),
        pytest.param("fixed64", "0102030405060708", 1, id="fixed64"),
        pytest.param("fixed32", "01020304", 1, id="fixed32"),
        pytest.param("bytes", "03616263", 2, id="length-delimited"),
        pytest.param("bytes", "00", 2, id="empty"),
    ],
)
def test_field_is_key_value_and_end(key: str, value: str, start_of_value: int) -> None:
    content = bytes.fromhex(NUMBER_1[key] + value)
    wire_type = content[0] & 7
    assert list(fields(content, 0, len(content))) == [
        Field(1, wire_type, start=0, value=start_of_value, end=len(content))
    ]


def test_fields_are_those_of_the_given_part_alone() -> None:
    content = bytes.fromhex("ffff 0805 1007 ffff")
    assert [(field.number, field.start) for field in fields(content, 2, 6)] == [(1, 2), (2, 4)]


def test_field_may_have_the_largest_number() -> None:
    content = bytes.fromhex("f8ffffff0f 00")
    assert [field.number for field in fields(content, 0, len(content))] == [2**29 - 1]


@pytest.mark.parametrize(
    ("encoded", "says", "truncated"),
    [
        pytest.param("00 00", "0 is not a field number", False, id="number 0"),
        pytest.param("8080808010 00", "not a field number", False, id="number too large"),
        pytest.param("0b", "3 is not a wire type", False, id="group"),
        pytest.param("0f", "7 is not a wire type", False, id="wire type 7"),
        pytest.param("0a 05 6162", "5 bytes begins where only 2", True, id="bytes"),
        pytest.param("0a 02 61", "2 bytes begins where only 1 is left", True, id="one byte"),
        pytest.param("0d 0102", "4 bytes begins where only 2", True, id="fixed32"),
        pytest.param("09 0102", "8 bytes begins where only 2", True, id="fixed64"),
        pytest.param("08 80", "ends inside a number", True, id="varint"),
    ],
)
def test_damage_is_told_with_its_place(encoded: str, says: str, truncated: bool) -> None:
    sound = bytes.fromhex("0801")
    content = sound + bytes.fromhex(encoded)
    with pytest.raises(WireError, match=says) as caught:
        list(fields(content, 0, len(content)))
    assert caught.value.truncated == truncated
    assert caught.value.offset >= len(sound)


def test_memory_map_reads_like_bytes(tmp_path: Path) -> None:
    content = bytes.fromhex("0a03616263 089601")
    path = tmp_path / "message"
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        mapped = list(fields(view, 0, len(view)))
    assert mapped == list(fields(content, 0, len(content)))

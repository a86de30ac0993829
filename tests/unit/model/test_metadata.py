from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from onnxtool.errors import MetadataError
from onnxtool.model import metadata
from onnxtool.model.metadata import read_metadata, read_vocabulary
from tests.support.models import WORDS_TDT


def file(folder: Path, content: str | bytes, name: str = "vocab.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- Metadata ------------------------------------------------------------------------------------


def test_metadata_is_what_is_in_the_file(tmp_path: Path) -> None:
    fields = {"blank_id": 35, "labels": [], "duration_values": None, "features": {"hop": 160.5}}
    path = file(tmp_path, json.dumps(fields), "model_meta.json")
    read = read_metadata(path)
    assert (read.path, read.fields) == (path, {**fields, "labels": ()})


def test_metadata_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_metadata(file(tmp_path, b'\xef\xbb\xbf{"a": 1}')).fields == {"a": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", r"meta\.json:1:1: not JSON", id="empty"),
        pytest.param('{"a": 1,\n "b": }', r"meta\.json:2:7: not JSON", id="syntax"),
        pytest.param(
            '{"NaN": 1,\n "a": NaN}', r":2:7: not JSON: NaN is not a JSON number", id="NaN"
        ),
        pytest.param(
            '{"a": -Infinity}', ":1:7: not JSON: -Infinity is not a JSON number", id="infinity"
        ),
        pytest.param(
            '{"a":\n[{"b": 1, "b": 2}]}',
            ":2:11: not JSON: the key 'b' is given twice",
            id="key twice",
        ),
        pytest.param(
            '{"a": 1, "a": 2, "b": }', ":1:23: not JSON: Expecting", id="syntax before the end"
        ),
        pytest.param('{"a": 1e999}', ":1:7: not JSON: 1e999 is not a JSON number", id="overflow"),
        pytest.param(
            '{"a":\n' + "1" * 5000 + "}", ":2:1: not JSON: a number of 5,000 digits", id="digits"
        ),
        pytest.param("\n [1, 2]", ":2:2: holds a JSON list where an object", id="list"),
        pytest.param("null", ":1:1: holds a JSON NoneType where an object", id="null"),
        pytest.param("\n" + "[" * 100_000, ":2:100: nested too deep", id="deep"),
        pytest.param(
            "[" * 200 + "]" * 200, ":1:100: nested too deep", id="deeper than can be written"
        ),
        pytest.param(b'{"a":\n "\xc3\xa9\xff"}', ":2:4: not UTF-8 at byte 10", id="not UTF-8"),
    ],
)
def test_metadata_that_is_no_json_object(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(MetadataError, match=says):
        read_metadata(file(tmp_path, content, "meta.json"))


@pytest.mark.parametrize("read", [read_metadata, read_vocabulary])
def test_missing_file_is_told(read: type, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="No such file"):
        read(tmp_path / "file")


@pytest.mark.parametrize("read", [read_metadata, read_vocabulary])
def test_file_too_large_for_metadata_is_not_read(
    read: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, '{"a": 1}')
    monkeypatch.setattr(metadata, "MAX_BYTES", path.stat().st_size)
    assert read(path)
    monkeypatch.setattr(metadata, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(MetadataError, match="not a metadata file"):
        read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are POSIX")
@pytest.mark.parametrize("read", [read_metadata, read_vocabulary])
def test_pipe_is_not_waited_for(read: type, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    with pytest.raises(MetadataError, match="a pipe"):
        read(tmp_path / "file")


def test_metadata_of_the_sample() -> None:
    fields = read_metadata(WORDS_TDT / "model_meta.json").fields
    assert (fields["sample_rate"], fields["blank_id"]) == (16000, 35)


# --- Vocabularies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        pytest.param("a 0\nb 1\n", ("a", "b"), id="token and id"),
        pytest.param("a 0\nb 1", ("a", "b"), id="no line break at the end"),
        pytest.param("a 0\r\nb 1\r\n", ("a", "b"), id="line breaks of Windows"),
        pytest.param("b 1\na 0\n", ("a", "b"), id="any order"),
        pytest.param("▁the 0\n尺 1\n", ("▁the", "尺"), id="any language"),
        pytest.param("5 0\n7 1\n", ("5", "7"), id="digits with ids"),
        pytest.param("new york 0\nb 1\n", ("new york", "b"), id="space in a token"),
        pytest.param("  0\n 1\n", (" ", " "), id="space alone"),
        pytest.param("a\nb\n", ("a", "b"), id="tokens alone"),
        pytest.param("0\n1\n2\n", ("0", "1", "2"), id="digits alone"),
        pytest.param("new york\nb\n", ("new york", "b"), id="tokens with spaces alone"),
    ],
)
def test_tokens_are_in_order_of_id(tmp_path: Path, content: str, tokens: tuple[str, ...]) -> None:
    assert read_vocabulary(file(tmp_path, content)).tokens == tokens


@pytest.mark.parametrize(
    ("content", "blank_id"),
    [("a 0\n<blk> 1\n", 1), ("<blank> 0\na 1\n", 0), ("a\n<blk>\n", 1), ("a 0\n<unk> 1\n", None)],
)
def test_blank_is_found_by_its_name(tmp_path: Path, content: str, blank_id: int | None) -> None:
    assert read_vocabulary(file(tmp_path, content)).blank_id == blank_id


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("a 0\nb 0\n", r"vocab\.txt:2: id 0 is given twice", id="id twice"),
        pytest.param("a 0\nb 2\n", "id 1 is missing", id="gap"),
        pytest.param("a 1\nb 2\n", "id 0 is missing", id="from 1"),
        pytest.param("a 0\nb\n", r"vocab\.txt:2: no id", id="line without an id"),
        pytest.param("a 0\nb ٣\n", r"vocab\.txt:2: no id", id="digits of another script"),
        pytest.param("a 0\nb " + "1" * 5000, r"vocab\.txt:2: no id", id="too many digits"),
        pytest.param("a 0\n\nb 1\n", r"vocab\.txt:2: empty", id="empty line"),
        pytest.param("a\n\nb\n", r"vocab\.txt:2: empty", id="empty token"),
        pytest.param("", "no tokens", id="empty file"),
        pytest.param(b"a 0\n\xff 1\n", "not UTF-8 at byte 4", id="not UTF-8"),
    ],
)
def test_vocabulary_that_is_none(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(MetadataError, match=says):
        read_vocabulary(file(tmp_path, content))


def test_vocabulary_of_the_sample() -> None:
    vocabulary = read_vocabulary(WORDS_TDT / "vocab.txt")
    assert len(vocabulary.tokens) == 36
    assert vocabulary.tokens[:3] == ("zero", "one", "two")
    assert vocabulary.blank_id == 35

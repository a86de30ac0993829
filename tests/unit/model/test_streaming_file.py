"""`streaming.json`: the fields that NeMo writes, and what is none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onnxtool.errors import MetadataError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.streaming_file import read_attention, read_streaming


def written(folder: Path, **fields: object) -> Path:
    path = folder / "streaming.json"
    path.write_text(json.dumps(fields))
    return path


def test_one_number_is_that_of_every_call_and_a_negative_one_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, chunk_size=8, shift_size=[5, -8], unknown="field")
    assert read_streaming(path) == StreamingConfig(chunk_size=(8, 8), shift_size=(5, -8))


@pytest.mark.parametrize("value", [None, "32", 2.5, True, [], [1, 2, 3], [1, None], {"first": 1}])
def test_what_is_no_number_of_frames(value: object, tmp_path: Path) -> None:
    path = written(tmp_path, chunk_size=value)
    with pytest.raises(MetadataError, match=r"`chunk_size` is .*, and not a number of frames"):
        read_streaming(path)


@pytest.mark.parametrize("value", [None, 20, "20, 3", [20, None], [20, 3, 1], [[20, 3], 1], {}])
def test_what_is_no_limit_of_attention(value: object, tmp_path: Path) -> None:
    path = written(tmp_path, att_context_size=value)
    for read in (read_streaming, read_attention):
        with pytest.raises(MetadataError, match=r"`att_context_size` is .*, and not two numbers"):
            read(path)


def test_limits_of_attention_are_one_or_a_choice(tmp_path: Path) -> None:
    assert read_attention(written(tmp_path, att_context_size=[20, 3])) == ((20, 3),)
    choice = {"att_context_size": [[70, 13], [70, 0]]}
    assert read_attention(written(tmp_path, streaming=choice)) == ((70, 13), (70, 0))
    assert read_attention(written(tmp_path, chunk_size=8)) == ()

"""Contracts in the three layouts, and what they say of a field that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onnxtool.errors import MetadataError
from onnxtool.model.contract import StreamingConfig, find_contract, read_contract
from onnxtool.model.streaming_file import read_streaming

STREAMING = {
    "chunk_size": [25, 32],
    "shift_size": [25, 32],
    "cache_drop_size": 0,
    "last_channel_cache_size": 20,
    "valid_out_len": 4,
    "pre_encode_cache_size": [0, 9],
    "drop_extra_pre_encoded": 2,
    "att_context_size": [20, 3],
}
CONFIG = StreamingConfig(
    chunk_size=(25, 32),
    shift_size=(25, 32),
    cache_drop_size=0,
    last_channel_cache_size=20,
    valid_out_len=4,
    pre_encode_cache_size=(0, 9),
    drop_extra_pre_encoded=2,
)
INPUTS = [{"name": "y", "dtype": "int64", "shape": ["B", "U"]}]
OUTPUTS = [{"name": "g", "dtype": "float32", "shape": ["B", 640, "U"]}]


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_streaming_configuration_alone_is_a_contract(tmp_path: Path) -> None:
    contract = read_contract(written(tmp_path / "streaming.json", STREAMING))
    assert contract.streaming == CONFIG
    assert contract.decoding is None
    assert not contract.interfaces


def test_a_contract_of_a_whole_model(tmp_path: Path) -> None:
    content = {
        "encoder": {"offline_io": {"inputs": [], "outputs": OUTPUTS}},
        "predictor": {"io": {"inputs": INPUTS, "outputs": OUTPUTS}},
        "tokenizer": {"vocab_size": 8192},
        "decode": {"blank_id": 8192, "duration_values": [0, 1], "max_symbols_per_timestep": 8},
        "streaming": {
            "cache_valid_region": "len_out defines valid prefix length along axis=2",
            "cache": {"last_channel_size": 256, "time_context_size": 4},
        },
    }
    contract = read_contract(written(tmp_path / "contract.json", content))
    assert list(contract.interfaces) == ["encoder.onnx", "predictor.onnx"]
    assert contract.interfaces["predictor.onnx"].inputs[0].shape == ("B", "U")
    assert contract.streaming == StreamingConfig(
        last_channel_cache_size=256, conv_cache_size=4, cache_valid_region="prefix"
    )
    assert contract.decoding
    assert contract.decoding.vocab_size == contract.decoding.blank_id == 8192
    assert contract.decoding.duration_values == (0, 1)
    assert contract.decoding.max_symbols == 8


def test_a_contract_of_one_graph(tmp_path: Path) -> None:
    content = {
        "model": "encoder_streaming.onnx",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "streaming": {"cache_size": 256, "time_ctx": 4, "valid_out_len_expected": 3},
    }
    contract = read_contract(written(tmp_path / "contract.json", content))
    assert contract.interfaces["encoder_streaming.onnx"].outputs[0].name == "g"
    assert contract.streaming == StreamingConfig(
        last_channel_cache_size=256, conv_cache_size=4, valid_out_len=3
    )


def test_interfaces_by_file_name(tmp_path: Path) -> None:
    content = {"io": {"joint": {"inputs": INPUTS}, "a.onnx": {"outputs": OUTPUTS}}}
    contract = read_contract(written(tmp_path / "contract.json", content))
    assert set(contract.interfaces) == {"joint.onnx", "a.onnx"}


WRONG = {
    "not JSON": ('{"a": 1,\n "b": ]}', ":2:7: not JSON"),
    "no object": ("[]", "where an object is needed"),
    "nothing promised": ({"model_id": "x"}, "no promise in it"),
    "text for a number": ({"streaming": {"cache_drop_size": "3"}}, "`streaming.cache_drop_size`"),
    "truth for a number": ({"decode": {"blank_id": True}}, "`decode.blank_id` is True"),
    "number for an object": ({"streaming": 3}, "`streaming` is 3, where an object is needed"),
    "three sizes": ({"streaming": {"chunk_size": [1, 2, 3]}}, "a list of two integers"),
    "a fraction": ({"decode": {"duration_values": [0, 1.5]}}, "`decode.duration_values`"),
    "no side": ({"streaming": {"cache_valid_region": "left"}}, "`suffix` or `prefix`"),
    "no name": (
        {"io": {"a": {"inputs": [{"dtype": "int64"}]}}},
        "`io.a.inputs[0].name` is missing",
    ),
    "no list": ({"io": {"a": {"inputs": {}}, "b": {"inputs": 3}}}, "`io.b.inputs`"),
    "no shape": (
        {"io": {"a": {"inputs": [{"name": "y", "dtype": "int64", "shape": [1.5]}]}}},
        "`io.a.inputs[0].shape`",
    ),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_contract_says_where(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(MetadataError) as error:
        read_contract(written(tmp_path / "contract.json", content))
    assert words in str(error.value)


PLACES = {
    "a field": ('{\n  "streaming":\n    {"cache_drop_size": "3"}\n}', ":3:25:"),
    "an element": ('{"decode": {"duration_values": [0,\n 1.5]}}', ":2:2:"),
    "a pair that is too long": ('{"streaming": {\n "chunk_size": [1, 2, 3]}}', ":2:16:"),
    "a list that is none": ('{"io": {"b": {\n  "inputs": 3}}}', ":2:13:"),
    "an object that is none": ('{"io": {"b": {"inputs": [\n  {}, 3]}}}', ":2:7:"),
    "a field that is missing": ('{"io": {"a": {"inputs": [\n {"dtype": "int64"}]}}}', ":2:2:"),
    "a size": (
        '{"io": {"a": {"inputs": [{"name": "y", "dtype": "int8", "shape": ["B",\n  2.5]}]}}}',
        ":2:3:",
    ),
    "a negative size": (
        '{"io": {"a": {"inputs": [{"name": "y", "dtype": "int8", "shape": ["B",\n  -1]}]}}}',
        ":2:3:",
    ),
    "an element type": ('{"io": {"a": {"inputs": [{"name": "y",\n "dtype": "f32"}]}}}', ":2:11:"),
    "a key given twice": ('{"decode": {"blank_id": 1,\n  "blank_id": 2}}', ":2:3:"),
    "nothing promised": ('\n {"model_id": "x"}', ":2:2:"),
    "an object around it that is none": ('{\n"decode": []}', ":2:11:"),
}


@pytest.mark.parametrize(("text", "place"), PLACES.values(), ids=PLACES.keys())
def test_a_wrong_contract_is_told_with_line_and_column(
    tmp_path: Path, text: str, place: str
) -> None:
    path = written(tmp_path / "contract.json", text)
    with pytest.raises(MetadataError) as error:
        read_contract(path)
    assert str(error.value).startswith(f"{path}{place} ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"chunk_size": [1,\n "2"]}', ":2:2:"),
        ('{\n "cache_drop_size": -1.5}', ":2:21:"),
        ('{"chunk_size":\n [1, 2, 3]}', ":2:2:"),
        ('{"valid_out_len": 1,\n"valid_out_len": 2}', ":2:1:"),
    ],
)
def test_a_wrong_streaming_configuration_is_told_with_line_and_column(
    tmp_path: Path, text: str, place: str
) -> None:
    path = written(tmp_path / "streaming.json", text)
    with pytest.raises(MetadataError) as error:
        read_streaming(path)
    assert str(error.value).startswith(f"{path}{place} ")


def test_a_folder_may_hold_its_contract(tmp_path: Path) -> None:
    assert find_contract(tmp_path) is None
    streaming = written(tmp_path / "streaming.json", STREAMING)
    assert find_contract(tmp_path) == streaming
    contract = written(tmp_path / "model.contract.json", STREAMING)
    assert find_contract(tmp_path) == contract

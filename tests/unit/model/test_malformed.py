from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model.malformed import MAX_DEPTH
from onnxtool.model.skeleton import LARGE_BYTES, read_skeleton
from onnxtool.model.wire import header
from tests.support.models import WORDS_TDT, decoded, encoded, parse, write

GRAPH = "g (float[T] x) => (float[T] y) { y = Relu(x) }"
MODEL_GRAPH = 7


# --- Where a file goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_cut_file_is_told_with_the_byte_where_it_goes_wrong(tmp_path: Path, part: float) -> None:
    content = (WORDS_TDT / "joint.onnx").read_bytes()
    path = write(tmp_path / "m.onnx", content[: int(len(content) * part)])
    with pytest.raises(ModelLoadError, match=r"m\.onnx: .* at byte \d") as caught:
        read_skeleton(path)
    assert caught.value.offset is not None
    assert "cut" in caught.value.hint


def test_fields_that_no_model_has_are_passed_over(tmp_path: Path) -> None:
    unknown = header(3000, 2) + b"\xff\xff"
    graph_as_a_number = bytes.fromhex("38ffffffff07")
    content = unknown + graph_as_a_number + header(MODEL_GRAPH, 100)
    with pytest.raises(ModelLoadError, match="100 bytes begins where only 0") as caught:
        read_skeleton(write(tmp_path / "m.onnx", content))
    assert caught.value.offset == len(unknown + graph_as_a_number)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (b"\n", "1 byte that is no ONNX follows the model"),
        (b"\r\n", "2 bytes that are no ONNX follow the model"),
        (bytes(4096), "4,096 bytes that are no ONNX follow the model"),
        (b"hello\n", "6 bytes that are no ONNX follow the model"),
    ],
    ids=["line end", "two", "zeros", "text"],
)
def test_what_follows_a_model_is_told_with_its_place(
    tmp_path: Path, rest: bytes, said: str
) -> None:
    content = (WORDS_TDT / "joint.onnx").read_bytes()
    with pytest.raises(ModelLoadError, match=f"{said} at byte {len(content):,}") as caught:
        read_skeleton(write(tmp_path / "m.onnx", content + rest))
    assert caught.value.hint == f"cut them off, as with `head -c {len(content)}`"


def test_a_cut_behind_the_graph_is_no_other_file(tmp_path: Path) -> None:
    proto = parse(GRAPH)
    proto.metadata_props.add(key="vocabulary", value="x" * 100)
    with pytest.raises(ModelLoadError, match="bytes begins where only") as caught:
        read_skeleton(write(tmp_path / "m.onnx", encoded(proto)[:-50]))
    assert "cut" in caught.value.hint


def test_other_file_is_told_by_its_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError) as caught:
        read_skeleton(write(tmp_path / "m.onnx", b"version https://git-lfs.github.com/spec/v1\n"))
    assert "git lfs pull" in caught.value.hint


def test_file_of_which_only_the_beginning_arrived_is_told(tmp_path: Path) -> None:
    content = (WORDS_TDT / "joint.onnx").read_bytes()
    path = write(tmp_path / "m.onnx", content[:1000] + bytes(len(content) - 1000))
    with pytest.raises(ModelLoadError) as caught:
        read_skeleton(path)
    assert "did not finish" in caught.value.hint
    assert caught.value.offset is not None
    assert caught.value.offset < 1000 + 256


def test_tensor_of_a_test_case_is_told(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.zeros(100, np.float32), "input_0")
    with pytest.raises(ModelLoadError) as caught:
        read_skeleton(write(tmp_path / "input_0.onnx", encoded(tensor)))
    assert "a single tensor" in caught.value.hint


def test_message_that_only_protobuf_finds_wrong_is_refused(tmp_path: Path) -> None:
    weight = header(4, 3) + b"\0\0\0"  # Three quarters of a float_data.
    graph = header(5, len(weight)) + weight
    with pytest.raises(ModelLoadError, match="not an ONNX model: Error parsing") as caught:
        read_skeleton(write(tmp_path / "m.onnx", header(MODEL_GRAPH, len(graph)) + graph))
    assert caught.value.offset is None


# --- Messages in messages ------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    """A model with messages so far below it: a graph, and subgraphs of nodes down to the last."""
    # Large enough that there could be weights at the end.
    content = header(3000, LARGE_BYTES) + bytes(LARGE_BYTES)
    below_graph = islice(cycle([1, 5, 6]), depth - 1)  # node, attribute, g
    for number in reversed([MODEL_GRAPH, *below_graph]):
        content = header(number, len(content)) + content
    return content


def test_messages_as_deep_as_protobuf_allows_are_read(tmp_path: Path) -> None:
    content = nested(MAX_DEPTH)
    assert read_skeleton(write(tmp_path / "m.onnx", content)) == decoded(content)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 10_000])
def test_messages_deeper_than_protobuf_allows_are_refused(tmp_path: Path, depth: int) -> None:
    with pytest.raises(DecodeError):
        decoded(nested(depth))
    with pytest.raises(ModelLoadError, match=f"more than {MAX_DEPTH} deep"):
        read_skeleton(write(tmp_path / "m.onnx", nested(depth)))


# --- Names that are not UTF-8 --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("g (float[4] NAME) => (float[4] y) { y = Relu(NAME) }", id="input"),
        pytest.param("g (float[NAME] x) => (float[4] y) { y = Relu(x) }", id="symbol"),
        pytest.param("g (float[4] x) => (float[4] y) { y = NAME(x) }", id="operator"),
        pytest.param('g (float[4] x) => (float[4] y) <float w = ["NAME": "a"]> {}', id="reference"),
    ],
)
def test_name_that_is_not_utf8_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    content = encoded(parse(text)).replace(b"NAME", b"N\xffME")
    with pytest.raises(ModelLoadError, match="is not UTF-8") as caught:
        read_skeleton(write(tmp_path / "m.onnx", content))
    assert caught.value.offset == content.index(b"N\xffME")


def test_description_that_is_not_utf8_is_nobodys_business(tmp_path: Path) -> None:
    proto = parse(GRAPH)
    proto.doc_string = proto.graph.node[0].doc_string = "TEXT"
    content = encoded(proto).replace(b"TEXT", b"TE\xffT")
    assert read_skeleton(write(tmp_path / "m.onnx", content)).graph.node[0].op_type == "Relu"


def test_text_in_several_languages_is_read(tmp_path: Path) -> None:
    proto = parse(GRAPH)
    proto.graph.name = proto.graph.node[0].name = "größe/尺寸/🐦"
    assert read_skeleton(write(tmp_path / "m.onnx", proto)) == proto

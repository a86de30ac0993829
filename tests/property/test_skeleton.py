"""The skeleton of a model, and the bytes it refers to, are the model."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from onnxtool.errors import ModelLoadError, OnnxToolError
from onnxtool.model import skeleton
from onnxtool.model.artifact import load_graph, save
from onnxtool.model.dtypes import DTYPES
from onnxtool.model.signature import signature
from onnxtool.model.skeleton import LARGE_BYTES, expand, referenced_files, strip
from onnxtool.model.stored_tensors import Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView
from onnxtool.model.wire import encode_varint, header
from tests.support.models import WORDS_TDT, decoded, encoded, parse

DATA = Path(onnx.backend.test.__file__).parent / "data"
BACKEND_MODELS = sorted(DATA.rglob("*.onnx"))


# --- What must hold for every model --------------------------------------------------------------


def assert_round_trip(content: bytes) -> None:
    """Skeleton plus references are the original, bit for bit."""
    original = encoded(decoded(content))
    stripped = strip(content, "model.onnx")
    if original == content:  # As a protobuf library writes it.
        assert joined(expand(stripped), content) == content
    reread = joined(expand(encoded(decoded(stripped))), content)
    assert encoded(decoded(reread)) == original


def joined(parts: list[skeleton.Part], content: bytes) -> bytes:
    return b"".join(
        part if isinstance(part, bytes) else content[part.offset : part.offset + part.length]
        for part in parts
    )


def payload_sizes(message: Message) -> Iterator[int]:
    """Bytes of each payload that may be left in the file, wherever in the message it is."""
    if isinstance(message, TensorProto):
        yield len(message.raw_data)
        yield 4 * len(message.float_data)
        yield 8 * len(message.double_data)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in value if isinstance(value, list) or hasattr(value, "add") else (value,):
                yield from payload_sizes(child)


# --- The models of onnx's own tests --------------------------------------------------------------


@pytest.mark.parametrize("large", [1, LARGE_BYTES])
def test_backend_models_on_disk(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every model, skeleton plus references re-read equals onnx.load bit for bit."""
    monkeypatch.setattr(skeleton, "LARGE_BYTES", large)
    assert len(BACKEND_MODELS) > 100
    for path in BACKEND_MODELS:
        content = path.read_bytes()
        assert_round_trip(content)
        left = payload_sizes(decoded(strip(content, path.name)))
        assert max(left, default=0) < large, path


def test_backend_models_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the models that onnx's operator tests generate; few of them have weights."""
    monkeypatch.setattr(skeleton, "LARGE_BYTES", 1)
    with warnings.catch_warnings():
        # Generating them runs the operators on purpose where they overflow.
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        models = [case.model for case in collect_testcases(None) if case.model is not None]
    assert len(models) > 1000
    for model in models:
        assert_round_trip(encoded(model))


# --- Models made up by hypothesis ----------------------------------------------------------------

# How many bytes a payload has.
sizes = st.one_of(
    st.integers(0, 40),
    st.integers(LARGE_BYTES - 16, LARGE_BYTES + 16),
    st.just(3 * LARGE_BYTES),
)
TYPED: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.COMPLEX64: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.COMPLEX128: "double_data",
    TensorProto.INT64: "int64_data",
    TensorProto.UINT32: "uint64_data",
    TensorProto.UINT64: "uint64_data",
}
# Those that this version of onnx knows.
NUMERIC = sorted(set(DTYPES) & set(TensorProto.DataType.values()) - {TensorProto.STRING})


def put(message: type[Message], name: str, content: bytes) -> bytes:
    """A field of a message, its content already encoded."""
    return header(message.DESCRIPTOR.fields_by_name[name].number, len(content)) + content


def unpacked(name: str, content: bytes, width: int) -> bytes:
    """A repeated number as old writers put it: each with its own key."""
    wire_type = {4: 5, 8: 1}[width]
    key = encode_varint(TensorProto.DESCRIPTOR.fields_by_name[name].number << 3 | wire_type)
    return b"".join(key + content[i : i + width] for i in range(0, len(content), width))


def memory(number: int, size: int, seed: int) -> tuple[int, bytes]:
    """About `size` bytes of an element type, and how many elements they are."""
    rng = np.random.default_rng(seed)
    bits = DTYPES[number].bits or 8
    elements = size * 8 // bits
    length = -(-elements * bits // 8)
    if number in TYPED and "int" not in TYPED[number]:
        # No NaN: Python's own float does not keep the bits of every one.
        width = 4 if TYPED[number] == "float_data" else 8
        return elements, rng.standard_normal(length // width).astype(f"<f{width}").tobytes()
    content = rng.integers(0, 2 if number == TensorProto.BOOL else 256, length, np.uint8)
    if elements * bits % 8:
        # The bits after the last element are zero.
        content[-1] &= (1 << elements * bits % 8) - 1
    return elements, content.tobytes()


def typed(number: int, elements: int, content: bytes) -> bytes:
    """The same memory in the field for its element type, in one packed piece."""
    name = TYPED.get(number, "int32_data")
    bits = DTYPES[number].bits or 8
    if bits == 6:  # An element an entry, its upper bits zero.
        bits = int.from_bytes(content, "little")
        values = [bits >> 6 * i & 63 for i in range(elements)]
        return encoded(TensorProto(int32_data=values))
    if name in {"float_data", "double_data"}:
        return put(TensorProto, name, content)
    kind = "i" if number in {TensorProto.INT64, TensorProto.INT32} else "u"
    values = np.frombuffer(content, f"<{kind}{max(bits // 8, 1)}").tolist()
    return encoded(TensorProto(**{name: values}))


@st.composite
def tensors(draw: st.DrawFn, names: Iterator[int], weights: bytearray) -> bytes:
    """A TensorProto in any of the forms that the specification allows."""
    storage = draw(st.sampled_from(["raw", "typed", "external", "strings"]))
    name = f"t{next(names)}"
    if storage == "strings":
        texts = draw(st.lists(st.binary(max_size=600), max_size=4))
        tensor = TensorProto(name=name, data_type=TensorProto.STRING, dims=[len(texts)])
        tensor.string_data.extend(texts)
        return encoded(tensor)
    number = draw(st.sampled_from(NUMERIC))
    elements, content = memory(number, draw(sizes), draw(st.integers(0, 9)))
    tensor = TensorProto(name=name, data_type=number, dims=[elements])
    # Some versions of onnx take a length of 0 for none, and read all there is.
    if storage == "external" and content:
        weights.extend(bytes(draw(st.sampled_from([0, 1, 64]))))
        reference = {"location": "weights.bin", "offset": len(weights), "length": len(content)}
        weights.extend(content)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in reference.items():
            tensor.external_data.add(key=key, value=str(value))
        return encoded(tensor)
    explicit = encoded(TensorProto(data_location=TensorProto.DEFAULT))
    parts = [
        encoded(tensor),
        put(TensorProto, "raw_data", content)
        if storage != "typed"
        else draw(st.sampled_from(list(forms(number, elements, content)))),
        explicit if draw(st.booleans()) else b"",
        header(3000, 5) + b"later" if draw(st.booleans()) else b"",
    ]
    return b"".join(draw(st.permutations(parts)))


def forms(number: int, elements: int, content: bytes) -> Iterator[bytes]:
    """The same values packed, unpacked, and in two pieces."""
    yield typed(number, elements, content)
    name = TYPED.get(number, "int32_data")
    if name in {"float_data", "double_data"}:
        width = 4 if name == "float_data" else 8
        half = len(content) // width // 2 * width
        pieces = content[:half], content[half:]
        yield unpacked(name, content, width)
        yield b"".join(put(TensorProto, name, piece) for piece in pieces)


def attribute(kind: AttributeProto.AttributeType, content: bytes) -> bytes:
    """A graph with one node that has one attribute."""
    node = encoded(NodeProto(op_type="Constant", output=["c"]))
    named = encoded(AttributeProto(name="a", type=kind)) + content
    return put(GraphProto, "node", node + put(NodeProto, "attribute", named))


def sparse(tensor: bytes) -> bytes:
    return put(onnx.SparseTensorProto, "values", tensor)


def in_main(graph: bytes) -> bytes:
    return put(ModelProto, "graph", graph)


def initializer(tensor: bytes) -> bytes:
    return put(GraphProto, "initializer", tensor)


def in_function(tensor: bytes) -> bytes:
    # A FunctionProto keeps its nodes under another number than a graph.
    content = attribute(AttributeProto.TENSOR, put(AttributeProto, "t", tensor))
    (node,) = GraphProto.FromString(content).node
    function = encoded(onnx.FunctionProto(name="f", domain="local", output=["c"]))
    return put(ModelProto, "functions", function + put(onnx.FunctionProto, "node", encoded(node)))


# Where a tensor can be: its encoding -> the fields of a ModelProto with it there.
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "initializer": lambda t: in_main(initializer(t)),
    "sparse initializer": lambda t: in_main(put(GraphProto, "sparse_initializer", sparse(t))),
    "attribute t": lambda t: in_main(attribute(AttributeProto.TENSOR, put(AttributeProto, "t", t))),
    "attribute tensors": lambda t: in_main(
        attribute(AttributeProto.TENSORS, put(AttributeProto, "tensors", t) * 2)
    ),
    "attribute sparse_tensor": lambda t: in_main(
        attribute(AttributeProto.SPARSE_TENSOR, put(AttributeProto, "sparse_tensor", sparse(t)))
    ),
    "attribute sparse_tensors": lambda t: in_main(
        attribute(AttributeProto.SPARSE_TENSORS, put(AttributeProto, "sparse_tensors", sparse(t)))
    ),
    "subgraph": lambda t: in_main(
        attribute(AttributeProto.GRAPH, put(AttributeProto, "g", initializer(t)))
    ),
    "subgraphs": lambda t: in_main(
        attribute(AttributeProto.GRAPHS, put(AttributeProto, "graphs", initializer(t)) * 2)
    ),
    "function": in_function,
    "training": lambda t: put(
        ModelProto, "training_info", put(onnx.TrainingInfoProto, "initialization", initializer(t))
    ),
}
# onnx.load reads external data in these.
LOADED = ["initializer", "attribute t", "attribute tensors", "subgraph", "subgraphs"]


@st.composite
def models(draw: st.DrawFn, places: list[str]) -> tuple[bytes, bytes]:
    """A model, and the content of its `weights.bin`."""
    weights, names = bytearray(), count()
    content = encoded(ModelProto(ir_version=10, producer_name="test"))
    content += in_main(encoded(GraphProto(name="g")))
    for place in draw(st.lists(st.sampled_from(places), max_size=4)):
        content += PLACES[place](draw(tensors(names, weights)))
    if draw(st.booleans()):
        content += header(3001, 4) + b"more"
    return content, bytes(weights)


@given(models(list(PLACES)))
def test_generated_models(model: tuple[bytes, bytes]) -> None:
    """For every model, skeleton plus references re-read equals onnx.load bit for bit."""
    content, _ = model
    assert_round_trip(content)
    canonical = encoded(decoded(content))
    assert_round_trip(canonical)
    left = payload_sizes(decoded(strip(canonical, "model.onnx")))
    assert max(left, default=0) < LARGE_BYTES


@given(models(LOADED))
def test_bytes_of_generated_models(model: tuple[bytes, bytes]) -> None:
    """Every tensor's bytes, read from where they are, are those that onnx reads."""
    content, weights = model
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(content)
        path.with_name("weights.bin").write_bytes(weights)
        loaded = ModelView(onnx.load(path), path)
        for ours, theirs in zip(load_graph(path).tensors, loaded.tensors, strict=True):
            if ours.dtype.bits is not None:
                assert read_bytes(ours, path.with_name(ours.file or path.name)) == bytes_of(theirs)


def bytes_of(tensor: StoredTensor) -> bytes:
    """A tensor's memory according to onnx: its array, types under a byte packed again."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor.proto)).raw_data


# --- Damage --------------------------------------------------------------------------------------

STREAMING = """g (float[B, 8, T] x, float[B, 4] cache, int64[1] cache_len)
    => (float[B, 8, T] y, float[B, 4] cache_next, int64[1] cache_next_len) {
    y = Relu(x) cache_next = Neg(cache) cache_next_len = Identity(cache_len) }"""
BRANCHES = """g (bool c, float[4] x) => (float[4] y)
    <float[4] w = ["location": "w.bin", "offset": "8", "length": "16"]> {
    y = If(c) <then_branch = a () => (float[4] y) { t = Constant<value = float[1] {1}>()
                                                   y = Add(x, t) },
               else_branch = b () => (float[4] y) { y = local.f(x, w) }> }
    <domain: "local", opset_import: ["": 20]> f (a, b) => (c) { c = Add(a, b) }"""
LARGE = parse("g (float[300] x) => (float[300] y) { y = Add(x, w) }")
LARGE.graph.initializer.append(numpy_helper.from_array(np.arange(300, dtype=np.float32), "w"))
SOUND = [
    encoded(parse(STREAMING)),
    encoded(parse(BRANCHES)),
    encoded(LARGE),
    (WORDS_TDT / "joint.onnx").read_bytes()[-4000:],
    bytes.fromhex("0808"),
]


# Anything; what is no UTF-8; what makes numbers negative, long or large; what leads elsewhere.
changes = st.one_of(
    st.binary(min_size=1, max_size=6),
    st.sampled_from([b"\xff", b"\xed\xa0\x80", b"-", b"_", b"99999999", b"../"]),
    st.just(b"\xff" * 9 + b"\x01"),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A model with a few bytes changed, cut off, put in or taken out."""
    content = draw(st.sampled_from(SOUND))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        extra = draw(changes)
        match draw(st.sampled_from(["change", "cut", "put in", "take out"])):
            case "change":
                content = content[:at] + extra + content[at + len(extra) :]
            case "cut":
                content = content[:at]
            case "put in":
                content = content[:at] + extra + content[at:]
            case _:
                content = content[:at] + content[at + len(extra) :]
    return content


@settings(max_examples=1000)
@given(damaged())
def test_damaged_models(content: bytes) -> None:
    """Whatever the bytes, they load or ModelLoadError says why not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(content)
        with suppress(ModelLoadError):
            examine(load_graph(path))
        with suppress(ModelLoadError):
            assert all(isinstance(location, str) for location in referenced_files(path))


def examine(model: ModelView) -> None:
    """Look at everything there is; only ModelLoadError may come out."""
    assert model.scopes
    assert signature(model).inputs == model.inputs
    assert model.operators is not None
    assert model.opset_imports is not None
    assert model.external_files is not None
    for tensor in model.tensors:
        assert tensor.size_bytes >= 0
        if tensor.storage is Storage.EMBEDDED:
            read_bytes(tensor, model.path)
    with suppress(OnnxToolError):
        save(model, model.path.with_name("copy.onnx"))

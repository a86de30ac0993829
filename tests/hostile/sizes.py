"""Files that are huge, or small and huge once they are read. The huge ones are sparse."""

from __future__ import annotations

from pathlib import Path

from .case import Case, damaged, fine, refused
from .models import (
    field,
    key,
    model_fields,
    opening,
    parse,
    small,
    varint,
    write,
    write_sparse,
)

_WEIGHT_OF_2_GIB = 2_200_000_000
_DOC_STRING = 100_000_000


def larger_than_2_gib(folder: Path) -> Case:
    """One protobuf of more than 2 GiB, which runtimes refuse; nearly all of it is one weight."""
    dims = key(1, 0) + varint(_WEIGHT_OF_2_GIB // 4)
    tensor = dims + key(2, 0) + varint(1) + field(8, b"w") + opening(9, _WEIGHT_OF_2_GIB)
    node = b"".join((field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, b"Add")))
    ends = field(11, _float_value(b"x")) + field(12, _float_value(b"y"))
    graph = field(1, node) + field(2, b"g") + ends + opening(5, len(tensor) + _WEIGHT_OF_2_GIB)
    body = len(graph) + len(tensor) + _WEIGHT_OF_2_GIB
    head = model_fields() + opening(7, body) + graph + tensor
    path = write_sparse(folder / "model.onnx", head, len(head) + _WEIGHT_OF_2_GIB)
    return damaged(path, folder, "2 gib")


def doc_string_of_100_mb(folder: Path) -> Case:
    """A description larger than most models."""
    head = small() + opening(6, _DOC_STRING)
    return fine(write_sparse(folder / "model.onnx", head, len(head) + _DOC_STRING), folder)


def doc_string_of_600_mb(folder: Path) -> Case:
    """A description that would take gigabytes to parse."""
    head = small() + opening(6, 6 * _DOC_STRING)
    path = write_sparse(folder / "model.onnx", head, len(head) + 6 * _DOC_STRING)
    return refused(path, folder, "left without the weights")


def packed_integers_of_200_mb(folder: Path) -> Case:
    """A weight of zeros, each a byte of the file and sixteen once it is parsed."""
    count = 200_000_000
    dims = key(1, 0) + varint(count)
    tensor = dims + key(2, 0) + varint(7) + field(8, b"w") + opening(7, count)
    graph = field(2, b"g") + field(11, _float_value(b"x")) + opening(5, len(tensor) + count)
    head = model_fields() + opening(7, len(graph) + len(tensor) + count) + graph + tensor
    path = write_sparse(folder / "model.onnx", head, len(head) + count)
    return refused(path, folder, "packed integers", "raw_data")


def doc_string_of_100_mb_in_node(folder: Path) -> Case:
    """The same for a node."""
    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu") + opening(6, _DOC_STRING)
    graph = field(2, b"g") + field(11, _float_value(b"x")) + field(12, _float_value(b"y"))
    graph += opening(1, len(node) + _DOC_STRING)
    head = model_fields() + opening(7, len(graph) + len(node) + _DOC_STRING) + graph + node
    return fine(write_sparse(folder / "model.onnx", head, len(head) + _DOC_STRING), folder)


def external_of_1_gb(folder: Path) -> Case:
    """A file of weights of 1 GB: sound, and never to be read whole."""
    text = """g (float[100] x) => (float[100] y)
        <float[250000000] w = ["location": "w.bin"]> { y = Add(x, w) }"""
    write_sparse(folder / "w.bin", b"", 1_000_000_000)
    return fine(write(folder / "model.onnx", parse(text)), folder)


def twenty_thousand_generated_names(folder: Path) -> Case:
    """Inputs and outputs that look like unnamed states: pairing each with each takes for ever."""
    size = 20_000
    ends = b"".join(
        field(11, _float_value(b"%d" % index)) + field(12, _float_value(b"%d" % (size + index), 2))
        for index in range(size)
    )
    nodes = b"".join(
        field(1, field(1, b"%d" % index) + field(2, b"%d" % (size + index)) + field(4, b"Relu"))
        for index in range(size)
    )
    content = model_fields() + field(7, nodes + field(2, b"g") + ends)
    return fine(write(folder / "model.onnx", content), folder)


def half_a_million_nodes(folder: Path) -> Case:
    """A few megabytes on disk, and twenty times that as objects."""
    node = field(1, field(4, b"A") + field(7, b"c"))
    content = model_fields() + field(8, field(1, b"c") + key(2, 0) + varint(1))
    content += field(7, field(2, b"g") + node * 500_000)
    return fine(write(folder / "model.onnx", content), folder)


def _float_value(name: bytes, dims: int = 1) -> bytes:
    """A ValueInfoProto of a float32 whose every axis has 100 elements."""
    shape = field(2, field(1, key(1, 0) + varint(100)) * dims)
    return field(1, name) + field(2, field(1, key(1, 0) + varint(1) + shape))

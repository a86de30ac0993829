"""Files that are no protobuf message, or no ModelProto, or too deep for a parser."""

from __future__ import annotations

import random
from pathlib import Path

import onnx

from .case import Case, damaged, fine, refused
from .models import (
    field,
    key,
    model_fields,
    opening,
    realistic,
    small,
    varint,
    weight,
    write,
    write_sparse,
)


def cut_at_10_percent(folder: Path) -> Case:
    """A download that stopped among the nodes."""
    return _cut(folder, len(realistic()) // 10)


def cut_at_50_percent(folder: Path) -> Case:
    """A download that stopped half-way."""
    return _cut(folder, len(realistic()) // 2)


def cut_at_90_percent(folder: Path) -> Case:
    """A download that stopped in the value infos."""
    return _cut(folder, len(realistic()) * 9 // 10)


def cut_inside_weight(folder: Path) -> Case:
    """A download that stopped in the bytes of a weight."""
    return _cut(folder, realistic().index(bytes(range(250))) + 1_000)


def cut_one_byte_short(folder: Path) -> Case:
    """All but the last byte."""
    return _cut(folder, len(realistic()) - 1)


def cut_before_graph(folder: Path) -> Case:
    """Cut between two fields of the model: valid protobuf, but the graph is gone."""
    return refused(write(folder / "model.onnx", model_fields()), folder, "no graph")


def cut_after_graph(folder: Path) -> Case:
    """Cut between two fields of the model: valid protobuf, but the opsets are gone."""
    model = onnx.ModelProto.FromString(realistic())
    del model.opset_import[:]
    return damaged(write(folder / "model.onnx", model.SerializeToString()), folder, "opset")


def zeros(folder: Path) -> Case:
    """A file system's promise of 4 KB."""
    return refused(write(folder / "model.onnx", bytes(4096)), folder, "zeros")


def zeros_2_gb(folder: Path) -> Case:
    """A download that reserved its space and did not start."""
    return refused(write_sparse(folder / "model.onnx", b"", 2_000_000_000), folder, "zeros")


def zeros_after_first_page(folder: Path) -> Case:
    """A download that reserved its space and stopped early."""
    content = realistic()[:4096]
    path = write_sparse(folder / "model.onnx", content, len(realistic()))
    return refused(path, folder, "not an onnx model")


def random_bytes(folder: Path) -> Case:
    """Noise."""
    return _not_a_model(folder, random.Random(0).randbytes(4096))


def length_of_2_to_62(folder: Path) -> Case:
    """A graph that claims to be larger than any disk."""
    return _not_a_model(folder, model_fields() + opening(7, 2**62) + bytes(100))


def length_of_2_to_64(folder: Path) -> Case:
    """A graph whose length does not fit into 64 bits: a reader that wraps would see 4."""
    graph = small()
    return _not_a_model(folder, model_fields() + opening(7, 2**64 + 4) + graph)


def number_of_eleven_bytes(folder: Path) -> Case:
    """A number that goes on for longer than any number may."""
    return _not_a_model(folder, key(1, 0) + b"\xff" * 11 + b"\x01")


def field_number_0(folder: Path) -> Case:
    """A field with the one number that protobuf forbids."""
    return _not_a_model(folder, model_fields() + field(0, b"abc"))


def wire_type_7(folder: Path) -> Case:
    """A field of a kind that protobuf does not have."""
    return _not_a_model(folder, model_fields() + key(7, 7) + bytes(100))


def endless_group(folder: Path) -> Case:
    """A group, protobuf's abandoned bracket, that is opened a million times."""
    return _not_a_model(folder, model_fields() + key(100, 3) * 1_000_000)


def no_graph(folder: Path) -> Case:
    """A ModelProto that says who made it, and nothing else."""
    content = model_fields() + field(2, b"pytorch") + field(3, b"2.9.0")
    return refused(write(folder / "model.onnx", content), folder, "no graph")


def graph_is_a_number(folder: Path) -> Case:
    """A ModelProto with a number where the graph should be."""
    content = model_fields() + key(7, 0) + varint(1)
    return refused(write(folder / "model.onnx", content), folder, "no graph")


def tensor_file(folder: Path) -> Case:
    """A TensorProto, as the test data of the ONNX model zoo are."""
    content = weight((25,), bytes(100), name="input_0").SerializeToString()
    return _not_a_model(folder, content, name="input_0.pb")


def nested_30(folder: Path) -> Case:
    """Subgraphs as deep as a parser still takes: 91 messages in each other, of 100."""
    return fine(write(folder / "model.onnx", _nested(30)), folder)


def nested_40(folder: Path) -> Case:
    """Subgraphs deeper than a parser takes."""
    return refused(write(folder / "model.onnx", _nested(40)), folder, "nested")


def nested_1000(folder: Path) -> Case:
    """Subgraphs deep enough to overflow the stack of a reader that recurses."""
    return refused(write(folder / "model.onnx", _nested(1_000)), folder, "nested")


def nested_types_1000(folder: Path) -> Case:
    """An input that is a sequence of sequences of sequences, and so on."""
    declared = field(1, key(1, 0) + varint(1))
    for _ in range(1_000):
        declared = field(4, field(1, declared))
    graph = field(2, b"g") + field(11, field(1, b"x") + field(2, declared))
    return refused(write(folder / "model.onnx", model_fields() + field(7, graph)), folder, "nested")


def _nested(depth: int) -> bytes:
    """A model with If in If in If, by hand because protobuf cannot write what it cannot read."""
    graph = field(1, field(2, b"y") + field(4, b"Identity") + field(1, b"x")) + field(2, b"g")
    for _ in range(depth):
        branches = b"".join(
            field(5, field(1, name) + field(6, branch) + key(20, 0) + varint(5))
            for name, branch in ((b"then_branch", graph), (b"else_branch", b""))
        )
        output = field(12, field(1, b"y"))
        graph = field(1, field(1, b"c") + field(2, b"y") + field(4, b"If") + branches) + output
    inputs = field(11, field(1, b"c")) + field(11, field(1, b"x"))
    return model_fields() + field(7, graph + inputs)


def _cut(folder: Path, size: int) -> Case:
    return refused(write(folder / "model.onnx", realistic()[:size]), folder, "cut")


def _not_a_model(folder: Path, content: bytes, *, name: str = "model.onnx") -> Case:
    return refused(write(folder / name, content), folder, "not an onnx model", name)

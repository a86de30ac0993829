"""Models that parse, and whose graph contradicts itself."""

from __future__ import annotations

from pathlib import Path

import onnx

from .case import Case, damaged, fine
from .models import HEADER, parse, small, weight, with_initializers, write

_OPSET_18 = '<ir_version: 8, opset_import: ["": 18]>'


def no_nodes(folder: Path) -> Case:
    """A graph that computes nothing."""
    return damaged(_model(folder, "g (float[4] x) => (float[4] y) {}"), folder, "main:y")


def node_without_operator(folder: Path) -> Case:
    """A node that says not what it does."""
    model = onnx.ModelProto.FromString(small())
    model.graph.node[0].ClearField("op_type")
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "operator")


def no_opsets(folder: Path) -> Case:
    """A model that does not say which version of the operators it means."""
    text = "g (float[4] x) => (float[4] y) { y = Relu(x) }"
    content = parse(text, header="<ir_version: 8>")
    return damaged(write(folder / "model.onnx", content), folder, "opset")


def two_models_joined(folder: Path) -> Case:
    """A file written twice: protobuf merges the two, and everything is there twice."""
    return damaged(write(folder / "model.onnx", small() * 2), folder, "main:y", "2 times")


def duplicate_values(folder: Path) -> Case:
    """Two nodes that make the same value."""
    text = "g (float[4] x) => (float[4] y) { twice = Relu(x) twice = Neg(x) y = Abs(twice) }"
    return damaged(_model(folder, text), folder, "twice", "2 times")


def duplicate_initializers(folder: Path) -> Case:
    """Two initializers of one name, and different values."""
    tensors = [weight((100,), bytes([byte]) * 400) for byte in (0, 1)]
    content = with_initializers(*tensors).SerializeToString()
    return damaged(write(folder / "model.onnx", content), folder, "main:w")


def duplicate_node_names(folder: Path) -> Case:
    """Two nodes of one name, which ONNX allows."""
    text = "g (float[4] x) => (float[4] y) { [same] h = Relu(x) [same] y = Neg(h) }"
    return fine(_model(folder, text), folder)


def value_from_nowhere(folder: Path) -> Case:
    """A node that reads what nobody makes."""
    text = "g (float[4] x) => (float[4] y) { y = Add(x, orphan) }"
    return damaged(_model(folder, text), folder, "orphan")


def value_from_nowhere_in_subgraph(folder: Path) -> Case:
    """The same in a subgraph, which could also read the values around it."""
    text = """g (bool c, float[4] x) => (float[4] y) {
        y = If (c) <then_branch = t () => (float[4] a) { a = Add(x, orphan) },
                    else_branch = e () => (float[4] b) { b = Relu(x) }>
    }"""
    return damaged(_model(folder, text), folder, "orphan", "then_branch")


def output_from_nowhere(folder: Path) -> Case:
    """A graph that promises a value that nobody makes."""
    text = "g (float[4] x) => (float[4] y, float[4] orphan) { y = Relu(x) }"
    return damaged(_model(folder, text), folder, "orphan")


def cycle(folder: Path) -> Case:
    """Two nodes that each wait for the other."""
    text = "g (float[4] x) => (float[4] y) { [p] a = Add(x, b) [p] b = Relu(a) y = Neg(b) }"
    return damaged(_model(folder, text), folder, "cycle", "main:p")


def not_in_order(folder: Path) -> Case:
    """A node before the one that it reads from."""
    text = "g (float[4] x) => (float[4] y) { [early] y = Neg(h) h = Relu(x) }"
    return damaged(_model(folder, text), folder, "before", "main:early")


def recursive_functions(folder: Path) -> Case:
    """Two functions that call each other: inlining them never ends."""
    text = "".join(
        f'<domain: "local", opset_import: ["": 17, "local": 1]> {name} (a) => (b) '
        f"{{ b = local.{other}(a) }}"
        for name, other in (("ping", "pong"), ("pong", "ping"))
    )
    main = "g (float[4] x) => (float[4] y) { y = local.ping(x) }"
    return damaged(_model(folder, main + text), folder, "local::ping")


def functions_that_double(folder: Path) -> Case:
    """Forty functions that each call the next one twice: a trillion nodes to whoever inlines."""
    return _functions(folder, 40, "c = local.f{next}(a) b = local.f{next}(c)")


def functions_in_a_row(folder: Path) -> Case:
    """Three thousand functions that each call the next one: too deep to whoever recurses."""
    return _functions(folder, 3_000, "b = local.f{next}(a)")


def function_from_elsewhere(folder: Path) -> Case:
    """An operator of a domain that only its own runtime knows."""
    text = "g (float[4] x) => (float[4] y) { y = custom.Wavelet(x) }"
    return fine(_model(folder, text), folder, "wavelet")


def negative_dimension(folder: Path) -> Case:
    """A weight of minus four elements."""
    return _with_weight(folder, weight((-4,), bytes(16)), "main:w", "-4")


def raw_data_too_short(folder: Path) -> Case:
    """A weight with half the bytes that its shape takes."""
    return _with_weight(folder, weight((100,), bytes(200)), "main:w", "200", "400")


def raw_data_too_short_and_large(folder: Path) -> Case:
    """The same for a weight large enough to be left in the file."""
    return _with_weight(folder, weight((100, 100), bytes(20_000)), "main:w", "20,000", "40,000")


def raw_data_shape_overflows(folder: Path) -> Case:
    """A shape whose product wraps to 0 in 64 bits, without any bytes."""
    return _with_weight(folder, weight((2**40, 2**40), b""), "main:w")


def branch_missing(folder: Path) -> Case:
    """A choice with one way to go, and a condition that only a run would tell."""
    text = """g (bool c, float[4] x) => (float[4] y) { [choice] y = If (c) <then_branch = t
        () => (float[4] o) { o = Relu(x) }, else_branch = e () => (float[4] p) { p = Neg(x) }> }"""
    model = onnx.ModelProto.FromString(parse(text))
    del model.graph.node[0].attribute[1]
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "without its else_branch", "main:choice")


def split_into_more_than_declared(folder: Path) -> Case:
    """Three outputs of a node that says two, at which onnx's shape inference ends the process."""
    text = "g (float[2,6] x) => (float[2,2] y) { y, b, c = Split <axis = 1, num_outputs = 2> (x) }"
    return fine(write(folder / "model.onnx", parse(text, _OPSET_18)), folder, "not executable")


def versions_from_the_future(folder: Path) -> Case:
    """Versions that no onnx knows."""
    header = '<ir_version: 99999, opset_import: ["": 88888]>'
    text = "g (float[4] x) => (float[4] y) { y = Relu(x) }"
    path = write(folder / "model.onnx", parse(text, header))
    return damaged(path, folder, "99999", "88888", "opset_import")


def unknown_element_type(folder: Path) -> Case:
    """A weight of a type that ONNX does not have."""
    return _with_weight(folder, weight((100,), bytes(400), data_type=99), "main:w", "99")


def unknown_element_type_of_input(folder: Path) -> Case:
    """An input of a type that ONNX does not have."""
    model = onnx.ModelProto.FromString(small())
    model.graph.input[0].type.tensor_type.elem_type = 99
    path = write(folder / "model.onnx", model.SerializeToString())
    return damaged(path, folder, "x", "99")


def _functions(folder: Path, depth: int, body: str) -> Case:
    """A model of functions `f0` to `fN`, the last of which calls no other."""
    text = "".join(
        f'<domain: "local", opset_import: ["": 17, "local": 1]> f{index} (a) => (b) {{ {code} }}'
        for index, code in (
            *((index, body.format(next=index + 1)) for index in range(depth)),
            (depth, "b = Relu(a)"),
        )
    )
    return fine(_model(folder, "g (float[t] x) => (float[t] y) { y = local.f0(x) }" + text), folder)


def _model(folder: Path, text: str) -> Path:
    return write(folder / "model.onnx", parse(text, HEADER))


def _with_weight(folder: Path, tensor: onnx.TensorProto, *says: str) -> Case:
    content = with_initializers(tensor).SerializeToString()
    return damaged(write(folder / "model.onnx", content), folder, *says)

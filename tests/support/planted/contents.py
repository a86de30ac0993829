"""M: faults of headers, weights, and of what runtimes read from a graph's own file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.planted import graphs
from tests.support.planted.cause import (
    Cause,
    for_sherpa,
    in_run,
    in_small,
    in_words,
)
from tests.support.planted.edits import edit

Array = np.ndarray[Any, np.dtype[Any]]
TAIL = "logits = MatMul(hidden, weight)\n"


def matrix(model: onnx.ModelProto) -> TensorProto:
    """The first matrix of weights."""
    tensors: list[TensorProto] = [t for t in model.graph.initializer if len(t.dims) == 2]
    return tensors[0]


def unknown_attribute(bundle: Path) -> None:
    attribute = helper.make_attribute("unknown", 1)
    edit(bundle / "joint.onnx", lambda m: m.graph.node[0].attribute.append(attribute))


def read_but_not_given(bundle: Path) -> None:
    def lose(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[0] = "nothing"

    edit(bundle / "joint.onnx", lose)


def waits_for_itself(bundle: Path) -> None:
    def turn(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Tanh")
        node.input[0] = "joint_output"

    edit(bundle / "joint.onnx", turn)


def given_twice(bundle: Path) -> None:
    again = helper.make_node("Tanh", ["both"], ["hidden"])
    edit(bundle / "joint.onnx", lambda m: m.graph.node.append(again))


def foreign(bundle: Path) -> None:
    def replace(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Relu")
        node.domain = "my.ops"
        model.opset_import.append(helper.make_opsetid("my.ops", 1))

    edit(bundle / "joint.onnx", replace)


def too_new(bundle: Path) -> None:
    for path in bundle.glob("*.onnx"):
        edit(path, lambda m: setattr(m, "ir_version", 10))


def identity(bundle: Path) -> None:
    def pass_on(model: onnx.ModelProto) -> None:
        node = model.graph.node[0]
        model.graph.node.insert(0, helper.make_node("Identity", [node.input[0]], ["passed_on"]))
        node.input[0] = "passed_on"

    edit(bundle / "joint.onnx", pass_on)


def unread(bundle: Path) -> None:
    tensor = numpy_helper.from_array(np.arange(8, dtype=np.float32), "left")
    edit(bundle / "joint.onnx", lambda m: m.graph.initializer.append(tensor))


def in_training(bundle: Path) -> None:
    def drop(model: onnx.ModelProto) -> None:
        node = model.graph.node[0]
        values = {"ratio": np.float32(0.5), "training": np.bool_(True)}
        for name, value in values.items():
            model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
        dropout = helper.make_node("Dropout", [node.input[0], *values], ["some"])
        model.graph.node.insert(0, dropout)
        node.input[0] = "some"

    edit(bundle / "joint.onnx", drop)


def reweigh(bundle: Path, change: Callable[[Array], Array]) -> None:
    """Change the values of a matrix of the joint."""

    def replace(model: onnx.ModelProto) -> None:
        tensor = matrix(model)
        values = change(numpy_helper.to_array(tensor).copy())
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))

    edit(bundle / "joint.onnx", replace)


def with_first(values: Array, first: float) -> Array:
    values[0, 0] = first
    return values


def not_a_number(bundle: Path) -> None:
    reweigh(bundle, lambda values: with_first(values, float("nan")))


def minus_infinity(bundle: Path) -> None:
    reweigh(bundle, lambda values: with_first(values, -float("inf")))


def above_float16(bundle: Path) -> None:
    reweigh(bundle, lambda values: with_first(values, 1e6))


def denormal(bundle: Path) -> None:
    reweigh(bundle, lambda values: values * np.float32(1e-41))


def never_loaded(bundle: Path) -> None:
    reweigh(bundle, np.zeros_like)


def half_of_it(bundle: Path) -> None:
    """One matrix is in float16, and all others are not."""

    def narrow(model: onnx.ModelProto) -> None:
        tensor = matrix(model)
        name = tensor.name
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, "narrow"))
        cast = helper.make_node("Cast", ["narrow"], [name], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)

    edit(bundle / "joint.onnx", narrow)


def doubled(bundle: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        name = tensor.name
        array = numpy_helper.to_array(tensor).astype("float64")
        tensor.CopyFrom(numpy_helper.from_array(array, "wide"))
        cast = helper.make_node("Cast", ["wide"], [name], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)

    edit(bundle / "joint.onnx", widen)


def impossible_shape(bundle: Path) -> None:
    tail = (
        TAIL
        + """
        sizes = Constant <value = int64[4] {1, 1, 1, 6}> ()
        joint_output = Reshape(logits, sizes)"""
    )
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def first_chunk_that_does_not_load(bundle: Path) -> None:
    def unfit(model: onnx.ModelProto) -> None:
        (kernel,) = (tensor for tensor in model.graph.initializer if tensor.name == "kernel")
        kernel.CopyFrom(numpy_helper.from_array(np.ones((2, 3, 3), np.float32), "kernel"))

    edit(bundle / graphs.FIRST, unfit)


def not_a_number_in_the_stream(bundle: Path) -> None:
    def damage(model: onnx.ModelProto) -> None:
        (kernel,) = (tensor for tensor in model.graph.initializer if tensor.name == "kernel")
        values = with_first(numpy_helper.to_array(kernel), float("nan"))
        kernel.CopyFrom(numpy_helper.from_array(values, "kernel"))

    edit(bundle / graphs.LATER, damage)


def weights_that_do_not_fit(bundle: Path) -> None:
    """ONNX Runtime infers the shapes, and does not load it."""
    frames = """
        sum = Add(pooling, kernel)
        nothing = Sub(sum, sum)
        least = ReduceMin <keepdims = 0> (nothing)
        bounded = Tanh(pooled)
        frames = Add(bounded, least)"""
    onnx.save(graphs.encoder(frames=frames), bundle / "encoder.onnx")


def stored_twice(bundle: Path) -> None:
    def copy(model: onnx.ModelProto) -> None:
        tensor = matrix(model)
        again = numpy_helper.from_array(numpy_helper.to_array(tensor), "again")
        model.graph.initializer.append(again)
        user = next(node for node in model.graph.node if tensor.name in node.input)
        zeros = helper.make_node("Sub", [tensor.name, "again"], ["nothing"])
        total = helper.make_node("Add", [tensor.name, "nothing"], ["as_before"])
        user.input[list(user.input).index(tensor.name)] = "as_before"
        model.graph.node.insert(0, total)
        model.graph.node.insert(0, zeros)

    edit(bundle / "joint.onnx", copy)


def logarithm_of_negatives(bundle: Path) -> None:
    onnx.save(graphs.joint(TAIL + "joint_output = Log(logits)"), bundle / "joint.onnx")


def logarithm_in_the_encoder(bundle: Path) -> None:
    outputs = """
        all = Add(convolved, mean)
        outputs = Log(all)"""
    onnx.save(graphs.encoder(outputs=outputs), bundle / "encoder.onnx")


CAUSES: tuple[Cause, ...] = (
    in_words("M001", unknown_attribute),
    in_small("M001", read_but_not_given),
    in_small("M001", waits_for_itself),
    in_small("M001", given_twice),
    in_words("M002", foreign),
    for_sherpa("M002", too_new),
    in_words("M005", identity),
    in_words("M005", unread),
    in_words("M005", in_training),
    in_words("M006", not_a_number),
    in_words("M006", minus_infinity),
    in_words("M006", never_loaded),
    in_words("M006", denormal),
    in_run("M006", not_a_number_in_the_stream, also={"M010": "what comes out is none either"}),
    in_words("M006", above_float16),
    in_words("M007", doubled),
    in_words("M007", half_of_it),
    in_run("M008", impossible_shape),
    in_run("M008", weights_that_do_not_fit),
    in_run("M008", first_chunk_that_does_not_load),
    in_words("M009", stored_twice),
    in_run("M010", logarithm_of_negatives),
    in_run("M010", logarithm_in_the_encoder),
)

"""Q: faults of quantization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.support.planted import graphs
from tests.support.planted.cause import (
    Cause,
    for_sherpa,
    in_quantized,
    in_run,
    in_small,
    in_words,
)
from tests.support.planted.edits import edit


def by_name_only(bundle: Path) -> None:
    (bundle / "joint.onnx").rename(bundle / "joint.int8.onnx")


def stored_packed(bundle: Path) -> None:
    """Weights of eight bits that are made wide again before they are used."""

    def pack(model: onnx.ModelProto) -> None:
        (weight,) = (tensor for tensor in model.graph.initializer if tensor.name == "weight")
        values = numpy_helper.to_array(weight)
        scale = np.float32(np.abs(values).max() / 127)
        packed = np.round(values / scale).astype(np.int8)
        weight.CopyFrom(numpy_helper.from_array(packed, "packed"))
        model.graph.initializer.append(numpy_helper.from_array(np.array(scale), "scale"))
        node = helper.make_node("DequantizeLinear", ["packed", "scale"], ["weight"])
        model.graph.node.insert(0, node)

    edit(bundle / "joint.onnx", pack)


def mostly_wide(bundle: Path) -> None:
    """Of the weights of a joint that computes with eight bits, few are of eight bits."""
    tail = """
            logits = Mul(wide, step)
            joint_output = Add(logits, biases)"""
    model = graphs.quantized_joint(tail)
    biases = np.arange(7, dtype=np.float32) / 7
    model.graph.initializer.append(numpy_helper.from_array(biases, "biases"))
    onnx.save(model, bundle / "joint.onnx")


def convolution(bundle: Path) -> None:
    """Both convolutions of the encoder compute with eight bits."""
    pooled = quantized_convolution("pooled", "audio", "[4], strides = [4], pads = [3, 3]")
    convolved = quantized_convolution("convolved", "frames", "[3], pads = [2, 0]")
    model = graphs.encoder(pooled=pooled, convolved=convolved)
    generator = np.random.default_rng(0)
    for name, size in {"pooled": 4, "convolved": 3}.items():
        weight = generator.integers(1, 255, (2, 1, size), np.uint8)
        factor = np.array(1 / 255, np.float32)
        for suffix, value in {"weight": weight, "factor": factor}.items():
            tensor = numpy_helper.from_array(value, f"{name}_{suffix}")
            model.graph.initializer.append(tensor)
    onnx.save(model, bundle / "encoder.onnx")


def quantized_convolution(name: str, taken: str, kernel: str) -> str:
    """Lines that make a value of another by a convolution of eight bits."""
    return f"""
        {name}_bytes, {name}_scale, {name}_zero = DynamicQuantizeLinear({taken})
        {name}_sums = ConvInteger <group = 2, kernel_shape = {kernel}>
            ({name}_bytes, {name}_weight, {name}_zero)
        {name}_wide = Cast <to = 1> ({name}_sums)
        {name}_step = Mul({name}_scale, {name}_factor)
        {name} = Mul({name}_wide, {name}_step)"""


def newer_operator(bundle: Path) -> None:
    """One that came two versions later than the runtime that the release is for."""

    def replace(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Tanh")
        node.op_type, node.domain = "SwiGLU", "com.microsoft"
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    edit(bundle / "joint.onnx", replace)


CAUSES: tuple[Cause, ...] = (
    in_words("Q003", by_name_only),
    in_run("Q003", stored_packed),
    in_quantized("Q003", mostly_wide),
    in_small("Q004", convolution),
    for_sherpa("Q010", newer_operator),
)

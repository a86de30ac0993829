"""I: faults of inputs, outputs, lengths and dynamic axes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.support.planted import graphs
from tests.support.planted.cause import Cause, for_onnx_asr, for_sherpa, in_run, in_words
from tests.support.planted.edits import axes, edit
from tests.support.planted.words import mutate


def promise(bundle: Path, **promised: object) -> None:
    """Promise something of an input of the joint."""
    contract = {"io": {"joint": {"inputs": [{"dtype": "float32", **promised}]}}}
    (bundle / "contract.json").write_text(json.dumps(contract))


def another_size(bundle: Path) -> None:
    promise(bundle, name="encoder_output", shape=["B", 128, "T"])


def another_type(bundle: Path) -> None:
    promise(bundle, name="encoder_output", dtype="float16")


def another_name(bundle: Path) -> None:
    promise(bundle, name="encoded")


def another_output(bundle: Path) -> None:
    """onnx-asr reads the lengths by their name."""

    def rename(model: onnx.ModelProto) -> None:
        model.graph.output[1].name = "lengths"
        (node,) = (node for node in model.graph.node if "encoded_lengths" in node.output)
        node.output[0] = "lengths"

    edit(bundle / "encoder-model.onnx", rename)


def without_its_length(bundle: Path) -> None:
    """sherpa-onnx feeds the predictor by position, the number of tokens among it."""

    def remove(model: onnx.ModelProto) -> None:
        (length,) = (value for value in model.graph.input if value.name == "y_length")
        (given,) = (value for value in model.graph.output if value.name == "g_length")
        (node,) = (node for node in model.graph.node if "g_length" in node.output)
        model.graph.input.remove(length)
        model.graph.output.remove(given)
        model.graph.node.remove(node)

    edit(bundle / "predictor.onnx", remove)


def fixed_time(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        axes(model.graph.input[0])[2].dim_value = 64

    edit(bundle / "encoder.onnx", fix)


def batch_of_one(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        for value in (*model.graph.input, *model.graph.output):
            axes(value)[0].dim_value = 1

    edit(bundle / "encoder.onnx", fix)


def one_token(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        axes(model.graph.input[0])[1].dim_value = 1
        axes(model.graph.output[0])[2].dim_value = 1

    edit(bundle / "predictor.onnx", fix)


def one_frame(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        axes(model.graph.input[0])[2].dim_value = 1
        axes(model.graph.output[0])[1].dim_value = 1

    edit(bundle / "joint.onnx", fix)


def table_of_positions(bundle: Path) -> None:
    frames = f"""
        bounded = Tanh(pooled)
        {graphs.positions(300, of="bounded")}
        frames = Add(bounded, nowhere)"""
    onnx.save(graphs.encoder(frames=frames), bundle / "encoder.onnx")


def unlike_states(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        axes(model.graph.input[2])[1].dim_value = 1

    edit(bundle / "predictor.onnx", fix)


def generated_name(bundle: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        model.graph.input[0].name = "onnx::Slice_3"
        for node in model.graph.node:
            node.input[:] = ["onnx::Slice_3" if n == "encoder_output" else n for n in node.input]

    edit(bundle / "joint.onnx", rename)
    mutate(bundle, "tensor_layout_contract.joint_input", "predictor_output: [B, 96, U]")


def generated_output(bundle: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        (node,) = (node for node in model.graph.node if "g_length" in node.output)
        node.output[0] = model.graph.output[1].name = "162"

    edit(bundle / "predictor.onnx", rename)


def narrow_length(bundle: Path) -> None:
    audio = "float[B, 2, T] audio_signal, int32[B] length"
    heard = graphs.HEARD.replace(
        "each = Reshape(length, batch)",
        """wide = Cast <to = 7> (length)
        each = Reshape(wide, batch)""",
    )
    onnx.save(graphs.encoder(audio=audio, heard=heard), bundle / "encoder.onnx")


def wide_ids(bundle: Path) -> None:
    onnx.save(graphs.predictor(ids="int64[B, U] y"), bundle / "predictor.onnx")


def constant_length(bundle: Path) -> None:
    def fold(model: onnx.ModelProto) -> None:
        length = numpy_helper.from_array(np.array([64]), "traced")
        model.graph.initializer.append(length)
        for node in model.graph.node:
            node.input[:] = ["traced" if name == "length" else name for name in node.input]

    edit(bundle / "encoder.onnx", fold)


def constant_output(bundle: Path) -> None:
    def fold(model: onnx.ModelProto) -> None:
        traced = numpy_helper.from_array(np.array([1], np.int32), "traced")
        model.graph.initializer.append(traced)
        (node,) = (node for node in model.graph.node if "g_length" in node.output)
        node.input[0] = "traced"

    edit(bundle / "predictor.onnx", fold)


def overridable(bundle: Path) -> None:
    def expose(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        model.graph.input.append(value)

    edit(bundle / "joint.onnx", expose)


def one_symbol(bundle: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        symbol = axes(model.graph.input[0])[2].dim_param
        axes(model.graph.output[0])[2].dim_param = symbol

    edit(bundle / "encoder.onnx", rename)


CAUSES: tuple[Cause, ...] = (
    in_words("I001", another_size),
    in_run("I001", another_type),
    in_run("I001", another_name),
    for_onnx_asr("I001", another_output),
    for_sherpa("I001", without_its_length),
    in_words("I002", fixed_time),
    in_run("I002", batch_of_one),
    in_run("I002", one_token),
    in_run("I002", one_frame),
    in_run("I007", table_of_positions),
    in_words("I008", unlike_states),
    in_words("I009", generated_name),
    in_run("I009", generated_output),
    for_sherpa("I010", wide_ids),
    for_sherpa("I010", narrow_length),
    in_words("I011", constant_length),
    in_run("I011", constant_output),
    in_words("I012", overridable),
    in_words("I013", one_symbol),
)

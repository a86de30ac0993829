"""I: faults of lengths, and of sizes that only a run shows."""

from __future__ import annotations

from pathlib import Path

import onnx

from tests.support.planted import graphs
from tests.support.planted.cause import Cause, for_onnx_asr, in_run, in_words
from tests.support.planted.edits import axes, edit


def another_batch(bundle: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        axes(model.graph.input[1])[0].dim_param = "N"

    edit(bundle / "encoder.onnx", rename)


def one_length(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        axes(model.graph.input[1])[0].dim_value = 1

    edit(bundle / "encoder.onnx", fix)


def one_length_for_two(bundle: Path) -> None:
    heard = graphs.HEARD.replace("Reshape(length, batch)", "Add(length, zero)")
    onnx.save(graphs.encoder(heard=heard), bundle / "encoder.onnx")


def lost_length(bundle: Path) -> None:
    """The length was the size of the audio when the graph was traced."""
    heard = graphs.HEARD.replace(
        "each = Reshape(length, batch)",
        """given = Reshape(length, batch)
        nothing = Sub(given, given)
        time = Shape <start = 2, end = 3> (audio_signal)
        each = Add(nothing, time)""",
    )
    onnx.save(graphs.encoder(heard=heard), bundle / "encoder.onnx")


def length_of_the_example(bundle: Path) -> None:
    heard = graphs.HEARD.replace(
        "each = Reshape(length, batch)",
        """given = Reshape(length, batch)
        nothing = Sub(given, given)
        traced = Constant <value = int64[1] {64}> ()
        each = Add(nothing, traced)""",
    )
    onnx.save(graphs.encoder(heard=heard), bundle / "encoder-model.onnx")


def unmasked_padding(bundle: Path) -> None:
    heard = """
        batch = Shape <start = 0, end = 1> (audio_signal)
        each = Reshape(length, batch)
        audio = Neg(audio_signal)"""
    signed = """
        negative = Neg(pooled)
        frames = Tanh(negative)"""
    onnx.save(graphs.encoder(heard=heard, frames=signed), bundle / "encoder.onnx")


def size_of_the_example(bundle: Path) -> None:
    outputs = """
        given = Add(convolved, mean)
        fixed = Constant <value = int64[3] {-1, 2, 17}> ()
        outputs = Reshape(given, fixed)"""
    onnx.save(graphs.encoder(outputs=outputs), bundle / "encoder.onnx")


def batch_of_the_example(bundle: Path) -> None:
    outputs = """
        given = Add(convolved, mean)
        fixed = Constant <value = int64[3] {1, 2, -1}> ()
        outputs = Reshape(given, fixed)"""
    onnx.save(graphs.encoder(outputs=outputs), bundle / "encoder.onnx")


def first_of_the_batch(bundle: Path) -> None:
    frames = """
        bounded = Tanh(pooled)
        only = Squeeze(bounded, zero)
        frames = Unsqueeze(only, zero)"""
    onnx.save(graphs.encoder(frames=frames), bundle / "encoder.onnx")


def symbols_of_the_example(bundle: Path) -> None:
    tail = """
        logits = MatMul(hidden, weight)
        fixed = Constant <value = int64[4] {0, 0, 1, 7}> ()
        joint_output = Reshape(logits, fixed)"""
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def mean_over_padding(bundle: Path) -> None:
    outputs = """
        given = Add(convolved, mean)
        center = ReduceMean <keepdims = 1> (given, two)
        outputs = Sub(given, center)"""
    onnx.save(graphs.encoder(outputs=outputs), bundle / "encoder-model.onnx")


def another_formula(bundle: Path) -> None:
    """Lengths are rounded down, and frames up."""
    lengths = """
        whole = Div(each, stride)
        encoded_lengths = Add(whole, one)"""
    onnx.save(graphs.encoder(lengths=lengths), bundle / "encoder.onnx")


CAUSES: tuple[Cause, ...] = (
    in_words("I003", one_length),
    in_run("I003", another_batch),
    in_run("I004", one_length_for_two),
    in_run("I005", lost_length),
    for_onnx_asr("I005", length_of_the_example),
    in_run("I005", unmasked_padding),
    in_run("I006", size_of_the_example),
    in_run("I006", batch_of_the_example),
    in_run("I006", first_of_the_batch),
    in_run("I006", symbols_of_the_example),
    for_onnx_asr("I006", mean_over_padding),
    in_run("I006", another_formula),
)

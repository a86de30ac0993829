"""J: faults of joints and predictors, of vocabulary, blank and durations."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import helper, numpy_helper

from tests.support.planted import graphs
from tests.support.planted.cause import Cause, in_run, in_words
from tests.support.planted.edits import edit
from tests.support.planted.words import mutate


def softmax(bundle: Path) -> None:
    def normalize(model: onnx.ModelProto) -> None:
        last = model.graph.node[-1]
        name = last.output[0]
        last.output[0] = "raw"
        model.graph.node.append(helper.make_node("LogSoftmax", ["raw"], [name], axis=-1))

    edit(bundle / "joint.onnx", normalize)


def softmax_that_runs(bundle: Path) -> None:
    tail = """
        logits = MatMul(hidden, weight)
        joint_output = LogSoftmax <axis = -1> (logits)"""
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def sigmoid_of_two(bundle: Path) -> None:
    """Two durations are as likely as a sigmoid says, and no softmax is anywhere."""
    tail = """
        logits = MatMul(hidden, weight)
        sizes = Constant <value = int64[3] {5, 1, 1}> ()
        tokens, short, long = Split <axis = -1> (logits, sizes)
        rest = Neg(long)
        likely = Sigmoid(long)
        unlikely = Sigmoid(rest)
        log_likely = Log(likely)
        log_unlikely = Log(unlikely)
        nothing = Sub(short, short)
        shown = Add(log_unlikely, nothing)
        joint_output = Concat <axis = -1> (tokens, log_likely, shown)"""
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def symbolic_width(bundle: Path) -> None:
    def free(model: onnx.ModelProto) -> None:
        model.graph.output[0].type.tensor_type.shape.dim[3].dim_param = "V"

    edit(bundle / "joint.onnx", free)
    mutate(bundle, "tensor_layout_contract.joint_output", "joint_output: [B, T, U, logits]")


def another_width(bundle: Path) -> None:
    mutate(bundle, "joint_vocab_size", 40)


def more_tokens(bundle: Path) -> None:
    mutate(bundle, "tokenizer_vocab_size", 36)


def fewer_durations(bundle: Path) -> None:
    mutate(bundle, "duration_values", [0, 1, 2, 3])


def blank_row(bundle: Path) -> None:
    def fill(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name.endswith("embed.weight"))
        array = numpy_helper.to_array(tensor).copy()
        array[-1] = 0.5
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    edit(bundle / "predictor.onnx", fill)


def blank_of_the_exporter(bundle: Path) -> None:
    mutate(bundle, "blank_id", 0)


def promised_blank(bundle: Path) -> None:
    (bundle / "contract.json").write_text(json.dumps({"decode": {"blank_id": 0}}))


def negative(bundle: Path) -> None:
    mutate(bundle, "duration_values", [-1, 0, 1, 2, 3])


def with_a_gap(bundle: Path) -> None:
    mutate(bundle, "duration_values", [0, 1, 2, 3, 8])


def decreasing(bundle: Path) -> None:
    mutate(bundle, "duration_values", [0, 1, 2, 4, 3])


def mean_of_frames(bundle: Path) -> None:
    tail = """
        logits = MatMul(hidden, weight)
        mean = ReduceMean <keepdims = 1> (logits, first)
        joint_output = Sub(logits, mean)"""
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def frames_for_symbols(bundle: Path) -> None:
    tail = """
        logits = MatMul(hidden, weight)
        joint_output = Transpose <perm = [0, 2, 1, 3]> (logits)"""
    onnx.save(graphs.joint(tail), bundle / "joint.onnx")


def counted_twice(bundle: Path) -> None:
    state = """
        twice = Add(sums, sums)
        h_out = Add(h, twice)"""
    onnx.save(graphs.predictor(state=state), bundle / "predictor.onnx")


def random_state(bundle: Path) -> None:
    state = """
        noise = RandomNormalLike (sums)
        h_out = Add(h, noise)"""
    onnx.save(graphs.predictor(state=state), bundle / "predictor.onnx")


def kept_state(bundle: Path) -> None:
    state = """
        nothing = Sub(sums, sums)
        h_out = Add(h, nothing)"""
    onnx.save(graphs.predictor(state=state), bundle / "predictor.onnx")


def constant_token(bundle: Path) -> None:
    embedded = """
        nothing = Sub(y, y)
        looked_up = Gather(table, nothing)"""
    onnx.save(graphs.predictor(embedded=embedded), bundle / "predictor.onnx")


CAUSES: tuple[Cause, ...] = (
    in_words("J001", softmax),
    in_run("J001", softmax_that_runs, also={"J002": "the same, seen in what a run gives"}),
    in_run("J002", sigmoid_of_two),
    in_words("J003", symbolic_width),
    in_words("J003", another_width),
    in_words("J003", more_tokens),
    in_words("J003", fewer_durations),
    in_words("J004", blank_row),
    in_words("J004", blank_of_the_exporter),
    in_run("J004", promised_blank),
    in_words("J005", decreasing),
    in_words("J005", negative),
    in_words("J005", with_a_gap),
    in_run("J006", mean_of_frames),
    in_run("J006", frames_for_symbols),
    in_run("J007", kept_state),
    in_run("J007", counted_twice),
    in_run("J007", random_state),
    in_run("J008", constant_token),
)

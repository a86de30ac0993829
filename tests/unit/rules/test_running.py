"""M008 and M010: graphs of any kind are run at sizes, and on values, that they can take."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.rules.engine import check
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.models import decoder_joint, model, write

HALVED = """g (float[batch, 1, height, width] x) => (float[batch, 2, height, width] y) {
    half = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (x)
    scales = Constant <value = float[4] {1, 1, 2, 2}> ()
    whole = Resize (half, , scales)
    y = Concat <axis = 1> (x, whole)
}"""
WAVEFORM = """g (float[batch_size, N] waveforms) => (float[batch_size, 1, T] y)
    <float[1, 1, 1] w = {1}> {
    axes = Constant <value = int64[1] {1}> ()
    wide = Unsqueeze (waveforms, axes)
    framed = MaxPool <kernel_shape = [400], strides = [160]> (wide)
    y = Conv (framed, w)
}"""
ONLY_THREE = """g (float[batch, time] x) => (float[3] y)
    <int64[1] three = {3}> { y = Reshape (x, three) }"""
MASKED = """g (int64[batch, seq] input_ids, int64[batch, seq] attention_mask)
    => (float[batch, seq] logits) <float[5] table = {1, 2, 3, 4, 5}> {
    one = Constant <value = float {1}> ()
    least = Constant <value = float {-3.4028235e38}> ()
    given = Cast <to = 1> (attention_mask)
    left = Sub (one, given)
    bias = Mul (left, least)
    scores = Gather (table, input_ids)
    masked = Add (scores, bias)
    logits = Softmax <axis = -1> (masked)
}"""
SEQUENCE = """g (float[batch, 2] x) => (seq(float[1, 2]) y) {
    zero = Constant <value = float {0}> ()
    size = Abs (x)
    broken = Div (size, zero)
    y = SplitToSequence <axis = 0> (broken)
}"""

NEMO_NAMES = {
    "encoder_output": "encoder_outputs",
    "y": "targets",
    "h": "input_states_1",
    "c": "input_states_2",
    "joint_output": "outputs",
    "h_out": "output_states_1",
    "c_out": "output_states_2",
}


def ran(folder: Path, text: str, *codes: str) -> CheckReport:
    """What rules say that could answer, or why they could not."""
    path = write(folder / "model.onnx", model(text, opset=18))
    report = check(path, select=codes, settings=Settings(run=True))
    assert not report.failed
    return report


@pytest.mark.parametrize(
    "text", [HALVED, WAVEFORM, MASKED], ids=["an image", "a waveform", "a mask"]
)
def test_open_sizes_are_taken_large_enough(text: str, tmp_path: Path) -> None:
    report = ran(tmp_path, text, "M008", "M010")
    assert not report.findings
    assert {rule.code for rule in report.checked} == {"M008", "M010"}


def test_a_graph_that_runs_at_none_of_the_sizes_tried_is_not_called_broken(tmp_path: Path) -> None:
    report = ran(tmp_path, ONLY_THREE, "M008")
    assert not report.findings
    assert "no inputs that fit each other could be made up" in report.skipped[0].reason


def test_values_of_a_sequence_are_looked_at(tmp_path: Path) -> None:
    (finding,) = ran(tmp_path, SEQUENCE, "M010").findings
    assert finding.message == "2 of 2 values are not finite, 0 of them NaN"
    finite = SEQUENCE.replace("{0}", "{1}")
    assert not ran(tmp_path, finite, "M010").findings


def test_states_without_names_for_their_batch_are_run_in_a_loop(tmp_path: Path) -> None:
    text = """g (float[b, 512] input, float[2, ?, 4] state, int64 sr)
        => (float[b, 1] output, float[2, ?, 4] stateN) {
        axis = Constant <value = int64[1] {1}> ()
        output = ReduceMean (input, axis)
        one = Constant <value = float {1}> ()
        shape = Constant <value = int64[3] {2, 1, 4}> ()
        alone = Reshape (state, shape)
        stateN = Add (alone, one)
    }"""
    report = ran(tmp_path, text, "S002", "S004", "S018")
    assert not report.findings
    assert {rule.code for rule in report.checked} == {"S002", "S004", "S018"}


def test_a_predictor_whose_axes_an_exporter_named_is_run_in_batches(tmp_path: Path) -> None:
    """NeMo's own export has a symbol for each axis, and none says that it is the batch."""
    nemo = decoder_joint()
    for value in (*nemo.graph.input, *nemo.graph.output):
        value.name = NEMO_NAMES[value.name]
    for node in nemo.graph.node:
        for values in (node.input, node.output):
            values[:] = [NEMO_NAMES.get(name, name) for name in values]
    for spec in (*nemo.graph.input, *nemo.graph.output):
        for axis, dim in enumerate(spec.type.tensor_type.shape.dim):
            if dim.dim_param:
                dim.dim_param = f"{spec.name}_dynamic_axes_{axis}"
    path = write(tmp_path / "decoder_joint.onnx", nemo)
    report = check(path, select=["M008", "M010", "I006"], settings=Settings(run=True))
    assert not report.findings
    assert {rule.code for rule in report.checked} == {"M008", "M010", "I006"}

"""The verifier: passes what is the same, fails what is known to differ, and never for nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxtool.comparison.trials import Trial
from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verifier import verify_graphs
from onnxtool.comparison.verify import verify
from onnxtool.errors import UsageError
from onnxtool.model.artifact import load_graph
from tests.support.models import WORDS_TDT, model, write

NEGATED = "z = Cast <to = 1> (x) w = Neg(z) y = Cast <to = {}> (w)"
DIFFERENT = [
    ("int64[N]", "y = Neg(x)", "y = Identity(x)"),
    ("int64[N]", "y = Abs(x)", "y = Identity(x)"),
    ("int32[N]", "y = Neg(x)", "y = Identity(x)"),
    ("int8[N]", "y = Neg(x)", "y = Identity(x)"),
    ("uint8[N]", "z = Mul(x, x) y = Identity(z)", "y = Identity(x)"),
    ("float[N]", "y = Relu(x)", "y = Identity(x)"),
    ("double[N]", "y = Neg(x)", "y = Identity(x)"),
    ("float16[N]", "y = Neg(x)", "y = Identity(x)"),
    ("bfloat16[N]", "y = Cast <to = 16> (x)", NEGATED.format(16)),
    ("float8e4m3fn[N]", "y = Cast <to = 17> (x)", NEGATED.format(17)),
    ("bool[N]", "y = Not(x)", "y = Identity(x)"),
    ("float[N]", "z = Log(x) y = Identity(z)", "z = Abs(x) y = Log(z)"),
    ("float[N]", "y = Identity(x)", "c = Constant <value_float = 1.001> () y = Mul(x, c)"),
]  # fmt: skip


def verified(folder: Path, reference: str, candidate: str, **options: object) -> Verification:
    paths = [
        write(folder / name / "model.onnx", model(text))
        for name, text in (("a", reference), ("b", candidate))
    ]
    views = [load_graph(path) for path in paths]
    return verify_graphs(*views, **options)  # type: ignore[arg-type]


def graph(kind: str, body: str, given: str = "") -> str:
    return f"g ({kind} x) => ({given or kind + ' y'}) {{ {body} }}"


@pytest.mark.parametrize(("kind", "reference", "candidate"), DIFFERENT)
def test_what_differs_fails(tmp_path: Path, kind: str, reference: str, candidate: str) -> None:
    found = verified(tmp_path, graph(kind, reference), graph(kind, candidate))
    assert found.verdict is Verdict.FAILED, found
    assert not found.outputs[0].passed
    assert not found.misfits


@pytest.mark.parametrize(("kind", "reference", "candidate"), DIFFERENT)
def test_what_is_the_same_passes(tmp_path: Path, kind: str, reference: str, candidate: str) -> None:
    for body in (reference, candidate):
        found = verified(tmp_path, graph(kind, body), graph(kind, body))
        assert found.verdict is Verdict.PASSED, found
        assert {output.worst.error for output in found.outputs} == {0}


def test_two_booleans_are_told_apart(tmp_path: Path) -> None:
    text = "g (bool[N] a, bool[N] b) => (bool[N] y) {{ y = {}(a, b) }}"
    assert verified(tmp_path, text.format("And"), text.format("Or")).verdict is Verdict.FAILED
    assert verified(tmp_path, text.format("And"), text.format("And")).verdict is Verdict.PASSED


def test_weights_of_4_bits_are_told_apart(tmp_path: Path) -> None:
    def weights(last: int) -> onnx.ModelProto:
        proto = model("""g (float[N, 4] x) => (float[N, 4] y) <float one = {1.0}> {
            v = DequantizeLinear(w, one) y = Mul(x, v) }""")
        proto.graph.initializer.append(
            onnx.helper.make_tensor("w", onnx.TensorProto.INT4, [4], [1, -2, 3, last])
        )
        return proto

    views = [load_graph(write(tmp_path / f"{last}.onnx", weights(last))) for last in (4, 5)]
    assert verify_graphs(views[0], views[0]).verdict is Verdict.PASSED
    assert verify_graphs(*views).verdict is Verdict.FAILED


def test_strings_are_told_apart(tmp_path: Path) -> None:
    text = "g (int64[N] x) => (string[N] y) {{ {} }}"
    spell = "y = Cast <to = 8> (x)"
    other = "z = Neg(x) y = Cast <to = 8> (z)"
    assert verified(tmp_path, text.format(spell), text.format(other)).verdict is Verdict.FAILED
    assert verified(tmp_path, text.format(spell), text.format(spell)).verdict is Verdict.PASSED


TWO = "g (float[N] x) => ({}) {{ y = Neg(x) z = Relu(x) }}"


def test_a_lost_output_fails(tmp_path: Path) -> None:
    found = verified(tmp_path, TWO.format("float[N] y, float[N] z"), TWO.format("float[N] y"))
    assert found.verdict is Verdict.FAILED
    assert found.misfits == ("output `z` is gone",)


def test_permuted_outputs_fail(tmp_path: Path) -> None:
    found = verified(
        tmp_path, TWO.format("float[N] y, float[N] z"), TWO.format("float[N] z, float[N] y")
    )
    assert found.verdict is Verdict.FAILED
    assert found.misfits == ("outputs are in another order: z, y",)


def test_more_outputs_pass(tmp_path: Path) -> None:
    found = verified(tmp_path, TWO.format("float[N] y"), TWO.format("float[N] y, float[N] z"))
    assert found.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("float[N] x", "float[4] x", "input `x` axis 0 is 4, was N"),
        ("float[N] x", "float[N] u", "input `x` is gone"),
        ("float[N] x", "float[N] x, float[N] u", "input `u` is new"),
        ("float[N] x", "float16[N] x", "input `x` is float16, was float32"),
    ],
)
def test_another_interface_fails(tmp_path: Path, before: str, after: str, why: str) -> None:
    name = "u" if "x" not in after else "x"
    found = verified(
        tmp_path,
        f"g ({before}) => (float[N] y) {{ y = Cast <to = 1> (x) }}",
        f"g ({after}) => (float[N] y) {{ y = Cast <to = 1> ({name}) }}",
    )
    assert found.verdict is Verdict.FAILED
    assert why in found.misfits


def test_a_size_that_only_the_candidate_refuses_fails(tmp_path: Path) -> None:
    """Its graph says dynamic, and its weights say 64."""
    found = verified(
        tmp_path,
        "g (float[1, 2, T] x) => (float[1, 2, U] y) { y = Relu(x) }",
        "g (float[1, 2, T] x) => (float[1, 2, U] y) { s = Constant <value_ints = [1, 2, 64]> () "
        "v = Reshape(x, s) y = Relu(v) }",
    )
    assert found.verdict is Verdict.FAILED
    assert any("shape" in result.failed for result in found.trials), found.trials


def test_sizes_that_the_reference_refuses_prove_nothing(tmp_path: Path) -> None:
    text = (
        "g (float[1, 2, T] x) => (float[1, 2, T] y) { s = Constant <value_ints = [1, 2, 7]> () "
        "y = Reshape(x, s) }"
    )
    found = verified(tmp_path, text, text)
    assert all(result.refused for result in found.trials)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.evidence == "none"


# Frames of 256 samples, and a state that goes round.
WINDOWED = """
    g (float[B, T] input, float[2, B, 1] state, int64 sr)
        => (float[B, N] output, float[2, B, 1] stateN)
        <float[1, 1, 256] w = {{{weights}}}> {{
        one = Constant <value = int64[1] {{1}}> ()
        channel = Unsqueeze(input, one)
        frames = Conv <strides = [128]> (channel, w)
        output = Squeeze(frames, one)
        mean = ReduceMean <keepdims = 1> (output, one)
        stateN = Add(state, mean)
    }}"""


@pytest.mark.parametrize(("other", "verdict"), [(1, Verdict.PASSED), (2, Verdict.FAILED)])
def test_a_waveform_is_tried_at_lengths_of_a_waveform(
    tmp_path: Path, other: int, verdict: Verdict
) -> None:
    texts = [WINDOWED.format(weights=", ".join([f"{n}"] * 256)) for n in (1, other)]
    found = verified(tmp_path, *texts)
    assert found.verdict is verdict
    assert [result.trial.sizes["T"] for result in found.trials] == [576, 288, 1536, 16_000]
    assert not any(result.refused for result in found.trials)


def test_a_candidate_that_alone_refuses_a_second_try_fails(tmp_path: Path) -> None:
    reference, candidate = (
        WINDOWED.format(weights=", ".join(["1"] * size)).replace("256", str(size))
        for size in (256, 20_000)
    )
    found = verified(tmp_path, reference, candidate)
    assert found.verdict is Verdict.FAILED
    assert all(result.failed for result in found.trials)


def test_no_trials_prove_nothing(tmp_path: Path) -> None:
    text = graph("float[N]", "y = Relu(x)")
    assert verified(tmp_path, text, text, trials=()).verdict is Verdict.INCONCLUSIVE


def test_a_nan_that_moved_fails(tmp_path: Path) -> None:
    root = "v = Sqrt(x) y = Identity(v)"
    other = "w = Neg(x) v = Sqrt(w) y = Identity(v)"
    found = verified(tmp_path, graph("float[N]", root), graph("float[N]", other))
    assert found.verdict is Verdict.FAILED


STATE = """g (float[1, 4] x, float[1, 4] state) => (float[1, 4] y, float[1, 4] state_out) {{
    c = Constant <value_float = {}> () d = Mul(state, c)
    state_out = Add(x, d) y = Tanh(state_out) }}"""


def test_a_closed_loop_shows_what_one_call_does_not(tmp_path: Path) -> None:
    """The first call, on zeros, is exact; the error comes with the state."""
    found = verified(tmp_path, STATE.format(0.9), STATE.format(0.9001))
    assert found.verdict is Verdict.FAILED
    assert found.drift is not None
    assert found.drift.errors[0] == 0
    assert len(found.drift.errors) == 100
    assert 0 < found.drift.errors[1] < 1e-3
    assert found.drift.first_step
    assert found.drift.first_output in {"y", "state_out"}
    assert found.drift.slope > 0


def test_states_go_round_as_they_are(tmp_path: Path) -> None:
    found = verified(tmp_path, STATE.format(0.9), STATE.format(0.9))
    assert found.verdict is Verdict.PASSED
    assert found.drift is not None
    assert (found.drift.slope, found.drift.last_over_first) == (0, 1)


@pytest.mark.parametrize("name", ["encoder", "encoder_streaming", "predictor", "joint"])
def test_the_sample_stands_in_for_itself(name: str) -> None:
    view = load_graph(WORDS_TDT / f"{name}.onnx")
    trials = [Trial({"time": 57, "batch": 1}, 0, steps=3), Trial({"time": 90, "batch": 2}, 1)]
    found = verify_graphs(view, view, trials=trials)
    assert found.verdict is Verdict.PASSED
    assert found.evidence == "random"


# --- What is easily missed ------------------------------------------------------------------------

BRANCHES = """g (float[N] x, bool[1] use_cache_branch) => (float[N] y) {{
    y = If(use_cache_branch) <then_branch = t () => (float[N] a) {{
        c = Constant <value_float = {}> () a = Mul(x, c) }}, else_branch = e () => (float[N] b) {{
        b = Neg(x) }}> }}"""
LOOKUP = """g (int64[N] ids) => (float[N] y) {{
    one = Constant <value_int = 1> () more = Add(ids, one) less = Sub(more, one)
    {} y = Gather(table, kept) }}"""


def test_both_branches_of_a_merged_decoder_are_run(tmp_path: Path) -> None:
    left, right = BRANCHES.format(2.0), BRANCHES.format(5.0)
    assert verified(tmp_path, left, right).verdict is Verdict.FAILED
    assert verified(tmp_path, left, left).verdict is Verdict.PASSED


def test_ids_reach_all_of_a_table_behind_arithmetic(tmp_path: Path) -> None:
    clipped = "low = Constant <value_int = 0> () high = Constant <value_int = 1> ()"

    def looked_up(body: str) -> onnx.ModelProto:
        proto = model(LOOKUP.format(body))
        table = onnx.numpy_helper.from_array(np.arange(100, dtype=np.float32), "table")
        proto.graph.initializer.append(table)
        return proto

    left, right = (
        load_graph(write(tmp_path / f"{index}.onnx", looked_up(body)))
        for index, body in enumerate(
            ("kept = Identity(less)", f"{clipped} kept = Clip(less, low, high)")
        )
    )
    assert verify_graphs(left, right).verdict is Verdict.FAILED
    assert verify_graphs(left, left).verdict is Verdict.PASSED


def test_an_index_out_of_range_is_tried_again_with_care(tmp_path: Path) -> None:
    """Twice the id is beyond the table for half of all ids."""
    text = """g (int64[N] ids) => (float[N] y) <float[4] table = {1, 2, 3, 4}> {
        twice = Add(ids, ids) y = Gather(table, twice) }"""
    found = verified(tmp_path, text, text)
    assert found.verdict is Verdict.PASSED
    assert any(result.trial.narrow for result in found.trials)


def test_sequences_are_compared_item_by_item(tmp_path: Path) -> None:
    text = """g (float[N] x) => (seq(float[M]) y) {{
        a = {}(x) b = Neg(x) y = SequenceConstruct(a, b) }}"""
    found = verified(tmp_path, text.format("Abs"), text.format("Relu"))
    assert found.verdict is Verdict.FAILED
    assert {o.name: o.passed for o in found.outputs} == {"y[0]": False, "y[1]": True}
    assert verified(tmp_path, text.format("Abs"), text.format("Abs")).verdict is Verdict.PASSED


def test_strings_go_in(tmp_path: Path) -> None:
    twice = graph("string[N]", "y = StringConcat(x, x)")
    once = graph("string[N]", "y = Identity(x)")
    assert verified(tmp_path, twice, once).verdict is Verdict.FAILED
    assert verified(tmp_path, twice, twice).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    "body", ["z = Sub(x, x) y = Div(z, z)", "c = Less(x, x) y = Compress(x, c)"]
)
def test_outputs_that_hold_nothing_prove_nothing(tmp_path: Path, body: str) -> None:
    found = verified(tmp_path, graph("float[N]", body), graph("float[N]", body))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.doubts == ("`y` never held a finite value",)


def test_a_loop_that_the_reference_ends_early_proves_too_little(tmp_path: Path) -> None:
    """The cache has room for three calls."""
    text = """g (float[1, 2] x, float[1, N] past_k) => (float[1, M] present_k, float[1, 2] y) {
        present_k = Concat <axis = 1> (past_k, x) r = Relu(x)
        n = Shape(present_k) i = Constant <value_ints = [1]> () length = Gather(n, i)
        seven = Constant <value_ints = [7]> () rest = Sub(seven, length)
        room = ConstantOfShape(rest) zero = ReduceSum(room) y = Add(r, zero) }"""
    found = verified(tmp_path, text, text, trials=[Trial({"N": 0}, 0, steps=10)])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.trials[0].steps == 3
    assert "3 of 10 calls, then the reference refuses" in found.doubts[0]


def test_an_infinite_tolerance_is_none() -> None:
    path = WORDS_TDT / "joint.onnx"
    for tolerance in (float("inf"), float("nan"), -1.0):
        with pytest.raises(UsageError, match="tolerance"):
            verify(path, path, tolerance=tolerance)
    with pytest.raises(UsageError):
        verify(path, path, seeds=0)
    with pytest.raises(UsageError):
        verify(path, path, steps=0)

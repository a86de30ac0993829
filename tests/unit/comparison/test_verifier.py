"""The verifier: passes what is the same, fails what is known to differ, and never for nothing."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from onnxtool.comparison.trials import Trial
from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verifier import verify_graphs
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

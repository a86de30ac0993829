"""A change is told from noise, and unlike runs are refused by name of what differs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from onnxtool.benchmark.comparison import (
    Answer,
    Change,
    IncomparableRunsError,
    Verdict,
    compare_benchmarks,
    compare_within,
    noise_floor,
    slower_than,
)
from onnxtool.benchmark.result import BenchmarkResult, Kind, Measurement, Scenario, Subject
from onnxtool.benchmark.statistics import Interval
from onnxtool.runtime.options import SessionOptions

from .built import ENCODER, MACHINE, measurement, noisy, process, result

GIVEN = replace(ENCODER, sizes={}, real_audio=True)
DECODED = replace(GIVEN, kind=Kind.UTTERANCES, graph="", shapes={}, steps=1, audio_s=(4.0,))


def taking(median_s: float, *, seed: int, noise: float = 0.01) -> Measurement:
    return measurement(noisy(median_s, noise, seed=seed))


def changed(ratio: float, half_width: float = 0.005, floor: float = 0.0) -> Change:
    interval = Interval(ratio - half_width, ratio + half_width)
    return Change(ENCODER, 1.0, ratio, ratio, interval, floor, paired=True)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.1, Verdict.SLOWER), (0.9, Verdict.FASTER), (1.0, Verdict.SAME)]
)
def test_saved_runs_are_compared(factor: float, verdict: Verdict) -> None:
    comparison = compare_benchmarks(
        result(taking(0.01, seed=1)), result(taking(0.01 * factor, seed=2))
    )
    (change,) = comparison.changes
    assert change.verdict is verdict
    assert change.ratio == pytest.approx(factor, rel=0.02)
    assert change.interval.low < change.ratio < change.interval.high
    assert not change.paired


def test_a_change_within_the_noise_floor_is_none() -> None:
    assert changed(1.02, floor=0.0).verdict is Verdict.SLOWER
    assert changed(1.02, floor=0.03).verdict is Verdict.SAME
    assert changed(0.98, floor=0.03).verdict is Verdict.SAME


def test_the_noise_floor_is_how_much_processes_differ() -> None:
    halves = [process([[1.0]]), process([[1.1]])] * 3
    assert noise_floor(measurement(halves)) == pytest.approx(1 - 1 / 1.1)
    assert noise_floor(measurement(halves[:1])) == 0


def test_two_models_of_one_run_are_compared_in_pairs() -> None:
    machine = [[1.0, 1.4], [2.0, 1.1]]
    same = [process([[s] for s in slow]) for slow in machine]
    worse = [process([[s * 1.05] for s in slow]) for slow in machine]
    run = result(
        measurement(worse),
        measurement(same, Subject.REFERENCE),
        measurement(same, Subject.AGAIN),
    )
    comparison = compare_within(run)
    assert comparison is not None
    (change,) = comparison.changes
    assert change.ratio == pytest.approx(1.05)
    assert change.noise_floor == pytest.approx(0)
    assert change.verdict is Verdict.SLOWER


def test_a_round_that_was_cut_off_counts_as_far_as_both_have_it() -> None:
    run = result(
        measurement([process([[1.0], [1.0]]), process([[1.0]])]),
        measurement([process([[1.0], [1.0]])], Subject.REFERENCE),
    )
    comparison = compare_within(run)
    assert comparison is not None
    assert comparison.changes[0].ratio == 1


def test_a_run_of_one_model_compares_nothing() -> None:
    assert compare_within(result(taking(0.01, seed=1))) is None


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"cpu": "Other"}, "CPU Imaginary 9000 and Other"),
        ({"cores": 8}, "cores 4 and 8"),
        ({"instruction_sets": ("avx2", "sve")}, "instruction sets avx512_vnni and sve"),
        ({"instruction_sets": ("avx2",)}, "instruction sets avx512_vnni and none"),
        ({"provider": "CUDA"}, "provider CPUExecutionProvider and CUDA"),
        ({"onnxruntime": "1.31.0"}, "ONNX Runtime 1.32.0 and 1.31.0"),
    ],
)
def test_unlike_machines_are_refused_by_name(environment: dict[str, object], named: str) -> None:
    old = result(taking(0.01, seed=1))
    new = replace(old, environment=replace(MACHINE, **environment))  # type: ignore[arg-type]
    with pytest.raises(IncomparableRunsError) as caught:
        compare_benchmarks(old, new)
    assert named in str(caught.value)
    assert "--force" in caught.value.hint
    comparison = compare_benchmarks(old, new, force=True)
    assert comparison.unlike == (named,)
    assert len(comparison.changes) == 1


@pytest.mark.parametrize(
    ("scenario", "named"),
    [
        ({"options": SessionOptions(threads=1)}, "threads 2 and 1"),
        ({"sizes": {"batch": 1, "time": 100}}, "sizes run batch=1 time=400 steps=1 and run"),
        ({"options": replace(ENCODER.options, cores=(0, 3))}, "pinned to none and 0,3"),
        (
            {"options": replace(ENCODER.options, free_dimensions=(("time", 400),))},
            "free dimensions none and time=400",
        ),
        ({"options": SessionOptions(threads=2, prepacking=False)}, "prepacking on and off"),
    ],
)
def test_unlike_settings_are_refused_by_name(scenario: dict[str, object], named: str) -> None:
    old = taking(0.01, seed=1)
    new = replace(old, scenario=replace(ENCODER, **scenario))  # type: ignore[arg-type]
    with pytest.raises(IncomparableRunsError) as caught:
        compare_benchmarks(result(old), result(new))
    assert named in str(caught.value)


def test_with_force_a_run_is_compared_with_that_of_as_many_threads() -> None:
    def run(*medians_s: float, cpu: str) -> BenchmarkResult:
        made = [
            measurement(
                noisy(median_s, 0.001, seed=threads),
                scenario=replace(ENCODER, options=SessionOptions(threads=threads)),
            )
            for threads, median_s in enumerate(medians_s, start=1)
        ]
        return result(*made, environment=replace(MACHINE, cpu=cpu))

    both = run(0.010, 0.006, cpu="A")
    changes = compare_benchmarks(both, run(0.010, 0.006, cpu="B"), force=True).changes
    assert [each.ratio for each in changes] == pytest.approx([1, 1], rel=0.01)
    # Of which of two nobody can say.
    three = run(0.010, 0.006, 0.005, cpu="A")
    changes = compare_benchmarks(both, three, force=True).changes
    assert [each.scenario.options.threads for each in changes] == [1, 2]


def test_runs_without_a_common_scenario_are_refused_even_with_force() -> None:
    old = taking(0.01, seed=1)
    new = replace(old, scenario=replace(ENCODER, role="joint"))
    with pytest.raises(IncomparableRunsError, match="no scenario in common"):
        compare_benchmarks(result(old), result(new), force=True)


def test_a_graph_that_one_of_two_folders_lacks_is_named() -> None:
    encoder = taking(0.01, seed=1)
    joint = replace(encoder, scenario=replace(ENCODER, graph="joint.onnx", role="joint"))
    whole, part = result(encoder, joint), result(encoder)
    for runs, told in (((whole, part), "only before"), ((part, whole), "only after")):
        with pytest.raises(IncomparableRunsError, match=f"{told} there is joint.onnx"):
            compare_benchmarks(*runs)
        assert len(compare_benchmarks(*runs, force=True).changes) == 1


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (changed(1.00), Answer.NO),
        (changed(1.02), Answer.NO),
        (changed(1.04), Answer.YES),
        (changed(1.032), Answer.YES),
        (changed(1.028), Answer.NO),
        (changed(1.02, half_width=0.04), Answer.UNCLEAR),
        (changed(1.5, half_width=0.1), Answer.YES),
        (changed(0.8, half_width=0.1), Answer.NO),
        (changed(1.035, floor=0.05), Answer.UNCLEAR),
    ],
)
def test_noise_that_is_larger_than_the_limit_allows_no_answer(
    change: Change, answer: Answer
) -> None:
    assert slower_than(change, 0.03) is answer


def test_a_model_is_rarely_called_different_from_itself() -> None:
    verdicts = [
        compare_benchmarks(
            result(measurement(noisy(1.0, 0.03, seed=2 * seed, between=0.01))),
            result(measurement(noisy(1.0, 0.03, seed=2 * seed + 1, between=0.01))),
        )
        .changes[0]
        .verdict
        for seed in range(100)
    ]
    assert sum(verdict is not Verdict.SAME for verdict in verdicts) <= 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (replace(GIVEN, real_audio=False), GIVEN, "inputs made up and given"),
        (
            GIVEN,
            replace(GIVEN, shapes={"x": (1, 80, 200), "n": (1,)}),
            "sizes of the inputs given to encoder.onnx",
        ),
        (DECODED, replace(DECODED, audio_s=(4.5,)), "audio of 4.000 s and 4.500 s"),
        (
            replace(GIVEN, inputs_sha256="ab" * 32),
            replace(GIVEN, inputs_sha256="cd" * 32),
            "contents of the inputs given to encoder.onnx (SHA-256 abababab and cdcdcdcd)",
        ),
        (
            replace(DECODED, inputs_sha256="ab" * 32),
            replace(DECODED, inputs_sha256="cd" * 32),
            "contents of the recordings (SHA-256 abababab and cdcdcdcd)",
        ),
    ],
)
def test_runs_on_other_inputs_are_refused(old: Scenario, new: Scenario, told: str) -> None:
    runs = [result(measurement(noisy(0.01, 0.01, seed=1), scenario=each)) for each in (old, new)]
    with pytest.raises(IncomparableRunsError, match=re.escape(told)):
        compare_benchmarks(*runs)
    assert compare_benchmarks(*runs, force=True).unlike == (told,)


def test_of_a_run_without_digests_nothing_is_known() -> None:
    known = replace(GIVEN, inputs_sha256="ab" * 32)
    runs = [result(measurement(noisy(0.01, 0.01, seed=1), scenario=s)) for s in (GIVEN, known)]
    assert compare_benchmarks(*runs).unlike == ()


def test_inputs_may_be_called_anything() -> None:
    renamed = replace(GIVEN, shapes={"n": (1,), "x": (1, 80, 400)})
    runs = [result(measurement(noisy(0.01, 0.01, seed=1), scenario=s)) for s in (GIVEN, renamed)]
    assert compare_benchmarks(*runs).unlike == ()

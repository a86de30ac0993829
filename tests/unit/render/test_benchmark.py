"""What a benchmark says to people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.benchmark.comparison import compare_benchmarks
from onnxtool.benchmark.profile import NodeTime, Profile
from onnxtool.benchmark.result import BenchmarkResult, Failure, Kind, Model, Subject
from onnxtool.render import markdown, terminal
from onnxtool.render.benchmark import document
from onnxtool.render.benchmark_diff import document as difference
from onnxtool.render.document import Block
from onnxtool.render.histogram import CELLS, histogram
from onnxtool.render.layout import Layout
from onnxtool.render.units import duration
from tests.unit.benchmark.built import ENCODER, measurement, noisy, process, result


def text(blocks: Iterable[Block]) -> str:
    return markdown.render(tuple(blocks), max_rows=None).replace("\\", "")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.00 µs"),
        (1.234e-6, "1.23 µs"),
        (0.000123, "123 µs"),
        (0.0009996, "1.00 ms"),
        (0.0456, "45.6 ms"),
        (0.9999, "1.00 s"),
        (12.34, "12.3 s"),
        (1234.5, "1,234 s"),
    ],
)
def test_durations_have_three_digits(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_histogram_is_one_line() -> None:
    assert histogram([1.0] * 5) == "█"
    assert histogram([1.0, 2.0]).startswith("█")
    drawn = histogram([float(value) for value in range(1, 100)])
    assert len(drawn) == CELLS
    assert set(drawn[:-1]) <= set("▆▇█")


def test_a_histogram_is_never_broken_at_what_is_empty() -> None:
    drawn = histogram([1.0, 1.0, 2.0, 3.0])
    assert drawn == "█··············█"


def test_one_outlier_does_not_squeeze_the_others() -> None:
    drawn = histogram([1 + value / 100 for value in range(99)] + [1000.0])
    assert drawn.count("·") == 0


def test_latency_is_told_with_its_interval_and_what_it_was_measured_on() -> None:
    told = text(document(result(measurement([process([[0.1] * 4] * 8)] * 5))))
    assert "Imaginary 9000, 4 cores (avx2, avx512_vnni)" in told
    assert "2 threads, not pinned" in told
    assert "| encoder.onnx batch=1 time=400 threads=2 | 100 ms | 0.0% |" in told
    assert "| 0.025 | 160 |" in told
    assert "60.0 MiB | 21.0 MiB | 79.0 MiB" in told
    assert "Doubts" not in told


@pytest.mark.parametrize(
    ("samples", "shown", "note"),
    [
        (
            9,
            "- | - | -",
            "- is too few samples: p90 takes 10, p95 takes 20, p99 takes 100 at least.",
        ),
        (20, "100 ms | 100 ms | -", "- is too few samples: p99 takes 100 at least."),
        (99, "100 ms | 100 ms | -", "- is too few samples: p99 takes 100 at least."),
        (100, "100 ms | 100 ms | 100 ms", ""),
    ],
)
def test_a_percentile_is_told_of_enough_samples(samples: int, shown: str, note: str) -> None:
    told = text(document(result(measurement([process([[0.1] * samples])]))))
    assert f"% | {shown} | 100 ms | 0.0% |" in told
    assert note in told
    assert ("too few samples" in told) == bool(note)


def test_a_narrow_terminal_has_fewer_columns_and_breaks_no_word() -> None:
    scenario = replace(ENCODER, sizes={"batch": 1, "time": 1000})
    run = result(measurement(noisy(0.01, 0.1, seed=1), scenario=scenario))
    told = terminal.render(tuple(document(run)), Layout(80)).plain
    assert max(map(len, told.split("\n"))) <= 80
    assert "encoder.onnx batch=1" in told
    assert "session  first run  own memory  mapped files" in told
    assert "too narrow for processes, outliers, throughput" in told


@pytest.mark.parametrize("width", [40, 60])
def test_a_very_narrow_terminal_has_the_figures_that_count_and_breaks_no_number(width: int) -> None:
    old = result(measurement(noisy(0.01, 0.01, seed=1)))
    new = result(measurement(noisy(0.012, 0.01, seed=2)))
    blocks = tuple(document(new, compare_benchmarks(old, new)))
    told = terminal.render(blocks, Layout(width)).plain
    assert max(map(len, told.split("\n"))) <= width
    assert duration(new.measurements[0].summary.median_s) in told
    assert re.search(r"1[.]\d{3}  1[.]\d{3} … 1[.]\d{3} .* slower", told)
    assert "79.0 MiB" in told


@pytest.mark.parametrize(
    ("shape", "told"), [((4, 80, 100), "40.0/s"), ((4,), "10.0/s"), ((0, 4), "10.0/s")]
)
def test_throughput_is_of_the_items_of_a_batch(shape: tuple[int, ...], told: str) -> None:
    scenario = replace(ENCODER, shapes={"x": shape})
    run = result(measurement([process([[0.1] * 4] * 8)] * 5, scenario=scenario))
    assert told in text(document(run))


def test_a_run_on_given_inputs_is_told_with_the_size_of_the_largest() -> None:
    scenario = replace(ENCODER, sizes={}, real_audio=True)
    told = text(document(result(measurement(noisy(0.01, 0.01, seed=1), scenario=scenario))))
    assert "| encoder.onnx audio_signal=[1,80,400] threads=2 |" in told


def test_ascii_alone_is_as_good() -> None:
    made = result(measurement(noisy(0.0001, 0.5, seed=1, processes=2)))
    blocks = tuple(document(made, compare_benchmarks(made, made)))
    told = terminal.render(blocks, Layout(200, ascii_only=True)).plain
    assert told.isascii()
    assert re.search(r"median +[+]- +p90", told)


def test_a_stream_is_told_with_its_deadline_and_slope() -> None:
    scenario = replace(ENCODER, kind=Kind.STREAM, steps=4, audio_s=(0.24,) * 4)
    steps = [0.1, 0.11, 0.12, 0.25]
    told = text(document(result(measurement([process([steps] * 2)] * 3, scenario=scenario))))
    assert "| 240 ms | 6 of 24 | +46.0 ms |" in told


def test_a_step_of_a_batch_is_told_with_the_audio_of_all_and_the_deadline_of_each() -> None:
    scenario = replace(
        ENCODER,
        kind=Kind.STREAM,
        steps=4,
        audio_s=(0.24,) * 4,
        shapes={"length": (2,), "audio_signal": (2, 80, 57), "cache": (9, 2, 8)},
    )
    told = text(document(result(measurement([process([[0.3] * 4] * 8)] * 5, scenario=scenario))))
    assert "| 0.625 |" in told
    assert "| 6.7/s |" in told
    assert "| 240 ms | 160 of 160 |" in told


def test_the_first_run_of_a_stream_is_its_first_step() -> None:
    scenario = replace(ENCODER, kind=Kind.STREAM, steps=4, audio_s=())
    made = process([[0.1] * 4] * 2, first_run_s=0.52, warm_up_s=(0.22, 0.1, 0.1, 0.1))
    told = text(document(result(measurement([made] * 5, scenario=scenario))))
    assert "| 220 ms |" in told
    assert "520 ms" not in told


def test_utterances_are_told_with_their_parts() -> None:
    scenario = replace(ENCODER, kind=Kind.UTTERANCES, graph="", steps=2, audio_s=(1.0, 3.0))
    parts = {"encoder": (0.1, 0.2, 0.1, 0.2), "joint": (0.05, 0.05, 0.05, 0.05)}
    made = process([[0.2, 0.4], [0.2, 0.4]], parts_s=parts, calls={"encoder": 2, "joint": 10})
    told = text(document(result(measurement([made] * 3, scenario=scenario))))
    assert "| encoder | 2 | 150 ms | 300 ms | 50.0% |" in told
    assert "| joint | 10 | 10.0 ms | 100 ms | 16.7% |" in told
    assert "| greedy decoding |  |  | 200 ms | 33.3% |" in told
    assert "| 600 ms |" in told
    assert "| 0.150 |" in told
    assert "takes 200 ms to 400 ms (median 300 ms), RTF 0.133 to 0.200 (median 0.167)." in told
    alone = replace(scenario, steps=1, audio_s=())
    made = replace(made, blocks_s=((0.2,), (0.2,)), parts_s={}, calls={})
    assert "An utterance takes" not in text(document(result(measurement([made], scenario=alone))))


def test_a_comparison_is_told_with_its_verdict() -> None:
    old = result(measurement(noisy(0.01, 0.01, seed=1)))
    new = result(measurement(noisy(0.012, 0.01, seed=2)))
    told = text(document(new, compare_benchmarks(old, new)))
    assert "measured one after the other" in told
    assert "| slower |" in told


def test_two_models_of_one_run_are_told_apart() -> None:
    made = result(
        measurement(noisy(0.01, 0.01, seed=1)),
        measurement(noisy(0.01, 0.01, seed=1), Subject.REFERENCE),
        measurement(noisy(0.01, 0.01, seed=1), Subject.AGAIN),
        models={Subject.CANDIDATE: Model("new.onnx", {}), Subject.REFERENCE: Model("old.onnx", {})},
    )
    told = text(document(made))
    assert "new.onnx (against old.onnx)" in told
    assert "## Latency (old.onnx)" in told
    assert "measured in turn" in told
    assert "| no significant difference |" in told


def test_doubts_about_two_models_are_told_apart() -> None:
    few = noisy(0.01, 0.01, seed=1, processes=2)
    made = result(
        *(measurement(few, subject) for subject in Subject),
        models={Subject.CANDIDATE: Model("new.onnx", {}), Subject.REFERENCE: Model("old.onnx", {})},
    )
    told = text(document(made))
    assert told.count("few processes: 2") == 2
    assert "| few processes: 2 | encoder.onnx batch=1 time=400 threads=2 |" in told
    assert "| few processes: 2 | encoder.onnx batch=1 time=400 threads=2 of old.onnx |" in told


def test_unlike_runs_that_were_compared_all_the_same_say_so() -> None:
    made = result(measurement(noisy(0.01, 0.01, seed=1)))
    other = replace(made, environment=replace(made.environment, cpu="Other"))
    told = text(document(other, compare_benchmarks(made, other, force=True)))
    assert "Unlike runs, compared with --force: CPU Imaginary 9000 and Other." in told


def test_what_was_not_measured_and_what_is_doubted_is_told() -> None:
    made = result(measurement(noisy(0.01, 0.5, seed=1, processes=2)))
    failure = Failure(Subject.CANDIDATE, "encoder.onnx", {"time": 3}, "refused")
    told = text(document(replace(made, failures=(failure,), interrupted=True)))
    assert "Not measured: encoder.onnx at time=3: refused" in told
    assert "interrupted: what was measured until then is here" in told
    assert "few processes: 2" in told


def test_the_reference_that_was_not_measured_is_told_by_its_path() -> None:
    models = {
        Subject.CANDIDATE: Model("new/encoder.onnx", {}),
        Subject.REFERENCE: Model("old/encoder.onnx", {}),
    }
    failures = tuple(
        Failure(subject, graph, {}, "refused")
        for subject, graph in (
            (Subject.CANDIDATE, "encoder.onnx"),
            (Subject.AGAIN, "encoder.onnx"),
            (Subject.REFERENCE, ""),
        )
    )
    told = text(document(replace(result(models=models), failures=failures)))
    assert "Not measured: encoder.onnx: refused" in told
    assert "Not measured: old/encoder.onnx: refused" in told
    assert "Not measured: utterances of old/encoder.onnx: refused" in told


def test_spread_outliers_and_frequency_are_told() -> None:
    samples = [*[0.1, 0.101, 0.099] * 6, 0.5]
    made = result(measurement([process([samples])] * 3))
    told = text(document(made))
    assert "| 99.0 ms | 1.5% |" in told
    assert "| 3 | 3 | 100 ms |" in told
    assert "2600 MHz" in told
    slowed = replace(made, conditions=replace(made.conditions, frequency_after_mhz=2000.0))
    assert "2600 to 2000 MHz" in text(document(slowed))


def test_profiles_of_two_saved_runs_are_compared() -> None:
    def run(seconds: float) -> BenchmarkResult:
        nodes = (NodeTime("/layers.0/conv/Conv", "Conv", seconds),)
        profiled = Profile("candidate", "encoder.onnx", {}, 4, 0.01, nodes)
        return replace(result(measurement(noisy(0.01, 0.01, seed=1))), profiles=(profiled,))

    old, new = run(0.006), run(0.008)
    for told in (
        text(document(new, compare_benchmarks(old, new), old.profiles)),
        text(
            difference(
                (Path("old.json"), Path("new.json")),
                compare_benchmarks(old, new),
                (old.profiles, new.profiles),
            )
        ),
    ):
        assert "| Conv | 6.000 ms | 8.000 ms | +2.000 ms |" in told
        assert "| layers.*.conv | 6.000 ms | 8.000 ms | +2.000 ms |" in told
    assert "Difference" not in text(document(new))


def test_profiles_are_compared_with_those_of_as_many_threads() -> None:
    def profile(subject: str, threads: int, seconds: float) -> Profile:
        nodes = (NodeTime("/conv/Conv", "Conv", seconds),)
        return Profile(subject, "e.onnx", {"time": 3}, 4, 0.01, nodes, threads=threads)

    profiles = (
        profile("candidate", 1, 0.009),
        profile("reference", 1, 0.008),
        profile("candidate", 2, 0.005),
        profile("reference", 2, 0.004),
    )
    told = text(
        document(replace(result(measurement(noisy(0.01, 0.01, seed=1))), profiles=profiles))
    )
    assert "| Conv | 8.000 ms | 9.000 ms | +1.000 ms |" in told
    assert "| Conv | 4.000 ms | 5.000 ms | +1.000 ms |" in told
    assert "Profile of e.onnx time=3 threads=2 (candidate)" in told


def test_a_graph_that_runs_no_operator_has_no_profile_to_speak_of() -> None:
    profile = Profile("candidate", "e.onnx", {}, 4, 0.01, ())
    made = replace(result(measurement(noisy(0.01, 0.01, seed=1))), profiles=(profile,))
    told = text(document(made))
    assert "- in operators: 0.000 ms" in told
    assert "No operator is run" in told


def test_the_share_of_the_peak_is_that_of_runs_that_were_not_profiled() -> None:
    options = replace(ENCODER.options, threads=1)
    made = result(
        measurement([process([[0.002] * 4] * 8)], scenario=replace(ENCODER, options=options))
    )
    profile = Profile("candidate", ENCODER.graph, ENCODER.sizes, 4, 0.01, (), 10**8, 1e11)
    told = text(document(replace(made, profiles=(profile,))))
    assert "50.0% of 100.0 G MACs/s" in told
    assert "A run takes 5.0 times as long with the profiler" in told
    quick = text(document(replace(made, profiles=(replace(profile, run_s=0.0021),))))
    assert "with the profiler" not in quick


def test_profiles_are_told_with_their_difference() -> None:
    def profile(subject: str, seconds: float) -> Profile:
        nodes = (NodeTime("/layers.0/conv/Conv", "Conv", seconds),)
        return Profile(subject, "encoder.onnx", {}, 4, 0.01, nodes, 10**8, 1e11, "trace.json")

    made = result(measurement(noisy(0.01, 0.01, seed=1)))
    both = (profile("candidate", 0.008), profile("reference", 0.006))
    told = text(document(replace(made, profiles=both)))
    assert "10.0% of 100.0 G MACs/s" in told
    assert "| layers.*.conv | 1 | 8.000 ms | 100.0% |" in told
    assert "| Conv | 6.000 ms | 8.000 ms | +2.000 ms |" in told
    assert "trace.json" in told

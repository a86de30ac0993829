"""Two saved benchmarks, as users of `diff` compare them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.benchmark.document import document
from tests.integration.command import onnxtool
from tests.support.models import WORDS_TDT
from tests.unit.benchmark.built import ENCODER, MACHINE, measurement, noisy, result
from tests.unit.render.schema import validate


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("saved")
    at_200 = replace(ENCODER, sizes={"batch": 1, "time": 200})
    runs = {
        "before": result(measurement(noisy(0.010, 0.005, seed=1))),
        "same": result(measurement(noisy(0.010, 0.005, seed=2))),
        "slower": result(measurement(noisy(0.0107, 0.005, seed=3))),
        "faster": result(measurement(noisy(0.0093, 0.005, seed=4))),
        "elsewhere": result(
            measurement(noisy(0.010, 0.005, seed=5)), environment=replace(MACHINE, cpu="Other 1")
        ),
        "shorter": result(measurement(noisy(0.010, 0.005, seed=6), scenario=at_200)),
    }
    for name, made in runs.items():
        (folder / f"{name}.json").write_text(json.dumps(document(made)))
    return {name: folder / f"{name}.json" for name in runs}


@pytest.mark.parametrize(
    ("after", "fail_on", "code", "told"),
    [
        ("same", "cosmetic", 0, "no significant difference"),
        ("slower", "behavioral", 1, "slower"),
        ("slower", "cosmetic", 1, "slower"),
        ("slower", "breaking", 0, "slower"),
        ("faster", "cosmetic", 0, "faster"),
    ],
)
def test_slower_is_a_behavioral_difference(
    saved: dict[str, Path], after: str, fail_on: str, code: int, told: str
) -> None:
    finished = onnxtool("diff", saved["before"], saved[after], "--fail-on", fail_on)
    assert finished.code == code, finished.stderr
    assert told in finished.stdout


@pytest.mark.parametrize(("after", "told"), [("elsewhere", "CPU"), ("shorter", "sizes")])
def test_unlike_runs_are_refused_by_name(saved: dict[str, Path], after: str, told: str) -> None:
    finished = onnxtool("diff", saved["before"], saved[after])
    assert (finished.code, finished.stdout) == (2, "")
    assert f"the runs are unlike: {told} " in finished.stderr


def test_unlike_runs_are_compared_on_request(saved: dict[str, Path]) -> None:
    finished = onnxtool("diff", saved["before"], saved["elsewhere"], "--force", "--format", "json")
    assert finished.code == 0, finished.stderr
    found = json.loads(finished.stdout)
    validate(found, "benchmark-diff-1")
    assert found["unlike"] == ["CPU Imaginary 9000 and Other 1"]
    assert [each["verdict"] for each in found["changes"]] == ["no significant difference"]


def test_a_benchmark_is_not_compared_with_a_model(saved: dict[str, Path]) -> None:
    finished = onnxtool("diff", saved["before"], WORDS_TDT / "joint.onnx")
    assert finished.code == 2
    assert "two benchmarks with one another" in finished.stderr


def test_a_damaged_benchmark_says_where(saved: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"schema": "onnxtool.benchmark/1", "models": {}}')
    finished = onnxtool("diff", saved["before"], damaged)
    assert finished.code == 2
    assert "damaged.json: damaged: `models" in finished.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"schema": "onnxtool.bench', "other.json: not JSON"),
        ('{"schema": "onnxtool.benchmark/2"}', "other.json: not onnxtool.benchmark/1"),
        (None, "other.json: cannot be read: No such file"),
    ],
)
def test_the_one_that_is_no_benchmark_is_blamed(
    saved: dict[str, Path], tmp_path: Path, content: str | None, told: str
) -> None:
    other = tmp_path / "other.json"
    if content:
        other.write_text(content)
    finished = onnxtool("diff", saved["before"], other)
    assert (finished.code, finished.stdout) == (2, "")
    assert told in finished.stderr


@pytest.mark.parametrize("option", ["--no-weights", "--allow-links"])
def test_options_of_graphs_are_refused(saved: dict[str, Path], option: str) -> None:
    finished = onnxtool("diff", saved["before"], saved["same"], option)
    assert (finished.code, finished.stdout) == (2, "")
    assert f"{option}: no graphs are read here" in finished.stderr


def test_force_is_about_benchmarks_alone() -> None:
    joint = WORDS_TDT / "joint.onnx"
    finished = onnxtool("diff", joint, joint, "--force")
    assert finished.code == 2
    assert "--force: these are not two benchmarks" in finished.stderr

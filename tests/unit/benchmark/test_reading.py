"""What was written is read back; what is damaged is refused with its place."""

from __future__ import annotations

import copy
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from onnxtool.benchmark.document import document
from onnxtool.benchmark.environment import Meanwhile
from onnxtool.benchmark.fields import MAX_BYTES, BenchmarkFileError
from onnxtool.benchmark.profile import NodeTime, Profile
from onnxtool.benchmark.reading import read_benchmark
from onnxtool.benchmark.result import BenchmarkResult, Failure, Subject
from tests.support.models import SAMPLES

from .built import ENCODER, measurement, noisy, process, result

SCHEMA = SAMPLES.parent / "docs" / "json-schemas" / "benchmark-1.json"


def full() -> BenchmarkResult:
    parts = process(
        [[0.01, 0.02], [0.01]],
        parts_s={"encoder": (0.005, 0.01, 0.004)},
        calls={"encoder": 1},
        meanwhile=Meanwhile(0.1, None, 2600.0),
    )
    made = result(
        measurement([parts]),
        measurement(
            noisy(0.01, 0.1, seed=1, processes=2, blocks=2),
            Subject.REFERENCE,
            replace(ENCODER, real_audio=True, inputs_sha256="a" * 64),
        ),
    )
    nodes = (NodeTime("/layers.0/conv/Mul", "Mul", 0.001),)
    return BenchmarkResult(
        **{name: getattr(made, name) for name in ("models", "environment", "conditions")},
        method=made.method,
        measurements=made.measurements,
        failures=(Failure(Subject.CANDIDATE, "encoder.onnx", {"time": 3}, "refused"),),
        profiles=(Profile("candidate", "encoder.onnx", {"time": 3}, 4, 0.01, nodes, 10**6, 1e9),),
        interrupted=True,
    )


def written(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    assert read_benchmark(written(tmp_path / "a.json", document(full()))) == full()


def test_it_follows_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(document(full()))), schema)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        found += [place for key, part in inner for place in places(part, (*at, key))]
    return found


ALL = json.loads(json.dumps(document(full())))
KEPT = {"sha256", "sizes", "shapes", "parts_s", "free_dimensions", "models", "calls"}


@pytest.mark.parametrize(
    "place", [p for p in places(ALL) if not KEPT & set(p)], ids=lambda p: ".".join(map(str, p))
)
def test_any_field_that_is_something_else_is_an_error(tmp_path: Path, place: Any) -> None:
    data = copy.deepcopy(ALL)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = {"not": object.__name__} if inner[place[-1]] != {} else 5
    with pytest.raises(BenchmarkFileError, match=r"a\.json: "):
        read_benchmark(written(tmp_path / "a.json", data))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not JSON"),
        (json.dumps(ALL)[:-9], "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not onnxtool.benchmark/1"),
        ('{"schema": "onnxtool.inspect/1"}', "its schema is 'onnxtool.inspect/1'"),
        ('{"schema": "onnxtool.benchmark/2"}', "its schema is 'onnxtool.benchmark/2'"),
        ('{"schema": "onnxtool.benchmark/1"}', "`models` is not there"),
    ],
)
def test_what_is_no_benchmark_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(BenchmarkFileError, match=problem) as caught:
        read_benchmark(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "blocks",
    [[], [[]], [[0.0]], [[-1]], [[1e999]], [["1"]], [[True]], None, [[math.nan]], [[10**400]]],
)
def test_samples_are_durations(tmp_path: Path, blocks: object) -> None:
    data = copy.deepcopy(ALL)
    data["measurements"][0]["processes"][0]["blocks_s"] = blocks
    with pytest.raises(BenchmarkFileError, match=r"processes\[0\].blocks_s"):
        read_benchmark(written(tmp_path / "a.json", data))


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match="cannot be read: No such file"):
        read_benchmark(tmp_path / "none.json")


def test_a_measurement_without_samples_is_damaged(tmp_path: Path) -> None:
    data = copy.deepcopy(ALL)
    data["measurements"][0]["processes"] = []
    with pytest.raises(BenchmarkFileError, match="has no samples"):
        read_benchmark(written(tmp_path / "a.json", data))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"steps": 7}, "not of whole passes of 7"),
        ({"audio_s": [1, 2, 3]}, "has audio for 3 samples of 1"),
    ],
)
def test_samples_are_of_whole_passes(
    tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    data = copy.deepcopy(ALL)
    data["measurements"][0]["scenario"] |= changes
    with pytest.raises(BenchmarkFileError, match=problem):
        read_benchmark(written(tmp_path / "a.json", data))


def test_a_run_is_of_some_model(tmp_path: Path) -> None:
    data = copy.deepcopy(ALL)
    del data["models"]["candidate"]
    with pytest.raises(BenchmarkFileError, match=r"`models\.candidate` is not there"):
        read_benchmark(written(tmp_path / "a.json", data))


def test_what_was_measured_in_turn_is_of_some_model(tmp_path: Path) -> None:
    data = copy.deepcopy(ALL)
    del data["models"]["reference"]
    with pytest.raises(BenchmarkFileError, match="`models` lacks the reference"):
        read_benchmark(written(tmp_path / "a.json", data))


@pytest.mark.parametrize("number", [-1, 10**400, 1.5, math.nan])
def test_a_count_is_a_whole_number_from_0_up(tmp_path: Path, number: float) -> None:
    data = copy.deepcopy(ALL)
    data["environment"]["memory_bytes"] = number
    with pytest.raises(BenchmarkFileError, match="memory_bytes` is not a whole number"):
        read_benchmark(written(tmp_path / "a.json", data))


@pytest.mark.parametrize("parts", [{}, {"encoder": [0.1]}, {"encoder": []}, {"joint": [0.1] * 3}])
def test_parts_are_those_of_the_samples(tmp_path: Path, parts: object) -> None:
    data = copy.deepcopy(ALL)
    processes = data["measurements"][0]["processes"]
    processes.append({**copy.deepcopy(processes[0]), "parts_s": parts})
    with pytest.raises(BenchmarkFileError, match="has parts that are not those of its samples"):
        read_benchmark(written(tmp_path / "a.json", data))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(BenchmarkFileError, match="not a file"):
        read_benchmark(tmp_path / "a.json")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(BenchmarkFileError, match="too large to be a benchmark"):
        read_benchmark(tmp_path / "a.json")

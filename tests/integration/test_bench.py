"""The bench command as its users run it. What it measures here is not looked at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from onnxtool.benchmark.document import document
from onnxtool.benchmark.reading import read_benchmark
from tests.integration.command import COMMAND, ROOT, environment, onnxtool
from tests.support.models import WORDS_TDT, model, write
from tests.unit.benchmark.built import measurement, noisy, result
from tests.unit.render.schema import validate

JOINT, ENCODER = WORDS_TDT / "joint.onnx", WORDS_TDT / "encoder.onnx"
QUICK = ("--budget", "0.4", "--processes", "2", "--no-hash")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("saved")
    paths = {}
    for name, median_s in (("before", 0.010), ("same", 0.010), ("slower", 0.0107)):
        made = result(measurement(noisy(median_s, 0.005, seed=len(name))))
        paths[name] = folder / f"{name}.json"
        paths[name].write_text(json.dumps(document(made)))
    return paths


def test_a_graph_is_measured_and_saved(tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    finished = onnxtool("bench", JOINT, *QUICK, "--threads", "1", "--output", output)
    assert finished.code == 0, finished.stderr
    assert "joint.onnx threads=1" in finished.stdout
    (measured,) = read_benchmark(output).measurements
    assert len(measured.processes) >= 1
    assert measured.samples_s
    assert measured.processes[0].memory.peak_anonymous_bytes


def test_two_graphs_are_measured_in_turn() -> None:
    finished = onnxtool("bench", JOINT, "--against", JOINT, *QUICK, "--format", "json")
    assert finished.code == 0, finished.stderr
    data = json.loads(finished.stdout)
    assert [each["subject"] for each in data["measurements"]] == ["candidate", "reference", "again"]
    validate(data["comparison"], "benchmark-diff-1")


def test_what_the_other_model_does_not_have_is_reported() -> None:
    finished = onnxtool("bench", ENCODER, "--against", JOINT, *QUICK, "--at", "time=50")
    assert finished.code == 2
    assert "encoder.onnx at time=50: the other model has nothing like it" in finished.stderr
    assert "and 1 more could not be measured" in finished.stderr


def test_graphs_of_two_roles_are_not_compared_and_both_are_named() -> None:
    finished = onnxtool("bench", JOINT, *QUICK, "--against", WORDS_TDT / "predictor.onnx")
    assert finished.code == 2
    assert "nothing like it to compare with: one is a graph of role joint and" in finished.stderr


def test_a_folder_is_measured_by_role() -> None:
    finished = onnxtool(
        "bench", WORDS_TDT, *QUICK, "--at", "time=50", "--steps", "3", "--format", "json"
    )
    kinds = [each["scenario"]["kind"] for each in json.loads(finished.stdout)["measurements"]]
    assert kinds == ["run", "stream", "run", "run", "utterances"]


def test_recordings_are_decoded() -> None:
    finished = onnxtool("bench", WORDS_TDT, *QUICK, "--on", WORDS_TDT / "manifest.jsonl")
    assert finished.code == 0, finished.stderr
    assert "12 utterances" in finished.stdout
    assert "predictor" in finished.stdout


def test_a_profile_keeps_its_trace_on_request(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    finished = onnxtool("bench", JOINT, *QUICK, "--trace", trace)
    assert finished.code == 0, finished.stderr
    assert "MatMul" in finished.stdout
    assert "of the peak" in finished.stdout
    assert any(event["name"] == "model_run" for event in json.loads(trace.read_text()))


def test_session_options_are_tried() -> None:
    finished = onnxtool("bench", JOINT, *QUICK, "--threads", "1", "--tune", "--format", "json")
    assert finished.code == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["schema"] == "onnxtool.tuning/1"
    assert found["scenario"]["graph"] == "joint.onnx"
    assert {"spinning=off", "prepacking=off"} <= {each["option"] for each in found["trials"]}
    assert found["model"] == {"path": str(JOINT), "sha256": {}}
    for trial in found["trials"]:
        subjects = [each["subject"] for each in trial["measurements"]]
        assert subjects == ["candidate", "reference", "again"]
        assert all(each["processes"][0]["blocks_s"] for each in trial["measurements"])


def test_a_size_that_the_graph_refuses_is_reported_and_the_rest_go_on(tmp_path: Path) -> None:
    text = "g (float[n] x) => (float[2, h] y) { s = Constant<value = int64[2] {2, -1}>() \
        y = Reshape(x, s) }"
    path = write(tmp_path / "m.onnx", model(text))
    finished = onnxtool("bench", path, *QUICK, "--at", "n=3,4,5")
    assert finished.code == 2
    assert "m.onnx n=4" in finished.stdout
    assert "error: m.onnx at n=3: " in finished.stderr
    assert ", and 1 more could not be measured" in finished.stderr


def test_a_size_that_takes_all_memory_is_reported_and_the_rest_go_on(tmp_path: Path) -> None:
    text = "g (float[n] x) => (float[a, b, c] y) { s = Shape(x) \
        cube = Concat<axis = 0>(s, s, s) y = ConstantOfShape(cube) }"
    path = write(tmp_path / "m.onnx", model(text))
    finished = onnxtool("bench", path, *QUICK, "--at", "n=2,60000,3", "--format", "json")
    assert finished.code == 2
    assert "error: m.onnx at n=60000: a run needs more memory than it may have" in finished.stderr
    measured = [each["scenario"]["sizes"] for each in json.loads(finished.stdout)["measurements"]]
    assert measured == [{"n": 2}, {"n": 3}]


def test_a_process_that_ends_while_it_is_written_to_is_reported() -> None:
    """The inputs are more than a pipe holds, and a broken pipe ends the command by default."""
    finished = onnxtool("bench", ENCODER, "--at", "time=1000", "--time-limit", "0.001")
    assert finished.code == 2
    assert "encoder.onnx at time=1000: loading it took more than 0.001 s" in finished.stderr


def test_a_graph_that_runtime_refuses_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model("g (float[1] x) => (float[1] y) { y = custom.No(x) }"))
    finished = onnxtool("bench", path, *QUICK)
    assert finished.code == 2
    assert "error: m.onnx: " in finished.stderr
    assert "custom:No" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--at", "tyme=5"),
            "no input has an axis called `tyme` (there is batch, time, token_len)",
        ),
        (("--at", "time"), "--at time: not NAME=SIZES"),
        (("--inputs", "none.npz"), "--inputs none.npz: cannot be read"),
        (("--session", "arena=maybe"), "--session arena=maybe"),
        (
            ("--session", "arena=on", "--session", "arena=off"),
            "--session gives `arena` twice (leave one of them out)",
        ),
        (("--fail-if-slower", "3%"), "--fail-if-slower: than what?"),
        (("--against", WORDS_TDT), "a folder and a graph cannot be compared"),
        (("--baseline", "none.json"), "none.json: cannot be read"),
        (("--baseline", ROOT / "README.md"), "README.md: not JSON"),
        (("--output", ENCODER), "would overwrite a model"),
        (("--output", "none/a.json"), "--output none/a.json: there is no such folder"),
        (("--trace", "none/a.json"), "--trace none/a.json: there is no such folder"),
        (("--trace", "a.json", "--output", "a.json"), "--trace a.json: would overwrite"),
        (("--tune", "--against", JOINT), "--against: --tune compares settings alone"),
        (("--tune", "--profile"), "--profile: --tune compares settings alone"),
        (("--on", WORDS_TDT / "manifest.jsonl"), "recordings are decoded by encoder, predictor"),
        (("--steps", "40"), "--steps: no streaming encoder takes chunks here (leave it out)"),
        (("--tune", "--at", "batch=1,2"), "--at: --tune tries one size of `batch`"),
        (("--tune", "--steps", "40"), "--steps: no streaming encoder takes chunks here"),
    ],
)
def test_bad_options_are_refused_before_anything_is_measured(
    arguments: tuple[str | Path, ...], told: str
) -> None:
    finished = onnxtool("bench", JOINT, *arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert told in finished.stderr


# --- Saved runs: nothing is measured -------------------------------------------------------------


def test_a_saved_run_is_shown(saved: dict[str, Path]) -> None:
    finished = onnxtool("bench", saved["before"])
    assert finished.code == 0
    assert "Imaginary 9000" in finished.stdout


@pytest.mark.parametrize(
    ("after", "limit", "code"), [("same", "3%", 0), ("slower", "3%", 1), ("slower", "9%", 0)]
)
def test_slower_by_more_than_the_limit_is_a_no(
    saved: dict[str, Path], after: str, limit: str, code: int
) -> None:
    finished = onnxtool(
        "bench", saved[after], "--baseline", saved["before"], "--fail-if-slower", limit
    )
    assert finished.code == code, finished.stdout


def test_noise_allows_no_answer(saved: dict[str, Path], tmp_path: Path) -> None:
    noisy_run = tmp_path / "noisy.json"
    made = result(measurement(noisy(0.0101, 0.3, seed=3)))
    noisy_run.write_text(json.dumps(document(made)))
    finished = onnxtool("bench", noisy_run, "--baseline", saved["before"], "--fail-if-slower", "3%")
    assert finished.code == 2
    assert "too noisy to say" in finished.stderr


def test_unlike_runs_are_refused_but_what_was_measured_is_delivered(
    saved: dict[str, Path],
) -> None:
    arguments = ("bench", JOINT, *QUICK, "--baseline", saved["before"])
    finished = onnxtool(*arguments)
    assert finished.code == 2
    assert "the runs are unlike: CPU Imaginary 9000 and" in finished.stderr
    assert "joint.onnx" in finished.stdout


def test_a_comparison_is_in_the_json_which_is_a_baseline_all_the_same(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    output = tmp_path / "new.json"
    arguments = ("bench", saved["slower"], "--baseline", saved["before"], "--output", output)
    finished = onnxtool(*arguments)
    assert finished.code == 0, finished.stderr
    assert "slower" in finished.stdout
    data = json.loads(output.read_text())
    validate(data, "benchmark-1")
    validate(data["comparison"], "benchmark-diff-1")
    assert [data["comparison"][name] for name in ("before", "after")] == [
        str(saved["before"]),
        "encoder.onnx",
    ]
    assert [change["verdict"] for change in data["comparison"]["changes"]] == ["slower"]
    again = onnxtool("bench", output, "--baseline", output, "--format", "json")
    assert again.code == 0, again.stderr
    (change,) = json.loads(again.stdout)["comparison"]["changes"]
    assert change["verdict"] == "no significant difference"


@pytest.mark.parametrize("option", [("--at", "time=5"), ("--threads", "2"), ("--tune",)])
def test_a_saved_run_is_not_measured(saved: dict[str, Path], option: tuple[str, ...]) -> None:
    finished = onnxtool("bench", saved["before"], *option)
    assert finished.code == 2
    told = f"error: {option[0]}: a saved run is not measured (pass the model itself)"
    assert told in finished.stderr


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"schema": "onnxtool.benchmark/9"}')
    finished = onnxtool("bench", path)
    assert finished.code == 2
    assert "not onnxtool.benchmark/1" in finished.stderr


# --- Interrupts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_measuring_and_writes_the_result(
    tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "a.json"
    command = [*COMMAND, "bench", JOINT, "--budget", "60", "--precision", "0.001%"]
    process = subprocess.Popen(
        [*map(str, command), "--no-hash", "--output", str(output)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        process.communicate()
        pytest.skip("this system does not tell when measuring begins")
    while not children.read_text():
        time.sleep(0.1)
    # As a terminal does it, and `timeout`: to the whole group.
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "what was measured until then is in the result" in errors.decode()
    assert read_benchmark(output).interrupted

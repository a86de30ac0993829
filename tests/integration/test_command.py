"""`onnxtool` as a user runs it: exit codes, streams, files, pipes and signals."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.models import WORDS_TDT, model, write
from tests.unit.render.schema import validate

from .command import COMMAND, ROOT, environment, onnxtool, python, run

JOINT = WORDS_TDT / "joint.onnx"
BROKEN = "g (float[1] x) => (float[1] y) { [a] y = Add(x, gone) }"
HEAVY = ("onnx", "onnxruntime", "numpy", "google.protobuf", "hypothesis")


def one_line(text: str) -> str:
    assert text.count("\n") == 1
    assert text.endswith("\n")
    return text


# --- Help and version ----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["--help", "-h", "inspect --help", "inspect -h", "--version"])
def test_help_imports_nothing_heavy(arguments: str) -> None:
    code = f"""
import sys
sys.argv = ["onnxtool", *{arguments.split()!r}]
from onnxtool.cli.app import main
try:
    main()
finally:
    print(*{HEAVY!r} & sys.modules.keys(), file=sys.stderr)
""".replace(f"*{HEAVY!r} &", f"*set({HEAVY!r}) &")
    finished = python(code)
    assert (finished.code, finished.stderr) == (0, "\n")
    assert finished.stdout


def test_help_tells_what_there_is() -> None:
    finished = onnxtool("--help")
    assert "inspect" in finished.stdout
    assert "--version" in finished.stdout
    # Wrapped to the width of a terminal.
    words = " ".join(finished.stdout.split())
    assert "Exit codes: 0 yes, 1 no, 2 trouble" in words


def test_help_of_a_command_lists_its_options() -> None:
    finished = onnxtool("inspect", "--help", changes={"COLUMNS": "200"})
    options = ["--at", "--depth", "--no-hash", "--allow-links", "--all", "--format", "--output"]
    assert [option for option in options if option not in finished.stdout] == []


def test_no_command_is_a_question_for_help() -> None:
    finished = onnxtool()
    assert (finished.code, finished.stderr) == (2, "")
    assert finished.stdout == onnxtool("--help").stdout


def test_the_version_is_that_of_the_distribution() -> None:
    assert onnxtool("--version").stdout == f"onnxtool {version('onnxtool-cli')}\n"


def test_the_installed_command_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("onnxtool")
    installed = run([str(script), "inspect", str(JOINT), "--no-hash"])
    assert installed == onnxtool("inspect", JOINT, "--no-hash")
    assert installed.code == 0


# --- Exit code 0 ---------------------------------------------------------------------------------


def test_a_healthy_graph_is_shown_on_stdout() -> None:
    finished = onnxtool("inspect", "samples/words-tdt/joint.onnx")
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.stdout.startswith("samples/words-tdt/joint.onnx  joint · Parakeet-TDT joint\n")
    assert "\x1b" not in finished.stdout


def test_a_folder_is_shown_on_stdout() -> None:
    finished = onnxtool("inspect", "samples/words-tdt", "--no-hash")
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.stdout.startswith("samples/words-tdt  4 graphs\n")


def test_json_is_all_there_is_on_stdout() -> None:
    finished = onnxtool("inspect", "samples/words-tdt", "--at", "time=57", "--format", "json")
    assert (finished.code, finished.stderr) == (0, "")
    document = json.loads(finished.stdout)
    validate(document)
    assert {model["path"] for model in document["models"]} == {
        f"samples/words-tdt/{name}.onnx"
        for name in ("encoder", "encoder_streaming", "joint", "predictor")
    }


def test_markdown_has_headings_and_tables() -> None:
    finished = onnxtool("inspect", JOINT, "-f", "markdown", "--at", "batch=2", "--at", "time=9")
    assert finished.code == 0
    assert "## Cost (of one run at batch=2, time=9)" in finished.stdout
    assert "| --- |" in finished.stdout


def test_depth_goes_down_the_module_tree() -> None:
    arguments = ("inspect", WORDS_TDT / "encoder.onnx", "--no-hash")
    assert "self_attn" not in onnxtool(*arguments).stdout
    assert "self_attn" in onnxtool(*arguments, "--depth", "2", "--all").stdout


# --- Exit code 2: the input ----------------------------------------------------------------------


def test_a_missing_file_is_one_line_on_stderr() -> None:
    finished = onnxtool("inspect", "no-such-file.onnx")
    assert (finished.code, finished.stdout) == (2, "")
    assert one_line(finished.stderr) == (
        "error: no-such-file.onnx: no such file or folder (check the path)\n"
    )


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_a_missing_file_among_others_does_not_hide_them(format: str) -> None:
    finished = onnxtool("inspect", JOINT, "no-such-file.onnx", "--no-hash", "--format", format)
    assert finished.code == 2
    assert "no-such-file.onnx: no such file or folder" in one_line(finished.stderr)
    assert "joint" in finished.stdout
    if format == "json":
        document = json.loads(finished.stdout)
        validate(document)
        assert [result["path"] for result in document["results"]] == [str(JOINT)]
        assert [list(failure) for failure in document["failures"]] == [["message", "hint"]]


def test_several_paths_are_several_results() -> None:
    finished = onnxtool("inspect", JOINT, WORDS_TDT, "--no-hash", "--format", "json")
    document = json.loads(finished.stdout)
    validate(document)
    assert finished.code == 0
    assert [result.get("bundle") for result in document["results"]] == [None, True]


def test_a_damaged_model_is_shown_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model(BROKEN))
    finished = onnxtool("inspect", path, "--format", "json")
    assert finished.code == 2
    assert one_line(finished.stderr) == (
        f"error: {path}: damaged: main:a: reads `gone`, which nothing gives "
        "(export the model again)\n"
    )
    document = json.loads(finished.stdout)
    validate(document)
    assert len(document["damage"]) == 1


def test_a_folder_with_a_broken_graph_shows_the_others(tmp_path: Path) -> None:
    shutil.copy(JOINT, tmp_path)
    (tmp_path / "broken.onnx").write_text("no model")
    finished = onnxtool("inspect", tmp_path, "--no-hash")
    assert finished.code == 2
    assert "broken.onnx" in one_line(finished.stderr)
    assert "Parakeet-TDT joint" in finished.stdout


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_names_cannot_act_on_the_terminal(form: str, tmp_path: Path) -> None:
    """Escape sequences, markup, line breaks and writing direction, wherever names are shown."""
    evil = "[red]\x1b[31m\x9b\u202e\n|x`"
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    proto.graph.input[0].name = proto.graph.node[0].input[0] = evil
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = evil
    proto.graph.node[0].name = f"/{evil}/Relu"
    proto.graph.node[0].domain = evil
    proto.producer_name = proto.doc_string = evil
    proto.metadata_props.add(key=evil, value=evil)
    proto.graph.output.add(name=evil + "gone")
    path = write(tmp_path / "m.onnx", proto)
    finished = onnxtool("inspect", path, "--at", f"{evil}=1", "--all", "--format", form)
    assert not any(character in finished.stdout for character in "\x1b\x9b\u202e")
    assert finished.stdout.count("x1b") >= 8
    assert len(finished.stderr.splitlines()) == 1


# --- Exit code 2: the options --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--at", "time"], "--at time: not NAME=SIZE"),
        (["--at", "tme=9"], "no input has an axis called `tme`"),
        (["--at", "time=1", "--at", "time=2"], "--at gives `time` twice"),
        (["--output", "."], "--output .: a folder"),
        (["--output", "new.ONNX"], "would overwrite a model"),
        ([""], "empty path"),
        (["--output", str(JOINT)], "would overwrite a model"),
        (["--output", "/dev/null"], "a link or a device"),
        (["--output", "no/such/folder/report.txt"], "no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_make_no_sense_are_one_line(arguments: list[str], told: str) -> None:
    finished = onnxtool("inspect", JOINT, "--no-hash", *arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert told in one_line(finished.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["inspect", "--format", "html", "x"],
        ["inspect", "--depth", "-1", "x"],
        ["no-such-command"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    finished = onnxtool(*arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert re.fullmatch(r"error: .+ \(see onnxtool( inspect)? --help\)\n", finished.stderr)


def test_wrong_usage_is_told_by_name() -> None:
    finished = onnxtool("inspect", "--format", "html", "x")
    told = one_line(finished.stderr)
    assert told.startswith("error: invalid value for '--format' / '-f'")
    assert told.endswith("'text', 'json', 'markdown' (see onnxtool inspect --help)\n")


def test_a_hyphen_is_stdout(tmp_path: Path) -> None:
    arguments = ("inspect", JOINT, "--no-hash")
    assert onnxtool(*arguments, "--output", "-", cwd=tmp_path) == onnxtool(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_axis_beyond_all_memory_costs_none() -> None:
    largest = [f"{name}=999999999999" for name in ("time", "batch", "length")]
    at = [word for pair in largest for word in ("--at", pair)]
    finished = onnxtool("inspect", WORDS_TDT / "encoder.onnx", "--no-hash", *at, "-f", "json")
    assert (finished.code, finished.stderr) == (0, "")
    cost = json.loads(finished.stdout)["cost"]
    assert all(macs >= 0 for macs in cost["macs"].values())


# --- Exit code 3 ---------------------------------------------------------------------------------


def test_a_bug_is_told_as_one() -> None:
    finished = python(
        f"""
import sys
import onnxtool.analysis.inspection as broken
def fail(*_, **__): raise RuntimeError("on purpose")
broken.inspect = fail
sys.argv = ["onnxtool", "inspect", {str(JOINT)!r}]
from onnxtool.cli.app import main
main()
"""
    )
    assert (finished.code, finished.stdout) == (3, "")
    assert "RuntimeError: on purpose" in finished.stderr
    assert finished.stderr.endswith("This is a bug in onnxtool; please report it with the above.\n")


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_a_file_holds_what_stdout_would(format: str, tmp_path: Path) -> None:
    arguments = ("inspect", "samples/words-tdt/joint.onnx", "--no-hash", "--format", format)
    path = tmp_path / "report"
    finished = onnxtool(*arguments, "--output", path)
    assert (finished.code, finished.stdout, finished.stderr) == (0, "", "")
    assert path.read_text(encoding="utf-8") == onnxtool(*arguments).stdout
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_where_nothing_could_be_read(tmp_path: Path) -> None:
    finished = onnxtool("inspect", "no-such-file.onnx", "--output", tmp_path / "report.txt")
    assert finished.code == 2
    assert list(tmp_path.iterdir()) == []


def test_models_are_never_touched(tmp_path: Path) -> None:
    folder = shutil.copytree(WORDS_TDT, tmp_path / "bundle")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(folder)}
    onnxtool("inspect", folder, "--at", "time=57")
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(folder)} == before


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- Pipes, encodings and signals ----------------------------------------------------------------


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = f"'{sys.executable}' -m onnxtool inspect samples/words-tdt --all | head -n 1"
    finished = run(["bash", "-o", "pipefail", "-c", command])
    assert finished.stdout == "samples/words-tdt  4 graphs\n"
    assert finished.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(encoding: str) -> None:
    finished = subprocess.run(
        [*COMMAND, "inspect", "samples/words-tdt/joint.onnx", "--at", "time=9"],
        cwd=ROOT,
        env=environment({"PYTHONIOENCODING": encoding}),
        capture_output=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, b"")
    shown = finished.stdout.decode(encoding)
    assert ("█" in shown) == ("·" in shown) == (encoding == "utf-8")
    assert ("####" in shown) == (encoding != "utf-8")
    assert "\\u" not in shown
    assert "MatMul" in shown


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")


@needs_full
def test_a_full_disk_is_trouble_and_no_bug() -> None:
    finished = run(["bash", "-c", f"'{sys.executable}' -m onnxtool inspect {JOINT} > /dev/full"])
    assert finished.code == 2
    assert "No space left on device" in one_line(finished.stderr)


@pytest.mark.parametrize(
    ("streams", "code"),
    [(">&-", 2), ("2>&-", 0), (">&- 2>&-", 2)],
    ids=["stdout", "stderr", "both"],
)
def test_closed_streams_are_trouble_and_no_bug(streams: str, code: int) -> None:
    script = f"'{sys.executable}' -m onnxtool inspect {JOINT} --no-hash {streams}"
    finished = run(["bash", "-c", script])
    assert finished.code == code
    assert "Traceback" not in finished.stderr


INTERRUPTED_AT_ONCE = """
import sys

class Interrupting:
    def find_spec(name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting)
from onnxtool.__main__ import main
main()
"""


def test_an_interrupt_before_all_is_imported_ends_it_with_one_line() -> None:
    finished = python(INTERRUPTED_AT_ONCE)
    assert (finished.code, finished.stdout) == (2, "")
    assert one_line(finished.stderr) == "error: interrupted (no file is half-written)\n"


INTERRUPTED = """
import os, signal, sys
import onnxtool.model.artifact as artifact

def interrupted(path):
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("the signal was not answered")

artifact.read_skeleton = interrupted
sys.argv = ["onnxtool", "inspect", *{paths!r}]
from onnxtool.cli.app import main
main()
"""


@pytest.mark.parametrize(
    "paths",
    [[JOINT], [JOINT, WORDS_TDT / "encoder.onnx"], [WORDS_TDT]],
    ids=["graph", "several", "folder"],
)
def test_an_interrupt_ends_it_with_one_line(paths: list[Path]) -> None:
    """Not with the next path, nor with the next graph of a folder."""
    finished = python(INTERRUPTED.format(paths=[str(path) for path in paths]))
    assert (finished.code, finished.stdout) == (2, "")
    assert one_line(finished.stderr) == "error: interrupted (no file is half-written)\n"


INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys

class Interrupting:
    def find_spec(name, path, target=None):
        if name == "numpy.exceptions":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
sys.argv = ["onnxtool", "inspect", "samples/words-tdt/joint.onnx"]
from onnxtool.cli.app import main
main()
"""


def test_an_interrupt_while_something_is_imported_ends_it_too() -> None:
    """What tells of errors may take the very thing that is half imported."""
    finished = python(INTERRUPTED_WHILE_IMPORTING)
    assert (finished.code, finished.stdout) == (2, "")
    assert one_line(finished.stderr) == "error: interrupted (no file is half-written)\n"


def test_an_interrupt_while_it_writes_ends_it_too() -> None:
    """The pipe is full and nobody reads on: only the signal can end it."""
    command = [*COMMAND, "inspect", "samples/words-tdt", "--at", "time=57", "--format", "json"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        bufsize=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"{"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().startswith(b"error: interrupted")
    assert process.returncode == 2

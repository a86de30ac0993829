"""`onnxtool check` and `onnxtool rules` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.models import WORDS_TDT, model, write
from tests.unit.render.schema import validate, validate_sarif

from .command import Finished, onnxtool, python

FORMATS = ("text", "json", "markdown", "sarif", "github", "junit")
JOINT = WORDS_TDT / "joint.onnx"
MISSING = """g (float[2] x) => (float[2] y)
    <float[2] w = ["location": "weights.bin"]> { y = Add(x, w) }"""


def checked(*arguments: str | Path, cwd: Path) -> Finished:
    """Run the rule of which these tests know what it finds, in a folder of their own."""
    return onnxtool("check", *arguments, "--select", "X001", cwd=cwd)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A graph whose weights are not there."""
    return write(tmp_path / "broken.onnx", model(MISSING))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write(tmp_path / "sound.onnx", model("g (float[1] x) => (float[1] y) { y = Relu(x) }"))


# --- Exit codes ----------------------------------------------------------------------------------


def test_no_finding_is_exit_code_0(sound: Path, tmp_path: Path) -> None:
    finished = checked(sound, cwd=tmp_path)
    assert (finished.code, finished.stderr) == (0, "")
    assert "no findings · 1 rule checked" in finished.stdout


@pytest.mark.parametrize("format", FORMATS)
def test_a_finding_is_exit_code_1(format: str, broken: Path, tmp_path: Path) -> None:
    finished = checked(broken, "--format", format, cwd=tmp_path)
    assert (finished.code, finished.stderr) == (1, "")
    assert "weights.bin" in finished.stdout


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)]
)
def test_the_severity_that_fails_can_be_chosen(
    fail_on: str, code: int, broken: Path, tmp_path: Path
) -> None:
    assert checked(broken, "--fail-on", fail_on, cwd=tmp_path).code == code


@pytest.mark.parametrize("format", FORMATS)
def test_a_path_that_cannot_be_read_does_not_hide_the_others(
    format: str, broken: Path, tmp_path: Path
) -> None:
    finished = checked("gone.onnx", broken, "--format", format, cwd=tmp_path)
    assert finished.code == 2
    assert finished.stderr == "error: gone.onnx: no such file or folder (check the path)\n"
    assert "weights.bin" in finished.stdout


def test_a_graph_of_a_folder_that_cannot_be_read_is_no_pass(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_text("no model")
    finished = checked(sound.parent, cwd=tmp_path)
    assert finished.code == 2
    assert "other.onnx" in finished.stderr
    assert "Not checked, since it cannot be read:" in finished.stdout


def test_nothing_is_written_where_nothing_could_be_read(tmp_path: Path) -> None:
    finished = checked("gone.onnx", "--output", "report.sarif", cwd=tmp_path)
    assert (finished.code, finished.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


# --- Formats -------------------------------------------------------------------------------------


def test_formats_for_programs_are_valid(broken: Path, sound: Path, tmp_path: Path) -> None:
    def printed(format: str) -> str:
        return checked(broken, sound, tmp_path, "-f", format, cwd=tmp_path).stdout

    validate(json.loads(printed("json")), "check-1")
    validate_sarif(json.loads(printed("sarif")))
    assert len(ET.fromstring(printed("junit"))) == 3
    assert printed("github").splitlines()[0].startswith("::error file=broken.onnx,title=X001 ")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_holds_what_stdout_would(format: str, broken: Path, tmp_path: Path) -> None:
    arguments = (broken.name, "--format", format)
    finished = checked(*arguments, "--output", "report", cwd=tmp_path)
    assert (finished.code, finished.stdout, finished.stderr) == (1, "", "")
    written = (tmp_path / "report").read_text(encoding="utf-8")
    assert written == checked(*arguments, cwd=tmp_path).stdout


def test_files_are_named_from_the_workspace(broken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    arguments = ("check", f"../{broken.name}", "-f", "github", "--select", "X001")
    inside = onnxtool(*arguments, cwd=folder, changes={"GITHUB_WORKSPACE": str(tmp_path)})
    assert inside.stdout.startswith("::error file=broken.onnx,")
    outside = onnxtool(*arguments, cwd=folder, changes={"GITHUB_WORKSPACE": "/no/such"})
    assert outside.stdout.startswith(f"::error file={broken},")


@pytest.mark.parametrize("format", FORMATS)
def test_names_cannot_act_on_whoever_reads(format: str, tmp_path: Path) -> None:
    evil = "]]>\n::error::[red](1)\x1b[31m\u202e\u2028<b>|`%0A"
    proto = model(MISSING)
    proto.graph.initializer[0].external_data[0].value = evil + ".bin"
    proto.graph.initializer[0].name = proto.graph.node[0].input[1] = evil
    path = write(tmp_path / "m\x1b[31m\n::error::.onnx", proto)
    finished = checked(path, "--format", format, cwd=tmp_path)
    assert finished.code == 1, finished.stderr
    assert not set("\x1b\u202e\u2028") & set(finished.stdout)
    lines = finished.stdout.splitlines()
    assert [line for line in lines if line.startswith("::")] == lines[: format == "github"]
    if format == "junit":
        ET.fromstring(finished.stdout)
    if format == "sarif":
        validate_sarif(json.loads(finished.stdout))


# --- Options and configuration -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--select", "Z9"], "no rule `Z9`"),
        (["--ignore", "X001,"], "no rule ``"),
        (["--select", "X", "--ignore", "X"], "every rule that is selected is ignored"),
        (["--config", "gone.toml"], "gone.toml: cannot be read"),
        (["--time-limit", "0"], "--time-limit 0: no number of seconds"),
        (["--time-limit", "nan"], "--time-limit nan: no number of seconds"),
        (["--memory-limit", "much"], "--memory-limit much: no amount of memory"),
        (["--run", "--no-run"], "--run contradicts --no-run"),
        (["--weights", "--no-weights"], "--weights contradicts --no-weights"),
        (["--no-run", "--time-limit", "3"], "--no-run: nothing is run that could be limited"),
        (["--output", str(JOINT)], "would overwrite a model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_make_no_sense_are_one_line(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    finished = onnxtool("check", JOINT, *arguments, cwd=tmp_path)
    assert (finished.code, finished.stdout) == (2, "")
    assert told in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_lists_may_have_commas_and_be_given_again(broken: Path, tmp_path: Path) -> None:
    finished = onnxtool(
        *("check", broken, "--select", "X, X001", "--select", "X", "--format", "json"), cwd=tmp_path
    )
    assert "X001" in json.loads(finished.stdout)["checked"]


def test_the_configuration_lets_a_finding_through(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "onnxtool.toml").write_text(
        "[check]\nselect = ['X001']\n"
        "[[check.suppress]]\ncode = 'X001'\nmodel = 'broken.onnx'\nreason = 'made on the device'\n"
        "[[check.suppress]]\ncode = 'X001'\nmodel = 'other.onnx'\nreason = 'once'\n"
    )
    finished = onnxtool("check", broken, cwd=tmp_path)
    assert (finished.code, finished.stderr) == (0, "")
    assert "made on the device" in finished.stdout
    assert "warning: the suppression of X001 for model `other.onnx`" in finished.stdout


def test_the_command_line_beats_the_configuration(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "onnxtool.toml").write_text("[check]\nselect = ['X001']\nfail-on = 'never'\n")
    assert onnxtool("check", broken, cwd=tmp_path).code == 0
    assert onnxtool("check", broken, "--fail-on", "error", cwd=tmp_path).code == 1


def test_a_configuration_that_makes_no_sense_is_told_with_its_place(
    broken: Path, tmp_path: Path
) -> None:
    (tmp_path / "onnxtool.toml").write_text("[check]\nfail_on = 'error'\n")
    finished = onnxtool("check", broken, cwd=tmp_path)
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.stderr == (
        f"error: {tmp_path}/onnxtool.toml:2:1: fail_on: no such option (did you mean `fail-on`?)\n"
    )


def test_the_configuration_is_not_overwritten(broken: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.json"
    config.write_text("")
    finished = checked(broken, "--config", config, "--output", config, cwd=tmp_path)
    assert finished.code == 2
    assert config.read_text() == ""


# --- Rules ---------------------------------------------------------------------------------------


def test_rules_are_listed_and_explained() -> None:
    assert "missing-external-file" in onnxtool("rules").stdout
    explained = onnxtool("rules", "X001").stdout
    assert explained == onnxtool("rules", "missing-external-file").stdout
    assert "[[check.suppress]]" in explained


def test_rules_are_json_too() -> None:
    document = json.loads(onnxtool("rules", "X001", "--format", "json").stdout)
    validate(document, "rules-1")
    assert [rule["code"] for rule in document["rules"]] == ["X001"]
    validate(json.loads(onnxtool("rules", "-f", "json").stdout), "rules-1")


def test_the_markdown_of_a_rule_is_its_page() -> None:
    page = (WORDS_TDT.parents[1] / "docs" / "rules" / "X001.md").read_text()
    assert onnxtool("rules", "X001", "--format", "markdown").stdout == page


def test_a_rule_that_is_not_there_is_trouble() -> None:
    finished = onnxtool("rules", "X9")
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.stderr == "error: no rule `X9` (`onnxtool rules` lists them)\n"


@pytest.mark.parametrize("command", ["check", "rules"])
def test_help_imports_nothing_heavy(command: str) -> None:
    finished = python(
        f"""
import sys
sys.argv = ["onnxtool", {command!r}, "--help"]
from onnxtool.cli.app import main
try:
    main()
finally:
    heavy = {{"onnx", "onnxruntime", "numpy", "google.protobuf"}}
    print(*heavy & sys.modules.keys(), file=sys.stderr)
"""
    )
    assert (finished.code, finished.stderr) == (0, "\n")

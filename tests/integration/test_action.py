"""The GitHub action and the pre-commit hook run the command that there is."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.models import model, write
from tests.unit.render.schema import validate_sarif

from .command import ROOT, Finished, onnxtool, run

MISSING = """g (float[2] x) => (float[2] y)
    <float[2] w = ["location": "weights.bin"]> { y = Add(x, w) }"""
ACTION = (ROOT / "action.yml").read_text()
INSTALL, CHECK = (
    textwrap.dedent(block) for block in re.findall(r"      run: \|\n((?: {8}.*\n)+)", ACTION)
)
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A runner on which onnxtool is installed."""
    folder = tmp_path / "runner"
    (folder / "onnxtool" / "bin").mkdir(parents=True)
    script = folder / "onnxtool" / "bin" / "onnxtool"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m onnxtool "$@"\n')
    script.chmod(0o755)
    return folder


def step(runner: Path, cwd: Path, paths: str, **inputs: str) -> Finished:
    variables = {
        "PATHS": paths,
        "FORMAT": "github",
        "OUTPUT": "onnxtool.sarif",
        "ARGUMENTS": "",
        "RUNNER_TEMP": str(runner),
        "GITHUB_OUTPUT": str(runner / "output"),
        "PYTHONPATH": str(ROOT),
        **inputs,
    }
    return run([*SHELL, CHECK], cwd=cwd, changes=variables)


def test_a_finding_fails_the_step_and_is_an_annotation(runner: Path, tmp_path: Path) -> None:
    write(tmp_path / "my export" / "m.onnx", model(MISSING))
    finished = step(runner, tmp_path, "my export \r\n\n", ARGUMENTS="--select=X001\n--no-run\t\n")
    assert finished.code == 1, finished.stderr
    assert finished.stdout.startswith("::error file=my export/m.onnx,title=X001 ")


def test_sarif_is_a_file_that_later_steps_can_upload(runner: Path, tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", model(MISSING))
    finished = step(runner, tmp_path, "m.onnx", FORMAT="sarif")
    assert (finished.code, finished.stdout) == (1, "")
    validate_sarif(json.loads((tmp_path / "onnxtool.sarif").read_text()))
    assert (runner / "output").read_text() == "sarif=onnxtool.sarif\n"


def test_what_could_not_be_checked_is_nothing_to_upload(runner: Path, tmp_path: Path) -> None:
    assert step(runner, tmp_path, "none.onnx", FORMAT="sarif").code == 2
    assert not (runner / "output").exists()


def test_an_input_is_never_a_command(runner: Path, tmp_path: Path) -> None:
    finished = step(runner, tmp_path, '$(touch a); touch b\n"`touch c`"\n--version')
    assert finished.code == 2
    assert "onnxtool 0" not in finished.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"runner"}


@pytest.mark.parametrize(
    ("version", "installed"), [("", "/the/action"), ("1.2.3", "onnxtool-cli==1.2.3")]
)
def test_the_version_of_the_action_is_installed_unless_one_is_named(
    version: str, installed: str, tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    # Makes the environment that is asked for, with a pip that only says what it was told.
    fake.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf "#!/bin/sh\\necho \\$*\\n" > "$3/bin/pip"\n'
        'chmod +x "$3/bin/pip"\n'
    )
    fake.chmod(0o755)
    variables = {
        "VERSION": version,
        "GITHUB_ACTION_PATH": "/the/action",
        "RUNNER_TEMP": str(tmp_path),
        "PATH": f"{fake.parent}:/usr/bin:/bin",
    }
    finished = run([*SHELL, INSTALL], changes=variables)
    assert (finished.code, finished.stdout) == (0, f"install --quiet {installed}\n")


def test_the_hook_runs_a_command_that_there_is() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entry = re.search(r"^  entry: onnxtool (.*)$", text, re.MULTILINE)
    assert entry is not None
    assert onnxtool(*entry[1].split(), "--help").code == 0

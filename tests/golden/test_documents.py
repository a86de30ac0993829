"""Documents cannot drift: every example in them is run, and what they show is what is printed.

`UPDATE_GOLDEN=1 pytest tests/golden` writes the current output into them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
CONSOLE = re.compile(r"^```console\n\$ (?P<command>.*)\n(?P<output>(?:.*\n)*?)```$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(?P<code>(?:.*\n)*?)```$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def printed(command: str) -> str:
    """What a shell in the repository's folder prints, stdout and stderr, for this command."""
    scripts = str(Path(sys.executable).parent)
    # What a command writes goes to `mktemp -d`.
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            "PATH": os.pathsep.join((scripts, os.environ["PATH"])),
            "COLUMNS": "120",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "TMPDIR": scratch,
        }
        finished = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
    return "".join(f"{line.rstrip()}\n" for line in finished.stdout.splitlines())


@each_document
def test_shows_what_its_commands_print(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    current = CONSOLE.sub(
        lambda found: f"```console\n$ {found['command']}\n{printed(found['command'])}```", text
    )
    if os.environ.get("UPDATE_GOLDEN"):
        document.write_text(current, encoding="utf-8")
    else:
        assert text == current


@each_document
def test_has_python_that_runs(
    document: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    for example in PYTHON.finditer(document.read_text(encoding="utf-8")):
        exec(compile(example["code"], str(document), "exec"), {})
        assert capsys.readouterr().out


@each_document
def test_links_to_files_that_are_there(document: Path) -> None:
    for link in LINK.finditer(document.read_text(encoding="utf-8")):
        assert (document.parent / link["target"]).exists(), link["target"]


def test_examples_were_found() -> None:
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
    assert sum(len(CONSOLE.findall(text)) for text in texts) >= 6
    assert sum(len(PYTHON.findall(text)) for text in texts) >= 3

"""Whatever file it is given, the tool says what is wrong and where, and harms nobody."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onnxtool import ModelLoadError, load

from .build import BUILDERS, LINKS, build, case_name
from .case import Case
from .process import Finished, run

MAX_SECONDS = 60
MAX_BYTES = 400_000_000
# Controls other than the line break, and the marks that reorder text (Unicode, section 23.2).
CONTROLS = re.compile(r"[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and modes are POSIX")


# The folder of the corpus, and its cases by name.
Corpus = tuple[Path, dict[str, Case]]
every_case = pytest.mark.parametrize("name", [case_name(builder) for builder in BUILDERS])


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus, built once."""
    folder = tmp_path_factory.mktemp("hostile")
    return folder, {case.name: case for case in build(folder)}


@every_case
def test_text(corpus: Corpus, name: str) -> None:
    """The report, or the refusal, on a terminal."""
    case, finished = _inspect(corpus, name)
    if case.outcome == "refused":
        _assert_refused(corpus, case, finished)
        return
    assert finished.stdout.strip()
    assert finished.code == (2 if case.outcome == "damaged" else 0), finished.stderr
    _assert_says(corpus, case, finished.stdout + finished.stderr)


@every_case
def test_json(corpus: Corpus, name: str) -> None:
    """The same as JSON, in which the damage is a list."""
    case, finished = _inspect(corpus, name, "--format", "json")
    if case.outcome == "refused":
        _assert_refused(corpus, case, finished)
        return
    report = json.loads(finished.stdout)
    # A folder has the damage of each graph with that graph.
    damage = [item for part in (report, *report.get("models", ())) for item in part["damage"]]
    assert all(item.keys() == {"what", "where", "hint"} for item in damage)
    assert bool(damage) == (case.outcome == "damaged"), damage
    assert finished.code == (2 if damage else 0), finished.stderr
    if damage:
        _assert_says(corpus, case, "\n".join(text for item in damage for text in item.values()))


@pytest.mark.parametrize("name", [case_name(builder) for builder in LINKS])
def test_allow_links(corpus: Corpus, name: str) -> None:
    """Links may be allowed, but those that lead out of the model's folder may not."""
    case, finished = _inspect(corpus, name, "--allow-links")
    assert finished.code == (0 if case.allow_links_ok else 2), finished.stdout


@pytest.mark.parametrize("name", ["functions-that-double", "functions-in-a-row"])
def test_cost(corpus: Corpus, name: str) -> None:
    """Working out a cost takes no longer, whatever the functions inline to."""
    _, finished = _inspect(corpus, name, "--at", "t=10")
    assert finished.code in {0, 2}


def test_neighbours_are_nobodys_business(corpus: Corpus) -> None:
    """A location that leads out of the folder does not make the tool list what is there."""
    for name in ("folder-with-external-in-parent", "folder-with-external-through-link"):
        _, finished = _inspect(corpus, name, "--format", "json")
        assert "neighbour" not in finished.stdout


def test_path_with_nul() -> None:
    """A path that a command line cannot carry, and a caller of the library can pass."""
    with pytest.raises(ModelLoadError, match="null byte"):
        load("a\0b.onnx")


@every_case
def test_check(corpus: Corpus, name: str) -> None:
    """Whatever rules say of it, they say it; what cannot be read is no pass."""
    case, finished = _run(corpus, name, "check", "--no-run", "--all")
    assert finished.code in ({2} if case.outcome == "refused" else {0, 1, 2}), finished.stderr
    assert bool(finished.stdout) == (case.outcome != "refused")


def _inspect(corpus: Corpus, name: str, *options: str) -> tuple[Case, Finished]:
    return _run(corpus, name, "inspect", *options)


def _run(corpus: Corpus, name: str, verb: str, *options: str) -> tuple[Case, Finished]:
    """Run the installed command on a case, and assert what holds for every one."""
    folder, cases = corpus
    case = cases[name]
    if case.skip:
        pytest.skip(case.skip)
    before = _listing(folder / name)
    command: list[str | Path] = [sys.executable, "-m", "onnxtool", verb, case.path, *options]
    finished = run(command, cwd=folder / name, timeout_s=MAX_SECONDS)
    assert _listing(folder / name) == before
    assert "Traceback" not in finished.stderr, finished.stderr
    assert not CONTROLS.findall(finished.stdout + finished.stderr)
    assert finished.peak_bytes < MAX_BYTES
    return case, finished


def _listing(folder: Path) -> list[tuple[str, int, int, int]]:
    """Name, mode, size and time of change of everything in a folder; links are not followed."""
    return sorted(_facts(path) for path in (folder, *_below(folder)))


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink() and os.access(path, os.R_OK):
            yield from _below(path)


def _facts(path: Path) -> tuple[str, int, int, int]:
    status = path.lstat()
    return str(path), status.st_mode, status.st_size, status.st_mtime_ns


def _assert_refused(corpus: Corpus, case: Case, finished: Finished) -> None:
    """Exit 2, nothing on stdout, and one line on stderr that says why."""
    assert finished.code == 2, finished.stderr
    assert not finished.stdout
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.rstrip("\n").count("\n") == 0, finished.stderr
    _assert_says(corpus, case, finished.stderr)


def _assert_says(corpus: Corpus, case: Case, text: str) -> None:
    """What is wrong is said, by more than the folder that the case is in."""
    said = " ".join(text.replace(str(corpus[0] / case.name), "").lower().split())
    missing = [words for words in case.says if words not in said]
    assert not missing, f"{missing} not in: {text[:4_000]}"

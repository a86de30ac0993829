"""`bench` refuses options that would say nothing, and files that it would destroy."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.cli.bench_refusals import is_saved_run, refuse_files, refuse_ignored
from onnxtool.errors import UsageError

MODEL, SAVED = Path("m.onnx"), Path("a.json")


@pytest.mark.parametrize(
    ("path", "given", "told"),
    [
        (SAVED, ("--format", "--precision"), "--precision: a saved run is not measured"),
        (SAVED, ("--tune",), "--tune: a saved run is not measured"),
        (MODEL, ("--tune", "--against"), "--against: --tune compares settings alone"),
        (MODEL, ("--steps", "--at", "--on"), "--steps: recordings are as long as they are"),
        (MODEL, ("--on", "--trace"), "--trace: graphs are profiled, and no utterances"),
        (MODEL, ("--force", "--against"), "--force: nothing saved is compared"),
    ],
)
def test_the_first_option_that_says_nothing_is_refused(
    path: Path, given: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        refuse_ignored(path, given)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        (SAVED, ("--baseline", "--force", "--fail-if-slower", "--format", "--output", "--all")),
        (MODEL, ("--tune", "--at", "--threads", "--no-hash", "--output")),
        (MODEL, ("--on", "--threads", "--against")),
        (MODEL, ("--against", "--at", "--inputs", "--profile")),
    ],
)
def test_options_that_go_together_are_not(path: Path, given: tuple[str, ...]) -> None:
    refuse_ignored(path, given)


def test_a_folder_is_no_saved_run_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    assert not is_saved_run(tmp_path / "a.json")
    assert is_saved_run(tmp_path / "B.JSON")


@pytest.mark.parametrize("taken", ["t.json", "t-2.json", "t-13.json"])
def test_no_trace_takes_the_place_of_another_file(tmp_path: Path, taken: str) -> None:
    other = tmp_path / taken
    with pytest.raises(UsageError, match="would overwrite"):
        refuse_files(other, tmp_path / "t.json", [MODEL, None])
    with pytest.raises(UsageError, match="would overwrite"):
        refuse_files(None, tmp_path / "t.json", [MODEL, other])


def test_other_files_do_not_mind_a_trace(tmp_path: Path) -> None:
    refuse_files(tmp_path / "t-x.json", tmp_path / "t.json", [MODEL, tmp_path / "u-2.json"])
    with pytest.raises(UsageError, match="a trace is a file"):
        refuse_files(None, Path("-"), [MODEL])

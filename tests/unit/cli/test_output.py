"""Where a result goes: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from onnxtool.cli import output
from onnxtool.cli.options import Format
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite
from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.progress import SILENT
from onnxtool.render.document import Facts, Heading, Share, Table

REPORT = (Heading("joint.onnx", 1), Facts((("nodes", "14"),)))
LONG = (Table(("name",), tuple((f"row {index}",) for index in range(500))),)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def text(capsys: pytest.CaptureFixture[str], format: Format = Format.TEXT) -> str:
    deliver(REPORT, format, None, show_all=False)
    return capsys.readouterr().out


def test_text_is_plain_where_stdout_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert text(capsys) == "joint.onnx\n  nodes  14\n"


def test_markdown_is_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert text(capsys, Format.MARKDOWN) == "# joint.onnx\n\n- nodes: 14\n"


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    deliver_json({"name": "Größe\u202e"}, None)
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"name": "Größe\u202e"}


def test_json_has_no_numbers_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        deliver_json({"share": float("nan")}, None)


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("", 120), ("0", 120), ("wide", 120)])
def test_the_width_of_a_log_can_be_set(
    columns: str,
    widest: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    deliver((Facts((("name", "x " * 500),)),), Format.TEXT, None, show_all=False)
    lines = capsys.readouterr().out.splitlines()
    assert widest - 2 <= max(map(len, lines)) <= widest


def test_no_line_ends_with_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    deliver((*REPORT, *LONG), Format.TEXT, None, show_all=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize("format", [Format.TEXT, Format.MARKDOWN])
def test_what_goes_into_a_pipe_is_whole(format: Format, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(LONG, format, None, show_all=False)
    assert capsys.readouterr().out.count("row ") == 500


def test_rows_that_go_into_a_pipe_are_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table(("a", "b"), (("x " * 100, "y " * 100), ("z", "z")))
    deliver((table,), Format.TEXT, None, show_all=False)
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("format", [Format.TEXT, Format.MARKDOWN])
def test_a_terminal_gets_all_rows_if_all_is_asked_for(
    format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    deliver(LONG, format, None, show_all=True)
    assert terminal.getvalue().count("row ") == 500


@pytest.mark.parametrize("format", [Format.TEXT, Format.MARKDOWN])
@pytest.mark.parametrize(
    ("encoding", "can_draw"),
    [("ascii", False), ("latin-1", False), ("cp1252", False), ("cp437", False), ("utf-8", True)],
)
def test_an_encoding_without_our_characters_gets_ascii(
    encoding: str, can_draw: bool, format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.TextIOWrapper(out := io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", stdout)
    blocks = (Heading("a", 1, "joint · x"), Table(("share",), ((Share(0.5),),)))
    deliver(blocks, format, None, show_all=False)
    assert ("·" in out.getvalue().decode(encoding)) == can_draw


def test_a_file_is_utf_8_wherever_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    deliver((Heading("a", 1, "joint · x"),), Format.TEXT, tmp_path / "r.txt", show_all=False)
    assert (tmp_path / "r.txt").read_text(encoding="utf-8") == "a  joint · x\n"


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    deliver(REPORT, Format.TEXT, None, show_all=False)
    assert "\x1b[1" in terminal.getvalue()


def test_a_terminal_that_is_low_gets_short_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    deliver(LONG, Format.TEXT, None, show_all=False)
    assert 1 <= terminal.getvalue().count("row ") < 30


# --- Files ---------------------------------------------------------------------------------------


def test_a_file_has_no_colours_and_is_readable_by_all(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    deliver(REPORT, Format.TEXT, path, show_all=False)
    assert path.read_text() == "joint.onnx\n  nodes  14\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("x" * 10_000)
    deliver_json({"a": 1}, path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OnnxToolError, match="No space left on device"):
        deliver_json({"a": 1}, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OnnxToolError, match="cannot be written: No such file or directory"):
        deliver_json({}, tmp_path / "missing" / "report.json")
    assert list(tmp_path.iterdir()) == []


# --- What may not be written over ----------------------------------------------------------------


def refused(path: Path, *inputs: Path) -> str:
    with pytest.raises(UsageError) as caught:
        refuse_to_overwrite(path, inputs)
    assert str(caught.value).startswith(f"--output {path}: ")
    return str(caught.value)


def test_stdout_is_always_allowed() -> None:
    refuse_to_overwrite(None, [Path("joint.onnx")])


def test_a_new_file_and_an_old_report_are_allowed(tmp_path: Path) -> None:
    refuse_to_overwrite(tmp_path / "new.txt", [tmp_path])
    (tmp_path / "old.txt").write_text("old")
    refuse_to_overwrite(tmp_path / "old.txt", [tmp_path])


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(path: Path, mode: int) -> bool:
        return not (path == tmp_path and mode == os.W_OK)

    monkeypatch.setattr(os, "access", access)  # Root may write anywhere.
    assert "its folder cannot be written to" in refused(tmp_path / "report.txt")
    (tmp_path / "other").mkdir()
    refuse_to_overwrite(tmp_path / "other" / "report.txt", [])


def test_an_input_is_refused_by_any_name(tmp_path: Path) -> None:
    model = tmp_path / "model.bin"
    model.write_text("model")
    assert "would overwrite a model" in refused(model, model)
    assert "would overwrite a model" in refused(tmp_path / "x" / ".." / "model.bin", model)
    (tmp_path / "link").symlink_to(tmp_path)
    assert "would overwrite a model" in refused(tmp_path / "link" / "model.bin", model)


def test_any_graph_is_refused(tmp_path: Path) -> None:
    assert "would overwrite a model" in refused(tmp_path / "other.onnx")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "a folder" in refused(tmp_path)


def test_a_device_is_refused() -> None:
    """A file is put in its place; with the rights to do so, that would be the end of /dev/null."""
    assert "a link or a device" in refused(Path(os.devnull))


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    assert "a link or a device" in refused(tmp_path / "link")


# --- Progress ------------------------------------------------------------------------------------


def test_nobody_is_shown_progress_unless_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress() is SILENT


def test_a_bar_is_drawn_on_stderr_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    bar = progress()
    bar.start("SHA-256 of [red]m\x1b[0m.onnx", 100)
    bar.advance(50)
    bar.finish()
    drawn = terminal.getvalue()
    assert "[red]m" in drawn
    assert r"\x1b[0m.onnx" in drawn


def test_what_stdout_does_not_take_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OnnxToolError, match="stdout: cannot be written: No space left"):
            deliver_json({}, None)


def test_stdout_that_is_closed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OnnxToolError, match="stdout is closed"):
        deliver_json({}, None)
    with pytest.raises(OnnxToolError, match="stdout is closed"):
        deliver(REPORT, Format.TEXT, None, show_all=False)


def test_the_limits_leave_something_to_see() -> None:
    assert output.LEAST_ROWS >= 1

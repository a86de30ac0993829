from __future__ import annotations

import io
import sys

import pytest

from onnxtool.cli.exits import ExitCode, complain
from onnxtool.errors import OnnxToolError


def test_exit_codes_are_a_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "NEGATIVE": 1,
        "TROUBLE": 2,
        "BUG": 3,
    }


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OnnxToolError("m.onnx: empty", hint="export again"),
            "error: m.onnx: empty (export again)",
        ),
        (OnnxToolError("m.onnx: empty"), "error: m.onnx: empty"),
        (OnnxToolError("a\nb\x1b[31m", hint="\u202e"), r"error: a\nb\x1b[31m (\u202e)"),
        (
            OnnxToolError(f"m.onnx: reads `{'n' * 10_000}`, which nothing gives"),
            f"error: m.onnx: reads `{'n' * 198}…{'n' * 197}`, which nothing gives",
        ),
    ],
    ids=["hint", "no hint", "hostile", "long name"],
)
def test_an_error_is_one_line_on_stderr(
    error: OnnxToolError, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    complain(error)
    assert capsys.readouterr() == ("", f"{line}\n")


def test_an_error_that_cannot_be_told_raises_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    complain(OnnxToolError("m.onnx: empty"))

"""What was measured is delivered, whatever becomes of the file that it should be in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onnxtool.cli.bench_result import Delivery
from onnxtool.cli.options import Format
from onnxtool.errors import OnnxToolError
from onnxtool.render.document import Paragraph

DATA, BLOCKS = {"a": 1}, [Paragraph("the report")]


@pytest.mark.parametrize("name", ["a.json", "a.JSON"])
def test_a_file_named_so_gets_the_json_and_stdout_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Delivery(Format.TEXT, tmp_path / name, show_all=False).write(DATA, BLOCKS)
    assert json.loads((tmp_path / name).read_text()) == DATA
    assert capsys.readouterr().out.strip() == "the report"


@pytest.mark.parametrize(
    ("format", "name", "shown"),
    [
        (Format.TEXT, "a.json", "the report"),
        (Format.MARKDOWN, "a.md", "the report"),
        (Format.JSON, "a.json", '"a": 1'),
    ],
)
def test_what_cannot_be_written_to_its_file_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format: Format, name: str, shown: str
) -> None:
    output = tmp_path / "gone" / name
    with pytest.raises(OnnxToolError, match="cannot be written"):
        Delivery(format, output, show_all=False).write(DATA, iter(BLOCKS))
    assert shown in capsys.readouterr().out

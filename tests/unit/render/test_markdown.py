"""A document as GitHub shows it: what a model says is never formatting."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Share, Table
from onnxtool.render.markdown import render
from onnxtool.render.units import MAX_TEXT


def written(*blocks: Block, max_rows: int | None = None) -> str:
    return render(blocks, max_rows=max_rows)


def table(*cells: str) -> Table:
    return Table(("name",), tuple((cell,) for cell in cells))


def shown(markdown: str) -> list[str]:
    """The text of every heading, list item, cell and paragraph, as a reader sees it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    inline = [token.children or [] for token in tokens if token.type == "inline"]
    # Anything but plain text, such as a link or an image, has tokens of another type.
    assert {part.type for children in inline for part in children} <= {"text", "text_special"}
    return ["".join(part.content for part in children) for children in inline]


def test_headings_have_their_level_and_note() -> None:
    assert written(Heading("joint.onnx", 1, "joint"), Heading("Weights")) == (
        "# joint.onnx (joint)\n\n## Weights\n"
    )


def test_facts_are_a_list() -> None:
    assert written(Facts((("format", "IR 8"), ("nodes", "14")))) == "- format: IR 8\n- nodes: 14\n"


def test_tables_have_their_alignment_and_percentages() -> None:
    block = Table(
        ("name", "bytes", "share"),
        (("a", "1", Share(0.25)), ("b", "3", Share(0.75))),
        (Align.LEFT, Align.RIGHT, Align.LEFT),
    )
    assert written(block).splitlines() == [
        "| name | bytes | share |",
        "| --- | --: | --- |",
        "| a | 1 | 25.0% |",
        "| b | 3 | 75.0% |",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "a`b`c",
        "*a* **b** _c_ __d__",
        "[text](https://example.org)",
        "![image](https://example.org/x.png)",
        "<script>alert(1)</script>",
        "~~gone~~",
        "a\\|b",
        "a\\",
        "a # b",
        "/layers.0/self_attn/linear_q/MatMul",
    ],
)
def test_what_a_model_says_is_shown_as_it_stands(text: str) -> None:
    document = Heading(text, 2, text), Facts(((text, text),)), table(text), Paragraph(text)
    assert shown(written(*document)) == [f"{text} ({text})", f"{text}: {text}", "name", text, text]


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\r\n# b", "a\x1b[31mb", "a\u2028b"])
def test_control_characters_start_no_line(text: str) -> None:
    lines = written(Heading(text), Facts(((text, text),)), table(text), Paragraph(text))
    # Heading, fact, three lines of the table, paragraph, and the empty lines between.
    assert len(lines.splitlines()) == 6 + 3
    assert "\x1b" not in lines


def test_long_tables_are_cut_with_a_count() -> None:
    block = table(*(f"row {index}" for index in range(2000)))
    cut = written(block, max_rows=3)
    assert cut.count("row ") == 3
    assert cut.endswith("\n\n… 1,997 more rows\n")
    assert written(block).count("row ") == 2000


def test_long_names_are_shortened_unless_everything_was_asked_for() -> None:
    name = "a" * 5000 + "z" * 5000
    blocks = Heading(name, 1, name), Facts(((name, name),)), table(name)
    assert len(written(*blocks, max_rows=20)) < 8 * MAX_TEXT
    assert written(*blocks).count("a") >= 5 * 5000


def test_running_text_is_never_cut() -> None:
    text = " · ".join(f"Operator{index} {index}" for index in range(200))
    assert shown(written(Paragraph(text), max_rows=20)) == [text]

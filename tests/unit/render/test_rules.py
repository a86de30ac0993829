"""Rules as a table, as a page, and as JSON."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

from onnxtool.render import markdown
from onnxtool.render.document import Code, Heading, Markup
from onnxtool.render.rules import FAMILIES, explanation, index, overview, rules_json
from onnxtool.rules.catalog import CATALOG
from onnxtool.rules.rule import Needs
from tests.support.checks import rule

from .schema import validate


def built(_: Path) -> Path:
    """A folder in which `weights.bin` is missing.

    More about it.
    """
    raise AssertionError("a page builds nothing")


def test_every_rule_has_a_row_under_its_family() -> None:
    rows = [row for block in overview(CATALOG) for row in getattr(block, "rows", ())]
    assert [row[0] for row in rows] == [each.code for each in CATALOG]
    titles = [block.text for block in overview(CATALOG) if isinstance(block, Heading)]
    assert all(title.partition(": ")[2] in FAMILIES.values() for title in titles)


def test_a_page_explains_a_rule() -> None:
    page = markdown.render(explanation(replace(rule("J001"), needs=Needs.RUN)), max_rows=None)
    assert page.startswith("# J001 wrong-j001\n\nA thing is wrong.\n\n- severity: error\n")
    assert "- needs: a run (--run)" in page
    # Ours, so its Markdown is left alone.
    assert "\nIt matters, since `others` rely on it.\n" in page
    assert "## Wrong\n\n```text\nbad\n```\n" in page


def test_an_example_that_takes_a_program_is_told_in_a_sentence() -> None:
    blocks = explanation(replace(rule("J001"), bad=built, good=lambda folder: folder))
    assert Markup("A folder in which `weights.bin` is missing.") in blocks
    assert Markup("Made by a program.") in blocks


def test_the_snippet_is_a_configuration() -> None:
    (code,) = (
        block
        for block in explanation(rule("J001"))
        if isinstance(block, Code) and block.language == "toml"
    )
    (entry,) = tomllib.loads(code.text)["check"]["suppress"]
    assert (entry["code"], entry["model"], entry["location"]) == ("J001", "*", "*")
    assert entry["reason"]


def test_the_index_links_to_every_page() -> None:
    text = index(CATALOG)
    assert all(f"[{each.code}]({each.code}.md)" in text for each in CATALOG)


def test_the_index_keeps_its_columns() -> None:
    def check(_: object) -> tuple[()]:
        """`a|b` is wrong."""
        return ()

    line = index([replace(rule("J001"), on_graph=check)]).splitlines()[-1]
    assert line.endswith(r"| `a\|b` is wrong. |")


def test_json_is_valid() -> None:
    rules = (*CATALOG, replace(rule("J001"), bad=built))
    document = json.loads(json.dumps(rules_json(rules)))
    validate(document, "rules-1")
    assert document["rules"][-1]["bad"] is None
    assert document["rules"][-1]["good"] == "good"

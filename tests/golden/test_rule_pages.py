"""docs/rules/ is what the catalog says.

`UPDATE_GOLDEN=1 pytest tests/golden` writes it anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onnxtool.render import markdown
from onnxtool.render.rules import explanation, index
from onnxtool.rules.catalog import CATALOG

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
PAGES = {"README.md": index(CATALOG)} | {
    f"{rule.code}.md": markdown.render(explanation(rule), max_rows=None) for rule in CATALOG
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(PAGES[name], encoding="utf-8")
    assert path.read_text(encoding="utf-8") == PAGES[name]


def test_there_are_no_other_pages() -> None:
    for path in FOLDER.iterdir():
        if os.environ.get("UPDATE_GOLDEN") and path.name not in PAGES:
            path.unlink()
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)

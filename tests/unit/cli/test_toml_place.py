"""Where keys and elements stand, held against what tomllib reads at that place."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.cli.toml_place import Path, places

TEXT = """# c [x]
[check]
select = ["X", # ]
  'Z9', \"\"\"a "" ] b\"\"\"\"\", [1, {a = 1, "b.c".d = [2]}]]
"run" = 1979-05-27 07:32:00 # [hm]
a.b = 3
a . 'c' = true
[[check.suppress]]
code = 'x'
[[check.suppress]]
code = '''y
[[z]]
'''
[check.suppress.more]
q = {}
[ "t\\u0041" . 'x' ]
k = []
"""


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("check",), "check]\nselect"),
        (("check", "select"), "select ="),
        (("check", "select", 0), '"X", # ]'),
        (("check", "select", 1), "'Z9'"),
        (("check", "select", 3), "[1, {"),
        (("check", "select", 3, 1, "a"), "a = 1,"),
        (("check", "select", 3, 1, "b.c", "d", 0), "2]}]]"),
        (("check", "run"), '"run" ='),
        (("check", "a"), "a.b = 3"),
        (("check", "a", "c"), "'c' = true"),
        (("check", "suppress", 0), "check.suppress]]\ncode = 'x'"),
        (("check", "suppress", 1), "check.suppress]]\ncode = '''y"),
        (("check", "suppress", 1, "code"), "code = '''y"),
        (("check", "suppress", 1, "more", "q"), "q = {}"),
        (("tA", "x"), "\"t\\u0041\" . 'x' ]"),
        (("tA", "x", "k"), "k = []"),
    ],
)
def test_each_key_is_where_it_is_written(path: Path, begins: str) -> None:
    assert TEXT.startswith(begins, places(TEXT)[path])


def test_nothing_else_is_found() -> None:
    assert set(places(TEXT)) == set(paths(tomllib.loads(TEXT)))


leaves = st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="ascii"), max_size=6)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="ascii"), max_size=3), values, max_size=4))
def test_every_key_and_element_of_every_text_is_found(content: dict[str, object]) -> None:
    text = "".join(f"{_quoted(key)} = {_written(value)}\n" for key, value in content.items())
    assert tomllib.loads(text) == content
    found = places(text)
    assert set(found) == set(paths(content))
    for path, position in found.items():
        if isinstance(path[-1], str):
            assert text.startswith(_quoted(path[-1]), position)


def _written(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        entries = (f"{_quoted(key)} = {_written(part)}" for key, part in value.items())
        return "{" + ", ".join(entries) + "}"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """JSON escapes as TOML does, but for the one character that TOML wants escaped as well."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def paths(value: object, outer: Path = ()) -> list[Path]:
    """Every key and element inside."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found: list[Path] = []
    for step, part in inner:
        found += [(*outer, step), *paths(part, (*outer, step))]
    return found

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.release.json_place import Step, locate

TEXT = """{
  "a": [1, {"b": "}"},
        [ ]],
  "c": null, "a\\"x": "é", "twice": 1, "twice": 2
}"""


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), (1, 1)),
        (("a",), (2, 8)),
        (("a", 0), (2, 9)),
        (("a", 1, "b"), (2, 18)),
        (("a", 2), (3, 9)),
        (("c",), (4, 8)),
        (('a"x',), (4, 22)),
        (("twice",), (4, 48)),
        (("a", 9), (2, 8)),
        (("missing", "x"), (1, 1)),
        ((0,), (1, 1)),
    ],
)
def test_a_value_is_found(steps: tuple[Step, ...], expected: tuple[int, int]) -> None:
    assert locate(TEXT, steps) == expected


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def paths(value: object) -> list[tuple[tuple[Step, ...], object]]:
    """Every value inside, with the steps that lead to it."""
    found: list[tuple[tuple[Step, ...], object]] = [((), value)]
    inner: list[tuple[Step, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for step, part in inner:
        found += [((step, *steps), leaf) for steps, leaf in paths(part)]
    return found


@given(values, st.sampled_from([None, 0, 2]))
def test_every_value_of_every_text_is_where_it_says(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    for steps, expected in paths(value):
        line, column = locate(text, steps)
        rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == expected

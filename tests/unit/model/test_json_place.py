from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.model.json_place import Step, locate, repeated_key, spelled, token_place, too_deep

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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, ("twice", (4, 39))),
        ('{"a": {"b": 1}, "b": {"b": 2}}', None),
        ('[{"a": 1}, {"a": 1}]', None),
        ('{"a": [{"b": 1},\n {"c": 1, "\\u0063": 2}], "d": }', ("c", (2, 11))),
        ('{"a": {"a": 1}, "b": {"c": {}, "a": 1}, "a": 2}', ("a", (1, 41))),
        ("{}", None),
    ],
)
def test_a_key_that_is_given_twice_is_found(
    text: str, expected: tuple[str, tuple[int, int]] | None
) -> None:
    assert repeated_key(text) == expected


def test_what_is_in_a_string_is_no_token() -> None:
    assert token_place('{"NaN": "NaN",\n"a": NaN}', "NaN") == (2, 6)
    assert token_place('{"NaN": "NaN"}', "NaN") is None


def test_no_nesting_is_too_deep_to_be_found() -> None:
    text = '{"a": 1,\n"b":' + "[" * 100_000 + "3" + "]" * 100_000 + ', "b": 1}'
    assert too_deep(text, 100) == (2, 104)
    assert too_deep(text, 100_001) is None
    assert locate(text.replace(', "b"', ', "c"'), ("b", 0, 0)) == (2, 7)
    assert repeated_key(text) == ("b", (2, 200_008))


def test_steps_are_spelled_as_people_write_them() -> None:
    assert spelled(("files", 3, "path")) == "files[3].path"
    assert spelled(()) == ""

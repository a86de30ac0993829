"""A result cannot be changed, and is in all else what it was."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
from onnxtool.model.frozen import FrozenDict, frozen
from tests.support.models import WORDS_TDT


@pytest.fixture(scope="module")
def folder() -> Inspection | BundleInspection:
    return inspect(WORDS_TDT, at={"time": 57}, hash=False)


def parts(value: object) -> Iterator[object]:
    """A result and everything in it."""
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, dict):
        for part in value.values():
            yield from parts(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from parts(part)


def test_nothing_in_a_result_can_be_changed(folder: BundleInspection) -> None:
    found = {type(part) for part in parts(folder)}
    assert FrozenDict in found
    assert found.isdisjoint({dict, list, set, bytearray})


def test_a_result_survives_pickle_and_copy(folder: BundleInspection) -> None:
    assert pickle.loads(pickle.dumps(folder)) == folder
    assert copy.deepcopy(folder) == folder
    assert {type(part) for part in parts(pickle.loads(pickle.dumps(folder)))} == {
        type(part) for part in parts(folder)
    }


def test_a_result_can_be_hashed() -> None:
    first, second = (inspect(WORDS_TDT, hash=False) for _ in range(2))
    assert hash(first) == hash(second)


def test_a_result_can_be_taken_apart(folder: BundleInspection) -> None:
    assert dataclasses.asdict(folder)["models"][0]["header"]["opset_imports"] == {"": 18}


CHANGES: list[Callable[[Any], object]] = [
    lambda d: d.__setitem__("a", 2),
    lambda d: d.__delitem__("a"),
    lambda d: d.__ior__({"a": 2}),
    lambda d: d.update(a=2),
    lambda d: d.setdefault("b", 2),
    lambda d: d.pop("a"),
    lambda d: d.popitem(),
    lambda d: d.clear(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_refused(change: Callable[[Any], object]) -> None:
    value = FrozenDict(a=1)
    with pytest.raises(TypeError, match="a result cannot be changed"):
        change(value)
    assert value == {"a": 1}


def test_a_frozen_dict_is_a_dict_to_others() -> None:
    value = FrozenDict(b=1, a=2)
    assert json.dumps(value) == '{"b": 1, "a": 2}'
    assert dict(value) | {"c": 3} == {"a": 2, "b": 1, "c": 3}
    assert hash(value) == hash(FrozenDict(a=2, b=1))
    assert copy.copy(value) == value


def test_json_is_frozen_at_any_depth() -> None:
    value = frozen({"a": [{"b": [1]}, None], "c": "d"})
    assert value == {"a": ({"b": (1,)}, None), "c": "d"}
    assert {type(part) for part in parts(value)} <= {FrozenDict, tuple, int, str, type(None)}

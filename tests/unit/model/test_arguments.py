"""What callers pass by mistake: told what is wrong, and what to pass instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import onnxtool
from onnxtool.errors import UsageError
from onnxtool.model.arguments import checked_sizes
from tests.support.models import WORDS_TDT

JOINT = WORDS_TDT / "joint.onnx"


@pytest.mark.parametrize(
    ("function", "models"),
    [
        ("load", 1),
        ("inspect", 1),
        ("check", 1),
        ("verify", 2),
        ("diff", 2),
        ("bench", 1),
        ("write_manifest", 1),
        ("verify_manifest", 1),
    ],
)
@pytest.mark.parametrize(
    ("value", "kind", "hint"),
    [
        (None, "None", "pass the path of an .onnx file"),
        (3, "int", "pass the path of an .onnx file"),
        ([str(JOINT)], "list", "pass the path of an .onnx file"),
        (b"x", "bytes", "write them to a file"),
        (bytearray(b"x"), "bytearray", "write them to a file"),
        (onnx.ModelProto(), "ModelProto", 'onnx.save(model, "model.onnx")'),
    ],
    ids=["None", "number", "list", "bytes", "bytearray", "model"],
)
def test_what_is_no_path_is_refused(
    function: str, models: int, value: Any, kind: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        getattr(onnxtool, function)(*[value] * models)
    assert str(caught.value).startswith(f"{function}() takes ")
    assert str(caught.value).endswith(kind)
    assert hint in caught.value.hint


@pytest.mark.parametrize("model", [None, onnx.ModelProto(), str(JOINT)])
def test_only_a_graph_that_was_loaded_is_saved(model: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"save\(\) takes what load\(\) returns") as caught:
        onnxtool.save(model, tmp_path / "m.onnx")
    assert "onnx.save" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_saved_as_a_graph(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not onnxtool\.model\.bundle\.Bundle"):
        onnxtool.save(onnxtool.load(WORDS_TDT), tmp_path / "m.onnx")  # type: ignore[arg-type]


def test_a_graph_is_saved_to_a_path_alone() -> None:
    model = onnxtool.load(JOINT)
    assert isinstance(model, onnxtool.ModelView)
    with pytest.raises(UsageError, match=r"save\(\) takes a path, not None"):
        onnxtool.save(model, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("time=4", "at takes a mapping of names to sizes, not str"),
        ([("time", 4)], "at takes a mapping of names to sizes, not list"),
        ({"time": "5"}, "at['time'] is no size: '5'"),
        ({"time": 5.0}, "at['time'] is no size: 5.0"),
        ({"time": True}, "at['time'] is no size: True"),
        ({"time": None}, "at['time'] is no size: None"),
        ({"time": -1}, "at['time'] is no size: -1"),
        ({2: 5}, "at takes names of axes, not int"),
    ],
)
def test_sizes_that_are_none_are_refused(at: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        onnxtool.inspect(JOINT, at=at, hash=False)
    assert (str(caught.value), caught.value.hint) == (told, 'as in at={"time": 1000}')


def test_sizes_are_copied() -> None:
    at = {"time": np.int64(5), "batch": 0}
    sizes = checked_sizes(at)
    assert sizes == {"time": 5, "batch": 0}
    assert [type(size) for size in (sizes or {}).values()] == [int, int]
    assert checked_sizes(None) is None

from __future__ import annotations

import pytest

from onnxtool.cli.options import sizes
from onnxtool.errors import UsageError


@pytest.mark.parametrize(
    ("pairs", "result"),
    [
        (None, None),
        ([], None),
        (["time=1000", "batch=1"], {"time": 1000, "batch": 1}),
        (["x:0=3"], {"x:0": 3}),
        (["a=b=3"], {"a=b": 3}),
        (["time=0"], {"time": 0}),
        (["time=007"], {"time": 7}),
        (["time=999999999999"], {"time": 999_999_999_999}),
        (["Größe=3"], {"Größe": 3}),
    ],
)
def test_reads_names_and_sizes(pairs: list[str] | None, result: dict[str, int] | None) -> None:
    assert sizes(pairs) == result


@pytest.mark.parametrize(
    "pair",
    [
        *("time", "time=", "=3", "=", "time=-1", "time=1.5", "time=1e3", "time=0x10"),
        *("time=1_000", "time=1,000"),
        *("time=٣", "time=²", "time=ten", "time= 3", ""),
    ],
)
def test_refuses_what_is_no_name_and_size(pair: str) -> None:
    with pytest.raises(UsageError, match="not NAME=SIZE") as caught:
        sizes([pair])
    assert str(caught.value).startswith(f"--at {pair}: ")
    assert caught.value.hint == "as in --at time=1000"


def test_refuses_what_no_axis_can_be() -> None:
    with pytest.raises(UsageError, match="no axis is that long"):
        sizes(["time=1000000000000"])


def test_refuses_a_name_that_is_given_twice() -> None:
    with pytest.raises(UsageError, match="gives `time` twice"):
        sizes(["time=1", "batch=1", "time=2"])

from __future__ import annotations

import math

import pytest

from onnxtool.cli.limits import given, memory_bytes, seconds
from onnxtool.errors import UsageError


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1000000", 1_000_000),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("2GiB", 2 << 30),
        ("2Gi", 2 << 30),
        ("3k", 3000),
        ("64KiB", 64 << 10),
        ("7B", 7),
    ],
)
def test_reads_amounts_of_memory(text: str, amount: int) -> None:
    assert memory_bytes(text) == amount


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5GB", "GiB", "2TiB", "ten", "1e9", "٣", "9" * 13, "2 G i B", "nan"]
)
def test_refuses_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(UsageError, match="no amount of memory"):
        memory_bytes(text)


@pytest.mark.parametrize("number", [0.001, 1, 60.5, 86_400])
def test_takes_a_time_that_one_can_wait(number: float) -> None:
    assert seconds(number) == number


@pytest.mark.parametrize("number", [0, -1, 86_401, math.inf, math.nan])
def test_refuses_another(number: float) -> None:
    with pytest.raises(UsageError, match="no number of seconds"):
        seconds(number)


def test_an_error_names_the_option() -> None:
    assert given("--time-limit", seconds, None) is None
    assert given("--time-limit", seconds, 3) == 3
    with pytest.raises(UsageError, match=r"--time-limit 0: no number of seconds"):
        given("--time-limit", seconds, 0)

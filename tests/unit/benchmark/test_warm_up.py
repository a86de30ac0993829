"""Runs are stable when they do not get faster any more."""

from __future__ import annotations

import pytest

from onnxtool.benchmark.warm_up import is_stable


@pytest.mark.parametrize(
    ("durations_s", "stable"),
    [
        ([], False),
        ([1.0], False),
        ([1.0, 1.0, 1.0], False),
        ([1.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 0.9, 0.9], False),
        ([2.0, 1.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 0.99, 0.99], True),
        ([1.0, 1.0, 1.2, 1.3], True),
        ([1.0, 1.3, 0.8, 1.1, 0.9, 1.25, 1.2, 0.9, 0.75, 1.1], True),
        ([0.001] * 50, False),
        ([0.001] * 100, True),
        ([0.02 - 0.0001 * step for step in range(100)], False),
    ],
    ids=str,
)
def test_stable_is_not_getting_faster(durations_s: list[float], stable: bool) -> None:
    assert is_stable(durations_s) is stable

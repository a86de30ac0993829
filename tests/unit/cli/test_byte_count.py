from __future__ import annotations

import pytest

from onnxtool.cli.repack import byte_count
from onnxtool.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4096", 4096),
        ("7B", 7),
        ("500MB", 500_000_000),
        ("2GiB", 2 << 30),
        ("2 gib", 2 << 30),
        ("1.5kb", 1500),
        ("1TB", 10**12),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert byte_count(text) == expected


@pytest.mark.parametrize(
    "text", ["", "MB", "-1", "1.5", "1PB", "1e9", "1_000", "500 M B", "\u0661GB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        byte_count(text)

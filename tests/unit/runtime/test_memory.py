"""Memory of a process, its own apart from what it maps."""

from __future__ import annotations

import os
from pathlib import Path

from onnxtool.runtime.memory import MemoryWatch, Resident, resident

STATUS = """Name:\tpython
VmHWM:\t    300 kB
VmRSS:\t    250 kB
RssAnon:\t    100 kB
RssFile:\t    150 kB
RssShmem:\t      0 kB
"""


def test_anonymous_and_mapped_memory_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text(STATUS)
    assert resident(7, tmp_path) == Resident(100 << 10, 150 << 10, 300 << 10)


def test_a_process_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    assert resident(7, tmp_path) is None
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tgone\n")
    assert resident(7, tmp_path) is None


def test_watching_keeps_the_most_that_was_seen() -> None:
    watch = MemoryWatch(os.getpid)
    with watch.watching():
        block = bytearray(64 << 20)
        block[:: 1 << 12] = b"x" * len(block[:: 1 << 12])
        watch.look()
        del block
    assert watch.last is not None
    assert watch.peak_anonymous_bytes >= watch.last.anonymous_bytes + (32 << 20)


def test_watching_nothing_sees_nothing() -> None:
    watch = MemoryWatch(lambda: None)
    with watch.watching():
        pass
    assert watch.last is None

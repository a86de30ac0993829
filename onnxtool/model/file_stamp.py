"""Whether a file is still the one that was read: what changes when somebody writes to it."""

from __future__ import annotations

import os
from typing import NamedTuple


class FileStamp(NamedTuple):
    """What the file system says of a file that was read.

    Attributes:
        modified_ns: When it was last written to.
        inode: Another for a file that was put in its place.
    """

    size_bytes: int
    modified_ns: int
    inode: int


def file_stamp(status: os.stat_result) -> FileStamp:
    """The stamp of the file that has this status."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ino)

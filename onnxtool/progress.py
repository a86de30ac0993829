"""How long work is going; by default nobody listens."""

from __future__ import annotations


class Progress:
    """Receives the progress of one long operation at a time. This one ignores it.

    The command line passes one that draws a bar; the library itself never prints.
    """

    def start(self, label: str, total_bytes: int) -> None:
        """Begin an operation that will read `total_bytes` bytes."""

    def advance(self, count_bytes: int) -> None:
        """`count_bytes` more bytes are done. May be called from several threads."""

    def finish(self) -> None:
        """The operation is over, whether it succeeded or not."""


SILENT = Progress()

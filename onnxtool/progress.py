"""How long work is going; by default nobody listens."""

from __future__ import annotations


class Progress:
    """Receives the progress of one long operation at a time. This one ignores it.

    The command line passes one that draws a bar; the library itself never prints.
    """

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        """Begin an operation of `total` bytes, or of whatever `unit` names; 0 if nobody knows."""

    def advance(self, count: int) -> None:
        """So many more are done. May be called from several threads."""

    def finish(self) -> None:
        """The operation is over, whether it succeeded or not."""


SILENT = Progress()

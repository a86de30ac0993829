"""Progress of long reads, as a bar on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from onnxtool.progress import Progress
from onnxtool.render.units import plain


class ProgressBar(Progress):
    """One bar at a time, gone when the work is done."""

    def start(self, label: str, total: int, unit: str = "bytes") -> None:
        """Show the bar."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(Text(plain(label)).markup, total=total or None)
        self._bar.start()

    def advance(self, count: int) -> None:
        """Move it."""
        self._bar.advance(self._task, count)

    def finish(self) -> None:
        """Take it away."""
        self._bar.stop()

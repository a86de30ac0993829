"""Commands that answer one question, measured in turn and held against the project's limits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.measure import Command, Samples, run_interleaved
from benchmarks.tables import table

HEADER = ("command", "runs", "min s", "median s", "max s", "cpu s", "peak MB", "of fastest peer")


@dataclass(frozen=True, slots=True)
class Row:
    """One command. An `extra` row is shown, but no limit refers to it."""

    label: str
    command: Command
    role: Literal["onnxtool", "peer", "extra"] = "onnxtool"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the project allows onnxtool; None: no limit."""

    wall_s: float | None = None
    of_fastest_peer: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Commands that answer one question; one row is onnxtool's."""

    title: str
    limits: Limits
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit, and whether it holds."""

    text: str
    holds: bool

    def __str__(self) -> str:
        return f"{'within' if self.holds else 'OVER'}: {self.text}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario and its samples, by label."""

    scenario: Scenario
    samples: Mapping[str, Samples]

    @property
    def fastest_peer_s(self) -> float | None:
        """Median of the fastest peer; None without peers."""
        peers = (row.label for row in self.scenario.rows if row.role == "peer")
        return min((self.samples[label].median_s for label in peers), default=None)

    def verdicts(self) -> Iterator[Verdict]:
        """Hold onnxtool's median time and largest peak against the limits."""
        label = next(row.label for row in self.scenario.rows if row.role == "onnxtool")
        limits, ours, peer_s = self.scenario.limits, self.samples[label], self.fastest_peer_s
        if limits.wall_s is not None:
            text = f"{ours.median_s:.2f} s, limit {limits.wall_s:g} s"
            yield Verdict(text, ours.median_s <= limits.wall_s)
        if limits.of_fastest_peer is not None and peer_s is not None:
            ratio = ours.median_s / peer_s
            text = f"{ratio:.3f} of the fastest peer's time, limit {limits.of_fastest_peer:g}"
            yield Verdict(text, ratio <= limits.of_fastest_peer)
        if limits.peak_mb is not None:
            peak_mb = ours.peak_bytes / 1e6
            yield Verdict(
                f"{peak_mb:.0f} MB, limit {limits.peak_mb:g} MB", peak_mb <= limits.peak_mb
            )

    def report(self, *, markdown: bool) -> str:
        """Title, table and verdicts."""
        rows = [self._figures(row, markdown=markdown) for row in self.scenario.rows]
        title = f"### {self.scenario.title}" if markdown else self.scenario.title
        bullet = "- " if markdown else ""
        judged = "\n".join(f"{bullet}{verdict}" for verdict in self.verdicts())
        return f"{title}\n\n{table(HEADER, rows, markdown=markdown)}\n\n{judged}"

    def document(self) -> dict[str, object]:
        """Commands, roles and raw samples, as JSON."""
        rows = [
            {
                "label": row.label,
                "role": row.role,
                "command": list(row.command),
                **self.samples[row.label].document(),
            }
            for row in self.scenario.rows
        ]
        return {"title": self.scenario.title, "rows": rows}

    def _figures(self, row: Row, *, markdown: bool) -> Sequence[str]:
        taken, peer_s = self.samples[row.label], self.fastest_peer_s
        times_s = (taken.min_s, taken.median_s, taken.max_s, taken.median_cpu_s)
        return (
            f"`{row.label}`" if markdown else row.label,
            str(len(taken.samples)),
            *(f"{time_s:.2f}" for time_s in times_s),
            f"{taken.peak_bytes / 1e6:,.0f}",
            f"{taken.median_s / peer_s:.2f}" if peer_s is not None else "",
        )


def measure(scenario: Scenario, rounds: int) -> Outcome:
    """Run the commands of a scenario in turn, with progress on stderr.

    Raises:
        CommandError: A command fails.
    """

    def progress(line: str) -> None:
        print(f"{scenario.title}: {line}", file=sys.stderr, flush=True)

    commands = {row.label: row.command for row in scenario.rows}
    return Outcome(scenario, run_interleaved(commands, rounds, progress))

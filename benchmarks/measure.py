"""Wall time and peak memory of whole processes, and what they were measured on.

Every sample is a fresh process, from its start to its exit, with its output discarded. The peak is
the resident memory of the largest single process, as Linux counts it. Keep the measuring process
small: a child starts with its parent's pages, and they count until it has become the command.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

Command = tuple[str, ...]

# A command that takes longer than this is measured in fewer rounds than the others.
SLOW_S = 20.0
SLOW_ROUNDS = 3

# ru_maxrss is in KiB on Linux and in bytes on macOS.
MAXRSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


class CommandError(Exception):
    """A command could not be found, or failed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process. `cpu_s` is what it computed, in user and system mode, on however many cores."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Samples:
    """The processes of one command, in the order of the rounds."""

    samples: tuple[Sample, ...]

    @property
    def min_s(self) -> float:
        """Fastest wall time."""
        return min(sample.wall_s for sample in self.samples)

    @property
    def median_s(self) -> float:
        """Median wall time."""
        return statistics.median(sample.wall_s for sample in self.samples)

    @property
    def max_s(self) -> float:
        """Slowest wall time."""
        return max(sample.wall_s for sample in self.samples)

    @property
    def median_cpu_s(self) -> float:
        """Median processor time, which other load on the machine disturbs less."""
        return statistics.median(sample.cpu_s for sample in self.samples)

    @property
    def peak_bytes(self) -> int:
        """Largest peak."""
        return max(sample.peak_bytes for sample in self.samples)

    def document(self) -> dict[str, object]:
        """Every sample, as JSON."""
        return {
            "wall_s": [sample.wall_s for sample in self.samples],
            "cpu_s": [sample.cpu_s for sample in self.samples],
            "peak_bytes": [sample.peak_bytes for sample in self.samples],
        }


def cpu_model() -> str:
    """Name of the processor, as Linux reports it."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or "unknown"


def usable_cores() -> int:
    """Cores that this process may run on, which a container can limit."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine and the moment. `load` is the load average of the last minute."""

    cpu: str = field(default_factory=cpu_model)
    cores: int = field(default_factory=usable_cores)
    system: str = field(default_factory=platform.platform)
    python: str = field(default_factory=platform.python_version)
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __str__(self) -> str:
        machine = f"{self.cpu}, {self.cores} cores, load {self.load:g}, {self.system}"
        return f"{machine}, Python {self.python}, {self.date}"

    def document(self) -> dict[str, object]:
        """All fields, as JSON."""
        return {
            "cpu": self.cpu,
            "cores": self.cores,
            "system": self.system,
            "python": self.python,
            "load": self.load,
            "date": self.date,
        }


def run_once(command: Command) -> Sample:
    """Run a command to its end.

    Raises:
        CommandError: It exits with anything but 0.
    """
    start_s = time.perf_counter()
    quiet = subprocess.DEVNULL
    # Compiled in the round that is not counted, as pip compiles what it installs.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CommandError(f"exit code {process.returncode} from: {shlex.join(command)}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Sample(wall_s, cpu_s, usage.ru_maxrss * MAXRSS_UNIT_BYTES)


def run_interleaved(
    commands: Mapping[str, Command], rounds: int, report: Callable[[str], None]
) -> dict[str, Samples]:
    """Run all commands in turn, round by round, so that a disturbance meets them alike.

    A round before the first is not counted: it fills the page cache and compiles the bytecode.

    Args:
        commands: What to run, by label.
        rounds: How often; a command whose first run took over 20 s is run three times at most.
        report: Takes a line of progress for each round.

    Raises:
        CommandError: A command fails.
    """
    samples: dict[str, list[Sample]] = {label: [] for label in commands}
    for index in range(rounds + 1):
        report(f"round {index} of {rounds}" if index else "warm-up round")
        for label, command in commands.items():
            slow = samples[label] and samples[label][0].wall_s > SLOW_S
            if slow and len(samples[label]) >= SLOW_ROUNDS:
                continue
            sample = run_once(command)
            if index:
                samples[label].append(sample)
    return {label: Samples(tuple(taken)) for label, taken in samples.items()}


def locate(name: str) -> Command:
    """Find a tool: beside this interpreter, or else on the PATH.

    Raises:
        CommandError: It is in neither place.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if found is None:
        raise CommandError(f"{name} is neither beside {sys.executable} nor on the PATH")
    return (found,)


def version(tool: Command) -> str:
    """What the tool's own `--version` says, or `unknown`."""
    answer = subprocess.run([*tool, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\w+)+", answer.stdout)
    return found[0] if found and answer.returncode == 0 else "unknown"

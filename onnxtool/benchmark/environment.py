"""The machine, and what else happened on it: what may explain a difference between two runs."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from onnxtool.runtime.options import PROVIDER

# Instruction sets that ONNX Runtime has kernels for: the same model is another speed without.
_ISA = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "sve")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")


@dataclass(frozen=True, slots=True)
class Environment:
    """What does not change while measuring.

    Attributes:
        cpu: Name of the processor.
        cores: Cores that this process may use.
        memory_bytes: Of the machine.
        instruction_sets: Those of the processor that matter.
        governor: How the system chooses its frequency; empty where it does not tell.
        virtual: Whether this is a virtual machine, whose processor others may use, too.
        system: The operating system.
        provider: ONNX Runtime's execution provider.
    """

    cpu: str
    cores: int
    memory_bytes: int
    instruction_sets: tuple[str, ...]
    governor: str
    virtual: bool
    system: str
    provider: str
    onnxruntime: str
    onnxtool: str
    python: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """What else happened, from the beginning to the end.

    Attributes:
        date: When it began, in UTC.
        duration_s: How long it took.
        load_before, load_after: Load average of the last minute; None where there is none.
        steal_share: Part of all processor time that the host gave to others.
        other_share: Part of all processor time that other processes of this machine took.
        frequency_before_mhz, frequency_after_mhz: Of the slowest core.
    """

    date: str
    duration_s: float
    load_before: float | None = None
    load_after: float | None = None
    steal_share: float | None = None
    other_share: float | None = None
    frequency_before_mhz: float | None = None
    frequency_after_mhz: float | None = None


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What else happened while one process was measured; None where the system does not tell.

    Attributes:
        other_share, steal_share: As in `Conditions`, from its start to its end.
        frequency_mhz: Of the slowest core that it may run on, right after its last run: what an
            idle core tells, before and after, says nothing of one that works.
    """

    other_share: float | None = None
    steal_share: float | None = None
    frequency_mhz: float | None = None


def environment() -> Environment:
    """This machine."""
    info = _text("/proc/cpuinfo")
    flags = set((_found(r"^(?:flags|Features)\s*:\s*(.+)$", info) or "").split())
    return Environment(
        cpu=_found(r"^model name\s*:\s*(.+)$", info) or platform.processor() or platform.machine(),
        cores=len(usable_cores()),
        memory_bytes=_memory_bytes(),
        instruction_sets=tuple(name for name in _ISA if name in flags),
        governor=_text(_CPUFREQ / "scaling_governor").strip(),
        virtual="hypervisor" in flags,
        system=platform.platform(),
        provider=PROVIDER,
        onnxruntime=version("onnxruntime"),
        onnxtool=version("onnxtool-cli"),
        python=platform.python_version(),
    )


def usable_cores() -> tuple[int, ...]:
    """The cores that this process may run on."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def siblings(core: int) -> str:
    """The threads of the same physical core, as Linux lists them; itself where that is not told."""
    path = f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
    return _text(path).strip() or str(core)


def in_order(cores: Sequence[int], siblings: Callable[[int], str] = siblings) -> tuple[int, ...]:
    """In which order to use cores: from the last on, since systems keep the first busier.

    A second thread of a physical core comes after the first of all: two on one are two halves.
    """
    firsts = {siblings(core): core for core in cores}
    ordered = sorted(firsts.values(), reverse=True)
    return (*ordered, *(core for core in reversed(cores) if core not in ordered))


def physical_cores() -> int:
    """How many physical cores this process may run on."""
    return len({siblings(core) for core in usable_cores()})


def _memory_bytes() -> int:
    kilobytes = _found(r"^MemTotal:\s*(\d+)", _text("/proc/meminfo"))
    return int(kilobytes or 0) * 1024


@dataclass(frozen=True, slots=True)
class Moment:
    """The counters of the machine at one moment.

    Attributes:
        load: Load average of the last minute; None where there is none.
        busy, idle, steal: Clock ticks of all cores, since the machine was started.
        own: Seconds that this process has computed, and its children that have ended.
        frequency_mhz: Of the slowest core; None where the system does not tell.
    """

    load: float | None
    busy: int
    idle: int
    steal: int
    own: float
    frequency_mhz: float | None


def moment() -> Moment:
    """Now."""
    ticks = [int(count) for count in _text("/proc/stat").partition("\n")[0].split()[1:]]
    user, nice, system, idle, wait, hard, soft, steal, *_ = [*ticks, *[0] * 8]
    frequencies = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", _text("/proc/cpuinfo"), re.MULTILINE)
    times = os.times()
    return Moment(
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        busy=user + nice + system + hard + soft,
        idle=idle + wait,
        steal=steal,
        own=times.user + times.system + times.children_user + times.children_system,
        frequency_mhz=min(map(float, frequencies), default=None),
    )


def frequency_mhz(cores: Sequence[int], cpuinfo: str | Path = "/proc/cpuinfo") -> float | None:
    """Of the slowest of some cores, now; None where the system does not tell."""
    pattern = r"^processor\s*:\s*(\d+)$(?:\n.+)*?\ncpu MHz\s*:\s*([\d.]+)"
    told = re.findall(pattern, _text(cpuinfo), re.MULTILINE)
    return min((float(mhz) for core, mhz in told if int(core) in cores), default=None)


def shares(before: Moment, after: Moment) -> tuple[float | None, float | None]:
    """What other processes, and other virtual machines, took between two moments."""
    busy, steal = after.busy - before.busy, after.steal - before.steal
    total = busy + steal + after.idle - before.idle
    if total <= 0:
        return None, None
    own = (after.own - before.own) * _ticks_per_second()
    return max(0.0, busy - own) / total, steal / total


def conditions(date: str, duration_s: float, before: Moment, after: Moment) -> Conditions:
    """What happened between two moments."""
    other_share, steal_share = shares(before, after)
    return Conditions(
        date=date,
        duration_s=duration_s,
        load_before=before.load,
        load_after=after.load,
        steal_share=steal_share,
        other_share=other_share,
        frequency_before_mhz=before.frequency_mhz,
        frequency_after_mhz=after.frequency_mhz,
    )


def _ticks_per_second() -> int:
    return os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def _text(path: str | Path) -> str:
    """A file of the system; empty where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _found(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else None

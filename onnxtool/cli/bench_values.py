"""What the options of `bench` mean: sizes, percentages, session options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.limits import given, seconds
from onnxtool.errors import UsageError
from onnxtool.runtime.options import Optimization, SessionOptions

if TYPE_CHECKING:
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod

_SWITCHES = {"on": True, "off": False}
_SESSION_HINT = (
    "arena, prepacking or spinning=on|off, execution=parallel|sequential, "
    f"optimization={'|'.join(Optimization)}"
)
MAX_SIZE, MAX_THREADS, MAX_FRAME_MS = 10**12, 1024, 60_000
# Of threads: the number of cores is not known before anything is measured.
ONE_A_CORE = 0


def percentage(option: str, text: str) -> float:
    """`3%` or `0.03` as 0.03.

    Raises:
        UsageError: It is neither, or not above 0 and up to 100 %.
    """
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise UsageError(f"{option} {text}: not above 0% and up to 100%", hint=f"as in {option} 3%")
    return value


def in_seconds(option: str, number: float) -> float:
    """The same number.

    Raises:
        UsageError: Nobody can wait for so long, or it is no number.
    """
    return given(option, seconds, number) or 0.0


def slowdown_limit(text: str, against: Path | None, baseline: Path | None) -> float | None:
    """What `--fail-if-slower` allows.

    Raises:
        UsageError: It is no percentage, or there is not one thing to compare with.
    """
    if against and baseline:
        raise UsageError("--against and --baseline", hint="compare with one at a time")
    if not text:
        return None
    if not (against or baseline):
        raise UsageError("--fail-if-slower: than what?", hint="add --against or --baseline")
    return percentage("--fail-if-slower", text)


def method(precision: str, budget_s: float, processes: int) -> BenchmarkMethod:
    """How to measure.

    Raises:
        UsageError: An option has no such value.
    """
    from onnxtool.benchmark.result import BenchmarkMethod

    wanted = percentage("--precision", precision)
    return BenchmarkMethod(wanted, in_seconds("--budget", budget_s), processes)


def requested(
    at: Sequence[str] | None,
    fixed: Sequence[str] | None,
    threads: str,
    session: Sequence[str] | None,
    chunk: str,
    steps: int | None,
    inputs: Path | None,
    manifest: Path | None,
    frame_ms: float | None,
    time_limit_s: float,
) -> BenchmarkRequest:
    """What is to be measured.

    Raises:
        UsageError: An option has no such value.
    """
    from onnxtool.benchmark.request import BenchmarkRequest

    frames, new = window(chunk)
    if frame_ms is not None and not 0 < frame_ms <= MAX_FRAME_MS:
        raise UsageError(f"--frame-ms {frame_ms:g}: no length of a frame", hint="10 is usual")
    return BenchmarkRequest(
        # What is fixed has no other size.
        at={**{name: (size,) for name, size in free_dimensions(fixed)}, **size_lists(at)},
        options=session_options(threads, session, fixed),
        inputs=inputs,
        manifest=manifest,
        frame_ms=frame_ms,
        chunk=frames,
        shift=new,
        steps=steps,
        time_limit_s=in_seconds("--time-limit", time_limit_s),
    )


def size_lists(pairs: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    """`["time=100,400", "batch=1"]` as a mapping.

    Raises:
        UsageError: One is no NAME=SIZES, or a name is given twice.
    """
    sizes: dict[str, tuple[int, ...]] = {}
    for pair in pairs or ():
        name, equals, numbers = pair.rpartition("=")
        if not (name and equals):
            raise UsageError(f"--at {pair}: not NAME=SIZES", hint="as in --at time=100,400")
        if name in sizes:
            raise UsageError(f"--at gives `{name}` twice", hint="give all sizes at once: 100,400")
        sizes[name] = whole_numbers(f"--at {pair}", numbers, MAX_SIZE)
    return sizes


def whole_numbers(told: str, text: str, most: int) -> tuple[int, ...]:
    """`1,2,4`, without repetitions.

    Raises:
        UsageError: One is no number from 1 to `most`.
    """
    numbers = []
    for part in text.split(","):
        if not (part.isascii() and part.isdecimal() and len(part) <= 12 and 0 < int(part) <= most):
            raise UsageError(f"{told}: `{part}` is no number from 1 to {most:,}")
        numbers.append(int(part))
    return tuple(dict.fromkeys(numbers))


def window(text: str) -> tuple[int | None, int | None]:
    """`57` or `57,24`: feature frames of a step, and how many of them are new.

    Raises:
        UsageError: It is neither.
    """
    if not text:
        return None, None
    numbers = whole_numbers(f"--chunk {text}", text, MAX_SIZE)
    if len(numbers) > 2 or numbers[-1] > numbers[0]:
        raise UsageError(f"--chunk {text}: not FRAMES or FRAMES,NEW", hint="as in --chunk 57,24")
    return numbers[0], numbers[-1] if "," in text else None


def session_options(
    threads: str, session: Sequence[str] | None, fixed: Sequence[str] | None
) -> tuple[SessionOptions, ...]:
    """The settings to measure with: one for each number of threads, which may be one a core.

    Raises:
        UsageError: One is unknown, or has no such value.
    """
    options = SessionOptions(free_dimensions=free_dimensions(fixed))
    named: set[str] = set()
    for pair in session or ():
        name, _, _ = pair.partition("=")
        if name in named:
            raise UsageError(f"--session gives `{name}` twice", hint="leave one of them out")
        named.add(name)
        options = _changed(options, pair)
    counts = (
        whole_numbers(f"--threads {threads}", threads, MAX_THREADS) if threads else (ONE_A_CORE,)
    )
    return tuple(replace(options, threads=count) for count in counts)


def _changed(options: SessionOptions, pair: str) -> SessionOptions:
    name, _, value = pair.partition("=")
    if name in {"arena", "prepacking", "spinning"} and value in _SWITCHES:
        switch = _SWITCHES[value]
        match name:
            case "arena":
                return replace(options, arena=switch)
            case "prepacking":
                return replace(options, prepacking=switch)
            case _:
                return replace(options, spinning=switch)
    if name == "execution" and value in {"parallel", "sequential"}:
        return replace(options, parallel=value == "parallel")
    if name == "optimization" and value in set(Optimization):
        return replace(options, optimization=Optimization(value))
    raise UsageError(f"--session {pair}: no such option or value", hint=_SESSION_HINT)


def free_dimensions(pairs: Sequence[str] | None) -> tuple[tuple[str, int], ...]:
    """`["time=1000"]` as pairs.

    Raises:
        UsageError: One is no NAME=SIZE.
    """
    found: list[tuple[str, int]] = []
    for pair in pairs or ():
        name, equals, number = pair.rpartition("=")
        if not (name and equals):
            raise UsageError(f"--fix {pair}: not NAME=SIZE", hint="as in --fix time=1000")
        sizes = whole_numbers(f"--fix {pair}", number, MAX_SIZE)
        if len(sizes) > 1 or name in dict(found):
            raise UsageError(f"--fix {pair}: one size for each", hint="as in --fix time=1000")
        found.append((name, sizes[0]))
    return tuple(found)

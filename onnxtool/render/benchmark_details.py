"""What there is to say of a benchmark besides latency: start, memory, streams, parts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence

from onnxtool.benchmark.result import Kind, Measurement, ProcessRun, Scenario
from onnxtool.benchmark.streaming import deadline_misses, slope
from onnxtool.render.document import Align, Block, Heading, Paragraph, Table
from onnxtool.render.scenario import title
from onnxtool.render.units import duration, real_time_factor, size

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def details(measured: Sequence[Measurement]) -> Iterator[Block]:
    """Start and memory of all, and what only some have."""
    yield Heading("Processes", note="medians of their start; memory is the most seen")
    yield Table(
        (
            "",
            "processes",
            "outliers",
            "session",
            "first run",
            "throughput",
            "own memory",
            "mapped files",
            "peak",
        ),
        tuple(_start(each) for each in measured),
        (LEFT, *[RIGHT] * 8),
        lesser=("outliers", "throughput", "processes", "first run", "mapped files"),
    )
    streams = [each for each in measured if each.scenario.kind is Kind.STREAM]
    if streams:
        yield Heading("Streaming", note="a closed loop of chunks")
        yield Table(
            ("", "audio a step", "deadlines missed", "slope a step", "95 % interval"),
            tuple(_stream(each) for each in streams),
            (LEFT, *[RIGHT] * 4),
            lesser=("audio a step", "95 % interval"),
        )
    for each in measured:
        if each.scenario.kind is Kind.UTTERANCES:
            yield Heading("Decoding", note=f"parts of {title(each.scenario)}")
            yield _parts(each)
            yield from _each_utterance(each)


def _start(measurement: Measurement) -> tuple[str, ...]:
    processes, scenario = measurement.processes, measurement.scenario
    peaks = [
        max((value for value in values if value is not None), default=None)
        for values in (
            [p.memory.peak_anonymous_bytes for p in processes],
            [p.memory.peak_file_bytes for p in processes],
            [p.memory.peak_bytes for p in processes],
        )
    ]
    return (
        title(scenario),
        str(len(processes)),
        f"{len(measurement.summary.outliers):,}",
        duration(statistics.median(p.session_s for p in processes)),
        duration(statistics.median(_first_run_s(p, scenario) for p in processes)),
        f"{scenario.batch * _samples_of_a_pass(scenario) / measurement.summary.median_s:,.1f}/s",
        *("?" if peak is None else size(peak) for peak in peaks),
    )


def _first_run_s(process: ProcessRun, scenario: Scenario) -> float:
    """Of a stream, the first step: what the other figures beside it are of, too."""
    first_step_s = process.warm_up_s[:1] if scenario.kind is Kind.STREAM else ()
    return first_step_s[0] if first_step_s else process.first_run_s


def _samples_of_a_pass(scenario: Scenario) -> int:
    return scenario.steps if scenario.kind is Kind.UTTERANCES else 1


def _stream(measurement: Measurement) -> tuple[str, ...]:
    audio_s, misses = measurement.scenario.audio_s, deadline_misses(measurement)
    samples = len(measurement.samples_s)
    found = slope(measurement)
    return (
        title(measurement.scenario),
        duration(audio_s[0]) if audio_s else "not known",
        "not known" if misses is None else f"{misses:,} of {samples:,}",
        "" if found is None else _signed(found[0]),
        "" if found is None else f"{_signed(found[1].low)} … {_signed(found[1].high)}",
    )


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}"


def _parts(measurement: Measurement) -> Table:
    whole_s = measurement.summary.median_s
    steps = measurement.scenario.steps
    rows = []
    rest_s = whole_s
    first = measurement.processes[0]
    for part in first.parts_s:
        values = [value for process in measurement.processes for value in process.parts_s[part]]
        passes = [sum(values[at : at + steps]) for at in range(0, len(values), steps)]
        part_s = statistics.median(passes)
        rest_s -= part_s
        calls = first.calls.get(part, 0)
        rows.append(
            (
                part,
                f"{calls:,}",
                duration(part_s / max(calls, 1)),
                duration(part_s),
                f"{part_s / whole_s:.1%}",
            )
        )
    rows.append(
        ("greedy decoding", "", "", duration(max(rest_s, 0.0)), f"{max(rest_s, 0) / whole_s:.1%}")
    )
    return Table(("", "calls", "a call", "a pass", "share"), tuple(rows), (LEFT, *[RIGHT] * 4))


def _each_utterance(measurement: Measurement) -> Iterator[Block]:
    """How utterances differ: each by its median, since a pass is over all of them."""
    scenario, samples_s = measurement.scenario, measurement.samples_s
    if scenario.steps < 2:
        return
    each_s = [statistics.median(samples_s[at :: scenario.steps]) for at in range(scenario.steps)]
    told = f"An utterance takes {_from_to(each_s, duration)}"
    if scenario.audio_s and min(scenario.audio_s) > 0:
        factors = [one_s / audio_s for one_s, audio_s in zip(each_s, scenario.audio_s, strict=True)]
        told += f", RTF {_from_to(factors, real_time_factor)}"
    yield Paragraph(f"{told}.")


def _from_to(values: Sequence[float], written: Callable[[float], str]) -> str:
    middle = written(statistics.median(values))
    return f"{written(min(values))} to {written(max(values))} (median {middle})"

"""A benchmark as a document: what was found, how sure it is, and what it was measured on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from onnxtool.benchmark.comparison import Change, Comparison, compare_within
from onnxtool.benchmark.doubts import doubts, machine_doubts
from onnxtool.benchmark.result import BenchmarkResult, Kind, Measurement, Scenario, Subject
from onnxtool.benchmark.streaming import deadline_misses, slope
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Table, Tone
from onnxtool.render.histogram import histogram
from onnxtool.render.profile import profile_blocks
from onnxtool.render.units import count, listed, size
from onnxtool.runtime.options import SessionOptions

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def document(result: BenchmarkResult, comparison: Comparison | None = None) -> Iterator[Block]:
    """The report of a run, and of its comparison: with a saved one, or of its own two models."""
    candidate = result.models[Subject.CANDIDATE]
    yield Heading(candidate.path, 1, _against(result))
    yield from _surroundings(result)
    for subject in (Subject.CANDIDATE, Subject.REFERENCE):
        measured = result.of(subject)
        if measured:
            yield Heading("Latency", note=_whose(result, subject))
            yield _latencies(measured)
            yield from _details(measured)
    comparison = comparison or compare_within(result)
    if comparison:
        yield from comparison_blocks(comparison)
    yield from profile_blocks(result.profiles)
    yield from _reservations(result)


def _against(result: BenchmarkResult) -> str:
    reference = result.models.get(Subject.REFERENCE)
    return f"against {reference.path}" if reference else ""


def _whose(result: BenchmarkResult, subject: Subject) -> str:
    several = Subject.REFERENCE in result.models
    return result.models[subject].path if several else "with 95 % intervals of the median"


def _surroundings(result: BenchmarkResult) -> Iterator[Block]:
    machine, conditions = result.environment, result.conditions
    isa = f" ({', '.join(machine.instruction_sets)})" if machine.instruction_sets else ""
    virtual = ", virtual" if machine.virtual else ""
    shares = [
        f"{label} {share:.1%}"
        for label, share in (
            ("others", conditions.other_share),
            ("steal", conditions.steal_share),
        )
        if share is not None
    ]
    load = "" if conditions.load_before is None else f"load {conditions.load_before:.1f}"
    used = dict.fromkeys(settings(each.scenario.options) for each in result.measurements)
    yield Facts(
        (
            ("machine", f"{machine.cpu}, {count(machine.cores, 'core')}{virtual}{isa}"),
            ("runtime", f"ONNX Runtime {machine.onnxruntime}, {machine.provider}"),
            *(("settings", each) for each in used),
            ("meanwhile", " · ".join(part for part in (load, *shares) if part) or "not known"),
            ("measured", f"{conditions.date}, for {conditions.duration_s:.0f} s"),
        )
    )


def settings(options: SessionOptions) -> str:
    """The options of a session: threads, and what is not ONNX Runtime's default."""
    where = f" pinned to {listed(map(str, options.cores))}" if options.cores else ", not pinned"
    changed = [
        text
        for text, is_changed in (
            (f"optimization {options.optimization}", options.optimization != "all"),
            ("no spinning", not options.spinning),
            ("no arena", not options.arena),
            ("no pre-packing", not options.prepacking),
            ("parallel execution", options.parallel),
        )
        if is_changed
    ]
    fixed = [f"{name} fixed at {value}" for name, value in options.free_dimensions]
    threads = count(options.threads, "thread") + where
    return " · ".join((threads, *changed, *fixed))


def _latencies(measured: Sequence[Measurement]) -> Table:
    columns = ("", "median", "±", "p90", "p95", "p99", "min", "RTF", "samples", "")
    return Table(
        columns,
        tuple(_latency(each) for each in measured),
        (LEFT, *[RIGHT] * 8, LEFT),
    )


def _latency(measurement: Measurement) -> tuple[str, ...]:
    summary = measurement.summary
    audio_s = _audio_of_a_sample(measurement.scenario)
    return (
        title(measurement.scenario),
        duration(summary.median_s),
        f"{summary.precision:.1%}",
        *(duration(value) for value in (summary.p90_s, summary.p95_s, summary.p99_s)),
        duration(summary.min_s),
        f"{summary.median_s / audio_s:.3f}" if audio_s else "",
        f"{summary.count:,}",
        histogram(measurement.pass_samples_s),
    )


def _audio_of_a_sample(scenario: Scenario) -> float | None:
    if scenario.kind is Kind.UTTERANCES:
        return scenario.pass_audio_s
    return scenario.audio_s[0] if scenario.audio_s else None


def title(scenario: Scenario) -> str:
    """A scenario in a few words."""
    sizes = " ".join(f"{name}={value}" for name, value in scenario.sizes.items())
    if scenario.kind is Kind.UTTERANCES:
        what = count(scenario.steps, "utterance")
    elif scenario.kind is Kind.STREAM:
        what = f"{scenario.graph}, step of {scenario.steps}"
    else:
        what = scenario.graph
    return " ".join(part for part in (what, sizes, f"threads={scenario.options.threads}") if part)


def _details(measured: Sequence[Measurement]) -> Iterator[Block]:
    yield Heading("Start and memory", note="medians of processes; memory is the most seen")
    yield Table(
        (
            "",
            "processes",
            "session",
            "first run",
            "throughput",
            "own memory",
            "mapped files",
            "peak",
        ),
        tuple(_start(each) for each in measured),
        (LEFT, *[RIGHT] * 7),
    )
    streams = [each for each in measured if each.scenario.kind is Kind.STREAM]
    if streams:
        yield Heading("Streaming", note="a closed loop of chunks")
        yield Table(
            ("", "audio a step", "deadlines missed", "slope a step", "95 % interval"),
            tuple(_stream(each) for each in streams),
            (LEFT, *[RIGHT] * 4),
        )
    for each in measured:
        if each.scenario.kind is Kind.UTTERANCES:
            yield Heading("Decoding", note=f"parts of {title(each.scenario)}")
            yield _parts(each)


def _start(measurement: Measurement) -> tuple[str, ...]:
    processes, scenario = measurement.processes, measurement.scenario
    batch = next(iter(scenario.shapes.values()), (1,))[:1] or (1,)
    batch = (1,) if scenario.kind is not Kind.RUN else batch
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
        duration(statistics.median(p.session_s for p in processes)),
        duration(statistics.median(p.first_run_s for p in processes)),
        f"{batch[0] * _samples_of_a_pass(scenario) / measurement.summary.median_s:,.1f}/s",
        *("?" if peak is None else size(peak) for peak in peaks),
    )


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
        ("around them", "", "", duration(max(rest_s, 0.0)), f"{max(rest_s, 0) / whole_s:.1%}")
    )
    return Table(("", "calls", "a call", "a pass", "share"), tuple(rows), (LEFT, *[RIGHT] * 4))


def comparison_blocks(comparison: Comparison) -> Iterator[Block]:
    """What changed, and whether it is real."""
    paired = all(each.paired for each in comparison.changes)
    how = "measured in turn" if paired else "measured one after the other"
    yield Heading("Comparison", note=f"candidate over reference, {how}")
    yield Table(
        ("", "reference", "candidate", "ratio", "95 % interval", "noise floor", "verdict"),
        tuple(_change(each) for each in comparison.changes),
        (LEFT, *[RIGHT] * 5, LEFT),
    )
    for difference in comparison.unlike:
        yield Paragraph(f"Unlike runs, compared with --force: {difference}.", Tone.BAD)


def _change(change: Change) -> tuple[str, ...]:
    return (
        title(change.scenario),
        duration(change.reference_s),
        duration(change.candidate_s),
        f"{change.ratio:.3f}",
        f"{change.interval.low:.3f} … {change.interval.high:.3f}",
        f"±{change.noise_floor:.1%}",
        change.verdict.value,
    )


def _reservations(result: BenchmarkResult) -> Iterator[Block]:
    for failure in result.failures:
        sizes = ", ".join(f"{name}={value}" for name, value in failure.sizes.items())
        where = failure.graph or "utterances"
        yield Paragraph(
            f"Not measured: {where}{f' at {sizes}' if sizes else ''}: {failure.message}", Tone.BAD
        )
    found = [(doubt, "") for doubt in machine_doubts(result)]
    found += [
        (doubt, title(each.scenario))
        for each in result.measurements
        if each.subject is not Subject.AGAIN
        for doubt in doubts(each, result.method.precision)
    ]
    if found:
        yield Heading("Doubts")
        yield Table(("what", "about"), tuple(found))


def duration(seconds: float) -> str:
    """`1.23 s`, `45.6 ms`, `789 µs`: three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        value = seconds * factor
        if value >= 0.9995 or unit == "µs":
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:,.{digits}f} {unit}"
    raise AssertionError("microseconds take any number")

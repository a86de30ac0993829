"""A benchmark as a document: what was found, how sure it is, and what it was measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxtool.benchmark.comparison import Change, Comparison, compare_within
from onnxtool.benchmark.doubts import doubts, machine_doubts
from onnxtool.benchmark.likeness import is_folder, key
from onnxtool.benchmark.profile import Profile
from onnxtool.benchmark.result import BenchmarkResult, Measurement, Subject
from onnxtool.benchmark.statistics import LEAST_SAMPLES, Summary
from onnxtool.render.benchmark_details import details
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Table, Tone
from onnxtool.render.histogram import histogram
from onnxtool.render.profile import profile_blocks, profile_differences
from onnxtool.render.scenario import audio_of_a_sample, failed, settings, title
from onnxtool.render.units import between, count, duration, noise, real_time_factor, share

# In place of a figure that the samples do not give.
NONE = "-"
LEFT, RIGHT = Align.LEFT, Align.RIGHT


def document(
    result: BenchmarkResult,
    comparison: Comparison | None = None,
    saved_profiles: Sequence[Profile] = (),
) -> Iterator[Block]:
    """The report of a run, and of its comparison: with a saved one, or of its own two models."""
    candidate = result.models[Subject.CANDIDATE]
    yield Heading(candidate.path, 1, _against(result))
    yield from _surroundings(result)
    for subject in (Subject.CANDIDATE, Subject.REFERENCE):
        measured = result.of(subject)
        if measured:
            yield Heading("Latency", note=_whose(result, subject))
            yield _latencies(measured)
            yield from _too_few(measured)
            yield from details(measured)
    comparison = comparison or compare_within(result)
    if comparison:
        yield from comparison_blocks(comparison)
    yield from profile_blocks(result.profiles, result.measurements)
    yield from profile_differences(saved_profiles or result.profiles, result.profiles)
    yield from _reservations(result, comparison)


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
    frequencies = conditions.frequency_before_mhz, conditions.frequency_after_mhz
    told = dict.fromkeys(f"{mhz:.0f}" for mhz in frequencies if mhz)
    shares += [f"{' to '.join(told)} MHz"] if told else []
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


def _latencies(measured: Sequence[Measurement]) -> Table:
    columns = (
        "",
        "median",
        "±",
        "p90",
        "p95",
        "p99",
        "min",
        "spread",
        "RTF",
        "samples",
        "histogram",
    )
    return Table(
        columns,
        tuple(_latency(each) for each in measured),
        (LEFT, *[RIGHT] * 9, LEFT),
        lesser=("spread", "p90", "p95", "histogram", "min", "samples", "p99", "RTF"),
    )


def _too_few(measured: Sequence[Measurement]) -> Iterator[Block]:
    """Which percentiles are left out somewhere, and how many samples each takes."""
    missing = [
        f"{name} takes {least}"
        for name, least in LEAST_SAMPLES.items()
        if not all(each.summary.supports(name) for each in measured)
    ]
    if missing:
        yield Paragraph(f"{NONE} is too few samples: {', '.join(missing)} at least.")


def _percentiles(summary: Summary) -> Iterator[str]:
    values = {"p90": summary.p90_s, "p95": summary.p95_s, "p99": summary.p99_s}
    for name, value in values.items():
        yield duration(value) if summary.supports(name) else NONE


def _latency(measurement: Measurement) -> tuple[str, ...]:
    summary = measurement.summary
    audio_s = audio_of_a_sample(measurement.scenario)
    return (
        title(measurement.scenario),
        duration(summary.median_s),
        share(summary.precision),
        *_percentiles(summary),
        duration(summary.min_s),
        f"{summary.spread:.1%}",
        real_time_factor(summary.median_s / audio_s) if audio_s else "",
        f"{summary.count:,}",
        histogram(measurement.pass_samples_s),
    )


def comparison_blocks(comparison: Comparison) -> Iterator[Block]:
    """What changed, and whether it is real."""
    paired = all(each.paired for each in comparison.changes)
    how = "measured in turn" if paired else "measured one after the other"
    yield Heading("Comparison", note=f"candidate over reference, {how}")
    yield Table(
        ("", "reference", "candidate", "ratio", "95 % interval", "noise floor", "verdict"),
        tuple(_change(each) for each in comparison.changes),
        (LEFT, *[RIGHT] * 5, LEFT),
        lesser=("reference", "candidate", "noise floor"),
    )
    for difference in comparison.unlike:
        yield Paragraph(f"Unlike runs, compared with --force: {difference}.", Tone.BAD)


def _change(change: Change) -> tuple[str, ...]:
    return (
        title(change.scenario),
        duration(change.reference_s),
        duration(change.candidate_s),
        f"{change.ratio:.3f}",
        between(change.interval.low, change.interval.high),
        noise(change.noise_floor),
        change.verdict.value,
    )


def _about(measurement: Measurement, result: BenchmarkResult) -> str:
    """What a doubt is about: of two models, which one, too."""
    what = title(measurement.scenario)
    if measurement.subject is Subject.CANDIDATE:
        return what
    return f"{what} of {result.models[Subject.REFERENCE].path}"


def _reservations(result: BenchmarkResult, comparison: Comparison | None) -> Iterator[Block]:
    for failure in result.failures:
        yield Paragraph(f"Not measured: {failed(failure, result.models)}", Tone.BAD)
    found = [(doubt, "") for doubt in machine_doubts(result)]
    # Of models that are measured in turn, it is the ratio that is to be precise.
    by_name = is_folder(result)
    ratios = {
        key(each.scenario, by_name=by_name): each
        for each in (comparison.changes if comparison else ())
        if each.paired
    }
    for each in result.measurements:
        if each.subject is not Subject.AGAIN:
            change = ratios.get(key(each.scenario, by_name=by_name))
            told = doubts(each, result.method.precision, change)
            found += [(doubt, _about(each, result)) for doubt in told]
    if found:
        yield Heading("Doubts")
        yield Table(("what", "about"), tuple(found))

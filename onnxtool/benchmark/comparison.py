"""Tell a real change in latency from noise."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from onnxtool.benchmark.likeness import differences, is_folder, key
from onnxtool.benchmark.result import BenchmarkResult, Measurement, Scenario, Subject
from onnxtool.benchmark.statistics import Groups, Interval, ratio, ratio_interval
from onnxtool.errors import OnnxToolError


class IncomparableRunsError(OnnxToolError):
    """The two runs were not measured under the same conditions."""


class Verdict(enum.StrEnum):
    """What became of the latency."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "no significant difference"


@dataclass(frozen=True, slots=True)
class Change:
    """How many times longer the candidate takes than the reference.

    Attributes:
        scenario: As the candidate ran it.
        reference_s, candidate_s: The median of either: of a run, a step, or a pass over all
            utterances.
        ratio: Of the medians of blocks; of runs that were measured in turn, the median of the
            ratios of neighboring blocks.
        interval: Of the ratio, 95 %.
        noise_floor: By how much the reference may differ from itself here, as a part of it.
        paired: Whether they were measured in turn.
    """

    scenario: Scenario
    reference_s: float
    candidate_s: float
    ratio: float
    interval: Interval
    noise_floor: float
    paired: bool

    @property
    def verdict(self) -> Verdict:
        """Whether it is real: the interval excludes 1, and the change exceeds the noise floor."""
        if self.interval.low > 1 and self.ratio - 1 > self.noise_floor:
            return Verdict.SLOWER
        if self.interval.high < 1 and 1 - self.ratio > self.noise_floor:
            return Verdict.FASTER
        return Verdict.SAME


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, scenario by scenario.

    Attributes:
        changes: In the order of the candidate's scenarios.
        unlike: What differs between the runs besides the models, which was waived.
    """

    changes: tuple[Change, ...]
    unlike: tuple[str, ...] = ()


class Answer(enum.StrEnum):
    """To the question whether the candidate is slower by more than a limit."""

    YES = "slower"
    NO = "within the limit"
    UNCLEAR = "too noisy to say"


def slower_than(change: Change, limit: float) -> Answer:
    """Whether the candidate is slower by more than `limit`, such as 0.03.

    Noise that is larger than the limit allows no answer, unless even the better end of the
    interval is beyond it, or the worse end within.
    """
    if change.interval.high <= 1 + limit:
        return Answer.NO
    if change.verdict is Verdict.SLOWER and change.interval.low > 1 + limit:
        return Answer.YES
    if change.interval.half_width > limit or change.noise_floor > limit:
        return Answer.UNCLEAR
    slower = change.verdict is Verdict.SLOWER and change.ratio > 1 + limit
    return Answer.YES if slower else Answer.NO


def compare_benchmarks(
    reference: BenchmarkResult, candidate: BenchmarkResult, *, force: bool = False
) -> Comparison:
    """Compare two runs that were measured one after the other.

    Args:
        reference: What to compare with; its candidate.
        candidate: The run in question.
        force: Compare runs that are unlike, too, as far as they have scenarios in common.

    Raises:
        IncomparableRunsError: They are unlike, or have no scenario in common; names what differs.
    """
    unlike = tuple(dict.fromkeys(differences(reference, candidate)))
    if unlike and not force:
        raise IncomparableRunsError(
            f"the runs are unlike: {'; '.join(unlike)}",
            hint="measure both on the same machine with the same settings, or pass --force",
        )
    pairs = tuple(_pairs(reference, candidate, exact=not force))
    if not pairs:
        raise IncomparableRunsError(
            "the runs have no scenario in common", hint="measure both at the same sizes"
        )
    return Comparison(tuple(change(old, new) for old, new in pairs), unlike)


def compare_within(result: BenchmarkResult) -> Comparison | None:
    """Compare the candidate of a run with its reference, if it has one."""
    by_name = is_folder(result)
    references, again = (
        {key(each.scenario, by_name=by_name): each for each in result.of(subject)}
        for subject in (Subject.REFERENCE, Subject.AGAIN)
    )
    changes = tuple(
        change(references[name], new, again.get(name), paired=True)
        for new in result.of(Subject.CANDIDATE)
        if (name := key(new.scenario, by_name=by_name)) in references
    )
    return Comparison(changes) if changes else None


def change(
    reference: Measurement,
    candidate: Measurement,
    again: Measurement | None = None,
    *,
    paired: bool = False,
) -> Change:
    """Compare two measurements; `again` is of the reference, too, and gives the noise floor."""
    old, new = reference.groups, candidate.groups
    if paired:
        old, new = _shortened(old, new)
    return Change(
        scenario=candidate.scenario,
        reference_s=reference.summary.median_s,
        candidate_s=candidate.summary.median_s,
        ratio=ratio(new, old, paired=paired),
        interval=ratio_interval(new, old, paired=paired),
        noise_floor=_far_end(between(reference, again))
        if again
        else max(noise_floor(reference), noise_floor(candidate)),
        paired=paired,
    )


def noise_floor(measurement: Measurement) -> float:
    """By how much the processes of one measurement differ, every second from the others.

    Of one process, its blocks; of one block, nothing is known.
    """
    groups = measurement.groups
    if len(groups) < 2:
        groups = [[median_s] for group in groups for median_s in group]
    if len(groups) < 2:
        return 0.0
    return abs(ratio(groups[::2], groups[1::2], paired=False) - 1)


def between(reference: Measurement, other: Measurement) -> Interval:
    """Interval of the ratio of two subjects that were measured in turn."""
    old, new = _shortened(reference.groups, other.groups)
    return ratio_interval(new, old, paired=True)


def _far_end(interval: Interval) -> float:
    return max(interval.high - 1, 1 - interval.low)


def _shortened(left: Groups, right: Groups) -> tuple[Groups, Groups]:
    """Only blocks that both have: the last round may have been cut off between them."""
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(left, right, strict=False)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _pairs(
    reference: BenchmarkResult, candidate: BenchmarkResult, *, exact: bool
) -> Iterator[tuple[Measurement, Measurement]]:
    """The same scenarios; where it need not be exact, the only one with other threads, too."""
    by_name = is_folder(candidate)

    def name(measurement: Measurement) -> tuple[object, ...]:
        return key(measurement.scenario, by_name=by_name)

    old = {name(each): each for each in reference.of(Subject.CANDIDATE)}
    for new in candidate.of(Subject.CANDIDATE):
        *like, _threads = name(new)
        others = [each for whole, each in old.items() if list(whole[:-1]) == like]
        if name(new) in old:
            yield old[name(new)], new
        elif not exact and len(others) == 1:
            yield others[0], new

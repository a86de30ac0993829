"""Why a figure may not mean what it says: doubts are data, and are shown with the figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from onnxtool.benchmark.comparison import Change
from onnxtool.benchmark.environment import Conditions, Environment, Meanwhile
from onnxtool.benchmark.result import BenchmarkResult, Kind, Measurement, Stop, Subject

# Of all processor time, taken by others: what makes a machine not quiet.
QUIET_SHARE = 0.05
# Of all processor time, given by the host to other virtual machines.
STEAL_SHARE = 0.01
# A frequency that falls by more than this: throttling, or a turbo that ended.
FREQUENCY_DROP = 0.05
OUTLIER_SHARE = 0.05
# Shorter runs are mostly the call itself, and the resolution of what surrounds it.
SHORT_S = 20e-6


def machine_doubts(result: BenchmarkResult) -> Iterator[str]:
    """Doubts about everything that was measured."""
    if result.interrupted:
        yield "interrupted: what was measured until then is here, and the rest is missing"
    if result.measurements:
        yield from noise_doubts(result.environment, result.conditions)


def noise_doubts(environment: Environment, conditions: Conditions) -> Iterator[str]:
    """Why the machine was not quiet."""
    if conditions.other_share is not None and conditions.other_share > QUIET_SHARE:
        share = f"{conditions.other_share:.0%}"
        yield f"this machine was not quiet: other processes took {share} of its processor time"
    if conditions.steal_share is not None and conditions.steal_share > STEAL_SHARE:
        yield f"the host gave {conditions.steal_share:.1%} of the processor time to others"
    before, after = conditions.frequency_before_mhz, conditions.frequency_after_mhz
    if before and after and after < before * (1 - FREQUENCY_DROP):
        yield f"the processor slowed down from {before:.0f} to {after:.0f} MHz"
    if environment.governor not in {"", "performance"}:
        yield f"the frequency governor is `{environment.governor}`, not `performance`"


def doubts(
    measurement: Measurement, precision: float, ratio: Change | None = None
) -> Iterator[str]:
    """Doubts about one measurement.

    Args:
        measurement: In question.
        precision: That was asked for.
        ratio: Of what was measured in turn, what came of that: its precision is what was asked
            for, and it is told of the candidate.
    """
    summary, processes = measurement.summary, measurement.processes
    achieved, of_what = summary.precision, "of the median"
    if ratio:
        is_candidate = measurement.subject is Subject.CANDIDATE
        achieved, of_what = ratio.interval.half_width if is_candidate else 0.0, "of the ratio"
    if measurement.stop is not Stop.PRECISION and achieved > precision:
        found = f"±{achieved:.1%}" if achieved < 1 else "more than ±100%"
        yield f"not precise: {found} {of_what}, where ±{precision:.1%} was asked for"
    options = measurement.scenario.options
    if options.cores and options.threads > len(options.cores):
        yield f"more threads than cores to run them on: {options.threads} on {len(options.cores)}"
    if len(processes) < 3:
        yield f"few processes: {len(processes)}"
    unsettled = sum(not process.settled for process in processes)
    if unsettled:
        yield f"{unsettled} of {len(processes)} processes were not warm in their share of the time"
    if len(summary.outliers) > OUTLIER_SHARE * summary.count:
        yield f"{len(summary.outliers)} of {summary.count} samples are outliers"
    if summary.median_s < SHORT_S:
        yield "a run is so short that the call itself is most of it"
    # What is measured in turn with it is disturbed alike: once is enough.
    if measurement.subject is Subject.CANDIDATE:
        yield from _meanwhile_doubts([process.meanwhile for process in processes])
    if not measurement.scenario.real_audio and measurement.scenario.kind is Kind.UTTERANCES:
        yield "made-up audio: how many tokens it has says nothing; --on MANIFEST decodes recordings"


def _meanwhile_doubts(all_of_them: Sequence[Meanwhile]) -> Iterator[str]:
    """What disturbed this one, and may be lost among what else was measured for an hour."""
    others = [each.other_share for each in all_of_them if each.other_share is not None]
    if others and (mean := statistics.mean(others)) > QUIET_SHARE:
        yield f"other processes took {mean:.0%} of the processor time meanwhile"
    steals = [each.steal_share for each in all_of_them if each.steal_share is not None]
    if steals and (mean := statistics.mean(steals)) > STEAL_SHARE:
        yield f"the host gave {mean:.1%} of the processor time to others meanwhile"
    told = [each.frequency_mhz for each in all_of_them if each.frequency_mhz]
    if told and min(told) < max(told) * (1 - FREQUENCY_DROP):
        yield f"its processes ran at {min(told):.0f} to {max(told):.0f} MHz"

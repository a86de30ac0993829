"""Where the time goes: by operator, by module, by node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxtool.benchmark.profile import Profile
from onnxtool.benchmark.result import Measurement, Scenario, Subject
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Share, Table, Tone
from onnxtool.render.units import amount, count

# (name, seconds a run, nodes) of operators or of modules.
Times = Sequence[tuple[str, float, int]]
# Nodes beyond these share what little is left.
MOST_NODES = 50
# ONNX Runtime's profiler counts what it writes of a node, some µs, as time of the node.
SLOWED = 1.2


def profile_blocks(
    profiles: Sequence[Profile], measurements: Sequence[Measurement]
) -> Iterator[Block]:
    """Each profile, and what a run of it takes without the profiler."""
    medians_s = {
        (m.subject.value, *_run_of(m.scenario), m.scenario.options.threads): m.summary.median_s
        for m in measurements
    }
    for profile in profiles:
        yield Heading(f"Profile of {_title(profile)}", note=profile.subject)
        median_s = medians_s.get((profile.subject, *_run_of(profile), profile.threads))
        yield Facts(tuple(_facts(profile, median_s or profile.run_s)))
        if median_s and profile.run_s > median_s * SLOWED:
            slower = f"A run takes {profile.run_s / median_s:.1f} times as long with the profiler"
            yield Paragraph(
                f"{slower}: what it adds to each node makes short ones look long.", Tone.DOUBTFUL
            )
        if not profile.nodes:
            yield Paragraph("No operator is run: all of it is constant.")
            continue
        for label, rows in (("operator", profile.by_operator), ("module", profile.by_module)):
            yield Table(
                (label, "nodes", "a run", "share"),
                tuple(
                    (
                        name,
                        f"{nodes:,}",
                        _milliseconds(seconds),
                        Share(seconds / (_total(profile) or 1)),
                    )
                    for name, seconds, nodes in rows
                ),
                (Align.LEFT, Align.RIGHT, Align.RIGHT),
            )
        yield Table(
            ("node", "operator", "a run"),
            tuple(
                (node.node, node.operator, _milliseconds(node.seconds))
                for node in profile.nodes[:MOST_NODES]
            ),
            (Align.LEFT, Align.LEFT, Align.RIGHT),
        )


def _run_of(what: Profile | Scenario) -> tuple[object, ...]:
    return what.graph, *sorted(what.sizes.items())


def _title(profile: Profile) -> str:
    sizes = (f"{name}={size}" for name, size in profile.sizes.items())
    return " ".join((profile.graph, *sizes, f"threads={profile.threads}"))


def _total(profile: Profile) -> float:
    return sum(node.seconds for node in profile.nodes)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.3f} ms"


def _facts(profile: Profile, median_s: float) -> Iterator[tuple[str, str]]:
    mean = f"mean of {count(profile.runs, 'run')}, the faster half of those profiled"
    yield "profiled run", f"{_milliseconds(profile.run_s)}, {mean}"
    yield "in operators", _milliseconds(_total(profile))
    if profile.macs is not None and median_s:
        rate = f"{amount(int(profile.macs / median_s))}/s in {_milliseconds(median_s)}"
        yield "MACs", f"{amount(profile.macs)}, {rate}"
    if profile.peak_macs_per_s:
        peak = f"{amount(int(profile.peak_macs_per_s))} MACs/s in a matrix product of this machine"
        share = profile.peak_share(median_s)
        yield "of the peak", peak if share is None else f"{share:.1%} of {peak}"
    if profile.trace:
        yield "trace", f"{profile.trace} (for ui.perfetto.dev, or chrome://tracing)"


def profile_differences(before: Sequence[Profile], after: Sequence[Profile]) -> Iterator[Block]:
    """Where the time of the candidate went, compared with the reference: of one run, or of two."""
    subject = Subject.REFERENCE if before is after else Subject.CANDIDATE
    old = [each for each in before if each.subject == subject]
    for new in (each for each in after if each.subject == Subject.CANDIDATE):
        reference = _counterpart(new, old)
        if reference:
            yield Heading("Difference of the profiles", note=f"{_title(new)}, less the reference")
            yield _difference("operator", reference.by_operator, new.by_operator)
            yield _difference("module", reference.by_module, new.by_module)


def _counterpart(new: Profile, profiles: Sequence[Profile]) -> Profile | None:
    """The profile of the same run, or of the only one that has other threads."""
    # Of two graphs, the files are called differently, as a rule.
    alone = len({each.graph for each in profiles}) == 1
    like = [p for p in profiles if p.sizes == new.sizes and (alone or p.graph == new.graph)]
    same = [each for each in like if each.threads == new.threads] or like
    return same[0] if len(same) == 1 else None


def _difference(label: str, old: Times, new: Times) -> Table:
    before, after = ({name: seconds for name, seconds, _ in times} for times in (old, new))
    changes = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in before | after}
    return Table(
        (label, "reference", "candidate", "difference"),
        tuple(
            (
                name,
                _milliseconds(before.get(name, 0.0)),
                _milliseconds(after.get(name, 0.0)),
                f"{change * 1e3:+,.3f} ms",
            )
            for name, change in sorted(changes.items(), key=lambda item: -abs(item[1]))
        ),
        (Align.LEFT, *[Align.RIGHT] * 3),
    )

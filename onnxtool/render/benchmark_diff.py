"""Two saved benchmarks compared: as a document, and as JSON.

The keys are a public contract; the schema is docs/json-schemas/benchmark-diff-1.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from onnxtool.benchmark.comparison import Change, Comparison
from onnxtool.benchmark.document import options
from onnxtool.benchmark.profile import Profile
from onnxtool.render.benchmark import comparison_blocks
from onnxtool.render.document import Block, Heading
from onnxtool.render.profile import profile_differences

SCHEMA = "onnxtool.benchmark-diff/1"
Object = dict[str, object]


def document(
    paths: Sequence[Path], found: Comparison, profiles: Sequence[Sequence[Profile]]
) -> Iterator[Block]:
    """The report; of runs that were profiled, with the difference of their profiles."""
    yield Heading(" → ".join(map(str, paths)), 1)
    yield from comparison_blocks(found)
    yield from profile_differences(*profiles)


def benchmark_difference(paths: Sequence[Path | str], found: Comparison) -> Object:
    """The same as JSON."""
    before, after = paths
    return {
        "schema": SCHEMA,
        "before": str(before),
        "after": str(after),
        "unlike": list(found.unlike),
        "changes": [_change(change) for change in found.changes],
    }


def _change(change: Change) -> Object:
    scenario = change.scenario
    return {
        "kind": scenario.kind.value,
        "graph": scenario.graph,
        "sizes": dict(scenario.sizes),
        "steps": scenario.steps,
        "options": options(scenario.options),
        "before_s": change.reference_s,
        "after_s": change.candidate_s,
        "ratio": change.ratio,
        "interval": [change.interval.low, change.interval.high],
        "noise_floor": change.noise_floor,
        "verdict": change.verdict.value,
    }

"""`onnxtool diff A.json B.json` of two saved benchmarks: is one of them slower?

Told apart here: graphs are compared a layer below benchmarks, and know nothing of them.
"""

from __future__ import annotations

from pathlib import Path

import typer

from onnxtool.cli.bench_refusals import is_saved_run
from onnxtool.cli.exits import ExitCode
from onnxtool.cli.options import Format
from onnxtool.cli.output import deliver, deliver_json
from onnxtool.comparison.difference import Impact

# What a consumer sees differently, and need not change anything for.
SLOWER = Impact.BEHAVIORAL


def are_benchmarks(before: Path, after: Path) -> bool:
    """Whether both are saved benchmarks, or one is and the other is a file to be read as one.

    What is wrong with that, such as its being cut off, is said when it is read.
    """
    from onnxtool.benchmark.reading import is_benchmark

    paths = before, after
    return all(map(is_saved_run, paths)) and any(map(is_benchmark, paths))


def diff_benchmarks(
    before: Path,
    after: Path,
    *,
    fail_on: Impact,
    force: bool,
    format: Format,
    output: Path | None,
    show_all: bool,
) -> None:
    """Compare two saved benchmarks.

    Raises:
        Exit: Something is slower beyond doubt, and that counts.
        OnnxToolError: One cannot be read, or they are unlike.
    """
    from onnxtool.benchmark.comparison import Verdict, compare_benchmarks
    from onnxtool.benchmark.reading import read_benchmark
    from onnxtool.render.benchmark_diff import benchmark_difference, document

    paths = before, after
    old, new = map(read_benchmark, paths)
    found = compare_benchmarks(old, new, force=force)
    if format is Format.JSON:
        deliver_json(benchmark_difference(paths, found), output)
    else:
        blocks = document(paths, found, (old.profiles, new.profiles))
        deliver(blocks, format, output, show_all=show_all)
    is_slower = any(change.verdict is Verdict.SLOWER for change in found.changes)
    if is_slower and SLOWER.reaches(fail_on):
        raise typer.Exit(ExitCode.NEGATIVE)

"""Deliver a benchmark, and the exit code that it ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxtool.cli.bench_refusals import is_saved_run
from onnxtool.cli.exits import ExitCode, complain
from onnxtool.cli.options import Format
from onnxtool.cli.output import deliver, deliver_json
from onnxtool.errors import OnnxToolError

if TYPE_CHECKING:
    from onnxtool.benchmark.comparison import Comparison
    from onnxtool.benchmark.result import BenchmarkResult, Failure, Model, Subject
    from onnxtool.render.document import Block


@dataclass(frozen=True)
class Saved:
    """A run to compare with."""

    path: Path
    result: BenchmarkResult


@dataclass(frozen=True)
class Delivery:
    """Where a result goes: a file whose name ends in .json gets it as JSON, stdout the report."""

    format: Format
    output: Path | None
    show_all: bool

    def show(
        self,
        result: BenchmarkResult,
        comparison: Comparison | None,
        saved: Saved | None = None,
    ) -> None:
        """Write a run, and its comparison: with a saved one, or of its own two models."""
        from onnxtool.benchmark.document import document as as_json
        from onnxtool.benchmark.result import Subject
        from onnxtool.render.benchmark import document
        from onnxtool.render.benchmark_diff import benchmark_difference

        data = as_json(result)
        if comparison:
            old = saved.path if saved else result.models[Subject.REFERENCE].path
            paths = str(old), result.models[Subject.CANDIDATE].path
            data["comparison"] = benchmark_difference(paths, comparison)
        profiles = saved.result.profiles if saved else ()
        self.write(data, document(result, comparison, profiles))

    def write(self, data: object, blocks: Iterable[Block]) -> None:
        """Write a result, which is both.

        Raises:
            OnnxToolError: It cannot be written. What may have taken an hour is then shown, at
                least.
        """
        blocks = tuple(blocks)
        try:
            self._write(data, blocks, self.output)
        except OnnxToolError:
            if self.output:
                self._write(data, blocks, None)
            raise

    def _write(self, data: object, blocks: Iterable[Block], output: Path | None) -> None:
        saves_json = output is not None and is_saved_run(output)
        if saves_json or self.format is Format.JSON:
            deliver_json(data, output)
        if self.format is not Format.JSON:
            deliver(blocks, self.format, None if saves_json else output, show_all=self.show_all)


def verdict(
    result: BenchmarkResult, comparison: Comparison | None, limit: float | None
) -> ExitCode:
    """The exit code, with what there is to complain about told.

    1. What could not be measured, and an interrupt, are trouble.
    2. Slower by more than the limit is a no, and so loud a noise that nobody can say is trouble.
    """
    from onnxtool.benchmark.comparison import Answer, slower_than

    code = complain_of(result)  # 1
    if comparison is None or limit is None:
        return code
    answers = {slower_than(change, limit) for change in comparison.changes}
    if Answer.YES in answers:  # 2
        return ExitCode.NEGATIVE
    if Answer.UNCLEAR in answers:
        complain(
            OnnxToolError(
                f"too noisy to say whether it is slower by more than {limit:.1%}",
                hint="measure on a quieter machine, for longer, or with a larger limit",
            )
        )
        return ExitCode.TROUBLE
    return code


def complain_of(result: BenchmarkResult) -> ExitCode:
    """Tell what could not be measured, and of an interrupt."""
    complain_of_failures(result.failures, result.models)
    if result.interrupted:
        hint = "what was measured until then is in the result"
        complain(OnnxToolError("interrupted", hint=hint))
    return ExitCode.TROUBLE if result.failures or result.interrupted else ExitCode.OK


def complain_of_failures(failures: Sequence[Failure], models: Mapping[Subject, Model]) -> None:
    """Tell what could not be measured: the first, and how many more."""
    from onnxtool.render.scenario import failed

    if failures:
        first, more = failures[0], len(failures) - 1
        rest = f", and {more:,} more could not be measured" if more else ""
        complain(OnnxToolError(f"{failed(first, models)}{rest}"))

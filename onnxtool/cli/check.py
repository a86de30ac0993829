"""`onnxtool check`: may this be released?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onnxtool.cli.check_output import CheckFormat, deliver_checks, fails
from onnxtool.cli.config import Config, FailOn, configuration
from onnxtool.cli.exits import ExitCode, complain, own_up
from onnxtool.cli.limits import given, memory_bytes, seconds
from onnxtool.cli.options import AllOption, AllowLinksOption, OutputOption
from onnxtool.cli.output import progress, refuse_to_overwrite
from onnxtool.errors import OnnxToolError, UsageError

if TYPE_CHECKING:
    from onnxtool.rules.report import CheckReport
    from onnxtool.rules.subject import Settings

EXAMPLES = """
Examples:

onnxtool check export/

onnxtool check joint.onnx --select J --run

onnxtool check export/ --target sherpa-onnx --fail-on warning --format sarif -o check.sarif
"""


def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Graphs, or folders.", readable=False)
    ],
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="CODES", help="Run only rules whose codes begin so, as in X,J001."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Do not run rules that begin so.")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="The least severity that fails the check.", show_default="error"),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run the graphs.", show_default="in folders")
    ] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Run no graph.")] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Read all weights.", show_default="below 1 GB")
    ] = False,
    no_weights: Annotated[bool, typer.Option("--no-weights", help="Do not read them.")] = False,
    contract: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the release promised, as JSON.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[==VERSION]", help="A runtime that must take it. Repeat for more."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="For loading a graph, and for each run.", show_default="60"
        ),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="For running a graph, as in 2GiB.", show_default="none"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The configuration.",
            show_default="onnxtool.toml or pyproject.toml, here or in a folder above",
        ),
    ] = None,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: Annotated[
        CheckFormat, typer.Option("--format", "-f", help="How to write the findings.")
    ] = CheckFormat.TEXT,
    output: OutputOption = None,
) -> None:
    """Hold graphs, or folders of graphs, against the rules of a release.

    A folder is one model, and its graphs are run; a single graph is only with --run. The exit code
    is 1 if there is a finding of the severity of --fail-on or worse. A rule that cannot answer is
    skipped, and says why. `onnxtool rules` lists them all.
    """
    refuse_to_overwrite(output, [*paths, *filter(None, (contract, config))])
    may_run = _either("run", run, no_run)
    if may_run is False and (time_limit is not None or memory_limit is not None):
        raise UsageError("--no-run: nothing is run that could be limited", hint="drop one of them")
    wanted = configuration(config).with_given(
        select=_split(select),
        ignore=_split(ignore),
        fail_on=fail_on,
        run=may_run,
        weights=_either("weights", weights, no_weights),
        contract=contract,
        targets=tuple(target) if target else None,
        time_limit_s=given("--time-limit", seconds, time_limit),
        memory_limit_bytes=given("--memory-limit", memory_bytes, memory_limit),
    )
    reports, failures = _checked(paths, wanted, allow_links=allow_links)
    bugs = [failure for report in reports for failure in report.failed]
    if reports:
        told = [*failures, *(OnnxToolError(bug.message) for bug in bugs)]
        deliver_checks(reports, told, wanted.fail_on, format, output, show_all=show_all)
    for failure in failures:
        complain(failure)
    if bugs:
        own_up("".join(bug.traceback for bug in bugs))
        raise typer.Exit(ExitCode.BUG)
    if failures:
        raise typer.Exit(ExitCode.TROUBLE)
    if any(fails(finding, wanted.fail_on) for report in reports for finding in report.findings):
        raise typer.Exit(ExitCode.NEGATIVE)


def _either(name: str, wanted: bool, unwanted: bool) -> bool | None:
    """What a pair of options says; None where neither is given.

    Raises:
        UsageError: Both are.
    """
    if wanted and unwanted:
        raise UsageError(f"--{name} contradicts --no-{name}", hint="drop one of them")
    return wanted if wanted or unwanted else None


def _split(codes: Sequence[str] | None) -> tuple[str, ...] | None:
    """Codes of lists separated by commas; None for no lists."""
    if not codes:
        return None
    return tuple(code.strip() for text in codes for code in text.split(","))


def _checked(
    paths: Sequence[Path], wanted: Config, *, allow_links: bool
) -> tuple[list[CheckReport], list[OnnxToolError]]:
    """A report for each path that can be read, and why the others cannot."""
    from onnxtool.rules.engine import check as check_path
    from onnxtool.rules.engine import chosen

    chosen(wanted.select, wanted.ignore)
    settings = _settings(wanted)
    reports: list[CheckReport] = []
    failures: list[OnnxToolError] = []
    for path in paths:
        try:
            report = check_path(
                path,
                select=wanted.select,
                ignore=wanted.ignore,
                suppress=wanted.suppress,
                settings=settings,
                allow_links=allow_links,
                progress=progress(),
            )
        except OnnxToolError as error:
            failures.append(error)
        else:
            reports.append(report)
            failures.extend(report.unreadable)
    return reports, failures


def _settings(wanted: Config) -> Settings:
    from onnxtool.rules.subject import Settings
    from onnxtool.runtime.session import Limits

    settings = Settings(run=wanted.run, weights=wanted.weights)
    limits = Limits()
    if wanted.time_limit_s is not None:
        limits = replace(limits, time_s=wanted.time_limit_s)
    if wanted.memory_limit_bytes is not None:
        limits = replace(limits, memory_bytes=wanted.memory_limit_bytes)
    if wanted.contract is not None:
        from onnxtool.model.contract import read_contract

        settings = replace(settings, contract=read_contract(wanted.contract))
    if wanted.targets:
        from onnxtool.rules.target import parse_target

        targets = tuple(parse_target(text) for text in wanted.targets)
        settings = replace(settings, targets=targets)
    return replace(settings, limits=limits)

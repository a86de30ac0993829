"""`onnxtool diff`: is this still the same model, and does its metadata say what it is?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onnxtool.cli.diff_benchmarks import are_benchmarks, diff_benchmarks
from onnxtool.cli.exits import ExitCode
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite
from onnxtool.comparison.difference import Impact
from onnxtool.errors import UsageError

if TYPE_CHECKING:
    from onnxtool.comparison.diff import Diff

EXAMPLES = """
Examples:

onnxtool diff old.onnx new.onnx

onnxtool diff export/ release/ --fail-on behavioral

onnxtool diff export/ model_meta.json --write-meta corrected.json

onnxtool diff before.json after.json --fail-on behavioral
"""


def diff(
    before: Annotated[
        Path,
        typer.Argument(
            metavar="A",
            help="A graph, a folder, a model_meta.json, a contract, or a saved inspection or "
            "benchmark.",
            readable=False,
        ),
    ],
    after: Annotated[
        Path,
        typer.Argument(
            metavar="B",
            help="Another; a bare name is also looked for in the folder A.",
            readable=False,
        ),
    ],
    fail_on: Annotated[
        Impact, typer.Option("--fail-on", help="The least class of difference that exits with 1.")
    ] = Impact.BREAKING,
    no_weights: Annotated[
        bool, typer.Option("--no-weights", help="Do not read the weights: compare their types.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Compare benchmarks of unlike runs, too.")
    ] = False,
    write_meta: Annotated[
        Path | None,
        typer.Option("--write-meta", help="Write the metadata as it should be to this new file."),
    ] = None,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Compare two models, or a model with what is said of it.

    Each difference is breaking (a consumer must change), behavioral (outputs may move) or
    cosmetic. A graph or a folder with a model_meta.json compares what the graphs say with what
    the file says, field by field. The exit code is 1 for a difference of the class --fail-on or
    worse, and when graphs and metadata disagree. Of two saved benchmarks, a scenario that is slower
    beyond doubt is a behavioral difference.
    """
    refuse_to_overwrite(output, [before, after])
    _require_new(write_meta)
    if write_meta is None and are_benchmarks(before, after):
        for option, is_given in (("--no-weights", no_weights), ("--allow-links", allow_links)):
            if is_given:
                raise UsageError(f"{option}: no graphs are read here", hint="leave it out")
        diff_benchmarks(
            before,
            after,
            fail_on=fail_on,
            force=force,
            format=format,
            output=output,
            show_all=show_all,
        )
        return
    if force:
        raise UsageError("--force: these are not two benchmarks", hint="leave it out")
    from onnxtool.comparison.diff import diff as compare

    found = compare(
        before, after, weights=not no_weights, allow_links=allow_links, progress=progress()
    )
    if write_meta is not None:
        _write(found, write_meta)
    if format is Format.JSON:
        from onnxtool.render.diff_json import difference_report

        deliver_json(difference_report(found), output)
    else:
        from onnxtool.render.diff import document

        deliver(document(found), format, output, show_all=show_all)
    if found.fails(fail_on):
        raise typer.Exit(ExitCode.NEGATIVE)


def _write(found: Diff, path: Path) -> None:
    from onnxtool.comparison.metadata import write_metadata

    if found.metadata is None:
        raise UsageError(
            "--write-meta: no metadata is compared with graphs here",
            hint="as in onnxtool diff export/ model_meta.json --write-meta corrected.json",
        )
    write_metadata(found.metadata, path)


def _require_new(path: Path | None) -> None:
    """Metadata is written to a new file.

    Raises:
        UsageError: There is one already, or it would be called a graph.
    """
    refuse_to_overwrite(path, [], option="--write-meta")
    if path is not None and path.exists():
        raise UsageError(
            f"--write-meta {path}: exists", hint="nothing is overwritten; name another file"
        )

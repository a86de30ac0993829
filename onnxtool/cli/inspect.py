"""`onnxtool inspect`: what is in a graph, or in a folder of graphs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onnxtool.cli.exits import ExitCode, complain
from onnxtool.cli.options import (
    AllOption,
    AllowLinksOption,
    AtOption,
    Format,
    FormatOption,
    OutputOption,
    sizes,
)
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite
from onnxtool.errors import OnnxToolError

if TYPE_CHECKING:
    from onnxtool.analysis.inspection import BundleInspection, Inspection

    Results = Sequence[Inspection | BundleInspection]

EXAMPLES = """
Examples:

onnxtool inspect joint.onnx

onnxtool inspect export/ --at time=1000 --at batch=1

onnxtool inspect encoder.onnx --no-hash --format json | jq .states
"""


def inspect(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Graphs, or folders.", readable=False)
    ],
    at: AtOption = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, help="Levels of the module tree.", show_default="1; in JSON all"),
    ] = None,
    no_hash: Annotated[
        bool, typer.Option("--no-hash", help="Do not read the weights for their SHA-256.")
    ] = False,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Describe graphs without loading their weights.

    A folder is one model: its graphs by role, how they feed one another, its metadata, and the
    files that belong to nothing. A model that is damaged but readable is shown with its damage
    listed, and the exit code is 2.
    """
    wanted = sizes(at)
    refuse_to_overwrite(output, paths)
    results: list[Inspection | BundleInspection] = []
    failures: list[OnnxToolError] = []
    for path in paths:
        try:
            results.append(_inspect(path, wanted, no_hash=no_hash, allow_links=allow_links))
        except OnnxToolError as error:
            failures.append(error)
    if results and format is Format.JSON:
        from onnxtool.render.json import inspections

        deliver_json(inspections(results, failures, depth=depth), output)
    elif results:
        from onnxtool.render.inspection import document

        levels = 1 if depth is None else depth
        blocks = (document(result, depth=levels, show_all=show_all) for result in results)
        deliver([block for part in blocks for block in part], format, output, show_all=show_all)
    failures.extend(_damaged(results))
    for failure in failures:
        complain(failure)
    if failures:
        raise typer.Exit(ExitCode.TROUBLE)


def _inspect(
    path: Path, at: dict[str, int] | None, *, no_hash: bool, allow_links: bool
) -> Inspection | BundleInspection:
    from onnxtool.analysis.inspection import inspect as inspect_path

    return inspect_path(path, at=at, hash=not no_hash, allow_links=allow_links, progress=progress())


def _damaged(results: Results) -> Iterator[OnnxToolError]:
    for result in results:
        if result.damage:
            first = result.damage[0]
            more = f", and {len(result.damage) - 1:,} more" if len(result.damage) > 1 else ""
            yield OnnxToolError(
                f"{result.path}: damaged: {first.where}: {first.what}{more}", hint=first.hint
            )

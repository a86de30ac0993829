"""`onnxtool repack`: the same tensors in other files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption
from onnxtool.cli.output import deliver, deliver_json, progress
from onnxtool.errors import UsageError

EXAMPLES = """
Examples:

onnxtool repack export/encoder.onnx -o encoder.onnx

onnxtool repack export/ -o release/

onnxtool repack encoder.onnx -o sharded.onnx --shard-size 1GB

onnxtool repack joint.onnx -o whole.onnx --inline
"""

_UNITS = {
    unit.upper(): number
    for power, prefix in enumerate("KMGT", start=1)
    for unit, number in ((f"{prefix}B", 1000**power), (f"{prefix}iB", 1 << 10 * power))
} | {"": 1, "B": 1}


def repack(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A graph, or a folder of graphs.", readable=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="The graph, or the folder, to write."),
    ],
    shard_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Use several files of at most this size, as in 500MB."),
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Put the weights into the graph, up to 2 GiB.")
    ] = False,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Store the weights of a graph in one file beside it: OUT.data.

    Tensors are copied bit for bit, and compared with the original's before anything appears at
    OUT. Nodes, metadata and all else stay as they are. The input is never changed, and nothing is
    overwritten. The same input gives the same bytes.

    A folder becomes a new folder: its graphs, and the files that belong to them.
    """
    from onnxtool.render.repack import as_json, document
    from onnxtool.transforms.repack import repack as repack_path

    result = repack_path(
        source,
        output,
        inline=inline,
        shard_bytes=None if shard_size is None else byte_count(shard_size),
        allow_links=allow_links,
        progress=progress(),
    )
    if format is Format.JSON:
        deliver_json(as_json(result), None)
    else:
        deliver(document(result), format, None, show_all=show_all)


def byte_count(text: str) -> int:
    """`500MB`, `1.5 GiB` or `4096` as a number of bytes.

    Raises:
        UsageError: It is no size.
    """
    found = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,9}))? ?([KMGT]?I?B|)", text.upper())
    if found is None or (found[2] and not _UNITS[found[3]] > 1):
        raise UsageError(f"--shard-size {text}: not a size", hint="as in 500MB or 2GiB")
    return round(float(f"{found[1]}.{found[2] or 0}") * _UNITS[found[3]])

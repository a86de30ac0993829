"""Time and memory of `onnxtool inspect`, beside its peers, in one run.

    python benchmarks/inspect.py FOLDER              as text
    python benchmarks/inspect.py FOLDER --markdown   for benchmarks/README.md

FOLDER holds encoder.onnx (2.5 GB in 295 files) and inline.onnx (1.8 GB in one). The peers are
Polygraphy and OnnxSlim. Exit code 0: every limit of the project holds; 1: one does not; 2: trouble.
"""

from __future__ import annotations

import sys
from functools import partial
from os.path import realpath, split

if __name__ == "__main__":
    # Python searches a script's folder before its own library, so every import below that uses the
    # standard library's `inspect` would get this file. The repository's root takes its place.
    here = split(realpath(__file__))[0]
    sys.path[:] = [split(here)[0], *(entry for entry in sys.path if realpath(entry) != here)]

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measure import Command, locate, version
from benchmarks.script import ending_in_trouble, measure_and_report, parser_of, require
from benchmarks.side_by_side import Limits, Row, Scenario

TOOLS = ("onnxtool", "polygraphy", "onnxslim")
MODELS = ("encoder", "inline")
SIZES = ("--at", "time=1000", "--at", "batch=1")

LIKE_FOR_LIKE = """\
The like-for-like peer is the faster of `polygraphy inspect model` and `onnxslim --inspect`: as
`onnxtool inspect` does, they fail when a weight file is missing or too short. With
`--ignore-external-data` Polygraphy does not look at those files, so it answers a smaller question;
on a model in one file the option changes nothing. No limit refers to that row."""


def scenarios(tools: Mapping[str, Command], folder: Path) -> tuple[Scenario, ...]:
    """What is measured."""
    encoder, inline = (str(folder / f"{name}.onnx") for name in MODELS)
    onnxtool = tools["onnxtool"]
    against_peers = Limits(of_fastest_peer=0.2, peak_mb=150)
    cost = (*onnxtool, "inspect", "--no-hash", encoder, *SIZES)
    cost_row = Row(f"onnxtool inspect --no-hash {' '.join(SIZES)}", cost)
    help_row = Row("onnxtool --help", (*onnxtool, "--help"))
    return (
        Scenario("encoder.onnx: 2.5 GB in 295 files", against_peers, rows(tools, encoder)),
        Scenario("inline.onnx: 1.8 GB in one file", against_peers, rows(tools, inline)),
        Scenario("encoder.onnx and its cost", Limits(wall_s=3.0, peak_mb=300), (cost_row,)),
        Scenario("Start-up", Limits(wall_s=0.3), (help_row,)),
    )


def rows(tools: Mapping[str, Command], model: str) -> tuple[Row, ...]:
    """Describe one model with every tool."""
    onnxtool, polygraphy, onnxslim = (tools[name] for name in TOOLS)
    partial = ("inspect", "model", "--ignore-external-data")
    return (
        Row("onnxtool inspect --no-hash", (*onnxtool, "inspect", "--no-hash", model)),
        Row("polygraphy inspect model", (*polygraphy, "inspect", "model", model), "peer"),
        Row("onnxslim --inspect", (*onnxslim, "--inspect", model), "peer"),
        Row(f"polygraphy {' '.join(partial)}", (*polygraphy, *partial, model), "extra"),
    )


def override(text: str) -> tuple[str, Command]:
    """Read NAME=COMMAND."""
    name, _, command = text.partition("=")
    if name not in TOOLS or not command:
        raise argparse.ArgumentTypeError(f"not NAME=COMMAND with one of {', '.join(TOOLS)}: {text}")
    return name, tuple(shlex.split(command))


def run(arguments: argparse.Namespace) -> int:
    """Measure and report.

    Raises:
        CommandError: A tool is missing or fails.
    """
    overrides = dict(arguments.tool)
    tools = {name: overrides.get(name) or locate(name) for name in TOOLS}
    versions = {name: version(tools[name]) for name in TOOLS}
    planned = scenarios(tools, arguments.folder)
    return measure_and_report("inspect", planned, arguments, versions, LIKE_FOR_LIKE)


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument(
        "--tool",
        type=override,
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help=f"how to start one of {', '.join(TOOLS)}, if not beside this interpreter",
    )
    arguments = parser.parse_args()
    require(parser, arguments, *MODELS)
    sys.exit(ending_in_trouble(partial(run, arguments)))

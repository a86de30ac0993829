"""Time and memory of the static rules of `onnxtool check` on a full-size export, in one run.

    python benchmarks/check.py FOLDER              as text
    python benchmarks/check.py FOLDER --markdown   for benchmarks/README.md

FOLDER holds the export: four graphs and 590 files of weights, 5.0 GB. Beside it stands what many
pipelines do instead, `onnx.checker` on each graph, which reads no weights either. Exit code 0:
every limit of the project holds; 1: one does not; 2: trouble.
"""

from __future__ import annotations

import sys
from functools import partial
from os.path import realpath, split

if __name__ == "__main__":
    # As in inspect.py: no script here may pass for a module of the standard library.
    here = split(realpath(__file__))[0]
    sys.path[:] = [split(here)[0], *(entry for entry in sys.path if realpath(entry) != here)]

import argparse
import shlex
from pathlib import Path

from benchmarks.measure import Command, locate, version
from benchmarks.script import ending_in_trouble, measure_and_report, parser_of, require
from benchmarks.side_by_side import Limits, Row, Scenario

GRAPHS = ("encoder", "encoder_streaming", "joint", "predictor")
CHECKER = "import sys, onnx; [onnx.checker.check_model(path) for path in sys.argv[1:]]"


def scenarios(onnxtool: Command, folder: Path) -> tuple[Scenario, ...]:
    """What is measured."""
    # Findings are an answer: exit code 1 is no failure.
    static = shlex.join((*onnxtool, "check", str(folder), "--no-run"))
    ours = Row("onnxtool check --no-run", ("sh", "-c", f"{static} || [ $? -eq 1 ]"))
    paths = (str(folder / f"{name}.onnx") for name in GRAPHS)
    checker = Row("onnx.checker.check_model", (sys.executable, "-c", CHECKER, *paths), "peer")
    return (Scenario("Static rules", Limits(wall_s=3.0, peak_mb=250), (ours, checker)),)


def run(arguments: argparse.Namespace) -> int:
    """Measure and report.

    Raises:
        CommandError: A tool is missing or fails.
    """
    onnxtool = tuple(arguments.onnxtool or locate("onnxtool"))
    planned = scenarios(onnxtool, arguments.folder)
    return measure_and_report("check", planned, arguments, {"onnxtool": version(onnxtool)})


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--onnxtool", type=shlex.split, metavar="COMMAND", help="how to start it")
    arguments = parser.parse_args()
    require(parser, arguments, *GRAPHS)
    sys.exit(ending_in_trouble(partial(run, arguments)))

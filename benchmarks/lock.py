"""Time and memory of `onnxtool manifest` and `onnxtool repack` on a full-size model, in one run.

    python benchmarks/lock.py FOLDER              as text
    python benchmarks/lock.py FOLDER --markdown   for benchmarks/README.md

FOLDER holds encoder.onnx (2.5 GB in 295 files). It is linked into a release of its own, which is
locked, verified and repacked. The yardstick is `sha256sum` on the same files. Exit code 0: every
limit of the project holds; 1: one does not; 2: trouble.
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
import tempfile
from pathlib import Path

from benchmarks.measure import Command, CommandError, locate, version
from benchmarks.script import ending_in_trouble, measure_and_report, parser_of, require
from benchmarks.side_by_side import Limits, Row, Scenario
from onnxtool.model.skeleton import referenced_files

# 80 % of the throughput of sha256sum is 1.25 of its time.
OF_SHA256SUM = 1.25


def scenarios(onnxtool: Command, release: Path, scratch: Path) -> tuple[Scenario, ...]:
    """What is measured."""
    files = sorted(str(path) for path in release.iterdir())
    lock, output = str(scratch / "lock.json"), scratch / "repacked"
    links = ("--allow-links",)
    sha256sum = Row("sha256sum", (*locate("sha256sum"), *files), "peer")
    writing = (*onnxtool, "manifest", "write", str(release), "--manifest", lock, *links)
    verifying = (*onnxtool, "manifest", "verify", str(release), "--manifest", lock, *links)
    fast = Limits(of_fastest_peer=OF_SHA256SUM, peak_mb=300)
    # A folder that exists is refused, so each run begins by removing the one before.
    script = f"rm -rf {shlex.quote(str(output))} && exec " + shlex.join(
        (*onnxtool, "repack", str(release), "-o", str(output), *links)
    )
    return (
        Scenario("Lock", fast, (Row("onnxtool manifest write", writing), sha256sum)),
        Scenario("Verify", fast, (Row("onnxtool manifest verify", verifying), sha256sum)),
        Scenario("Repack", Limits(peak_mb=500), (Row("onnxtool repack", ("sh", "-c", script)),)),
    )


def make_release(folder: Path, release: Path) -> None:
    """Link a graph and its weights into a folder of their own.

    Raises:
        CommandError: The folder of the release is on another file system.
    """
    release.mkdir()
    try:
        for name in ("encoder.onnx", *referenced_files(folder / "encoder.onnx")):
            (release / name).hardlink_to(folder / name)
    except OSError as error:
        raise CommandError(f"{folder} cannot be linked to: {error.strerror}") from error


def run(arguments: argparse.Namespace) -> int:
    """Measure and report, in a folder that is removed again.

    Raises:
        CommandError: A tool is missing or fails.
    """
    onnxtool = tuple(arguments.onnxtool or locate("onnxtool"))
    # Beside the model, since hard links do not cross file systems.
    folder = arguments.folder.resolve().parent
    with tempfile.TemporaryDirectory(prefix=".lock-", dir=folder) as scratch:
        release = Path(scratch, "release")
        make_release(arguments.folder, release)
        planned = scenarios(onnxtool, release, Path(scratch))
        return measure_and_report("lock", planned, arguments, {"onnxtool": version(onnxtool)})


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--onnxtool", type=shlex.split, metavar="COMMAND", help="how to start it")
    arguments = parser.parse_args()
    require(parser, arguments, "encoder")
    sys.exit(ending_in_trouble(partial(run, arguments)))

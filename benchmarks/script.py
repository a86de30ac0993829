"""What the scripts that time whole commands share: their options, their report, their exit code."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import CommandError, Environment
from benchmarks.side_by_side import Scenario, measure


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """The options that all of them take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--markdown", action="store_true", help="write Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the raw samples")
    return parser


def require(parser: argparse.ArgumentParser, arguments: argparse.Namespace, *graphs: str) -> None:
    """End with a message where a graph is missing, or the number of rounds is none."""
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    for name in graphs:
        if not (arguments.folder / f"{name}.onnx").is_file():
            script = "samples/parakeet-tdt-0.6b/materialize.py"
            option = " --graph inline" if name == "inline" else ""
            make = f"python {script} {shlex.quote(str(arguments.folder))}{option}"
            parser.error(f"{arguments.folder} has no {name}.onnx; make it with: {make}")


def measure_and_report(
    name: str,
    scenarios: Sequence[Scenario],
    arguments: argparse.Namespace,
    versions: Mapping[str, str],
    remarks: str = "",
) -> int:
    """Measure one scenario after the other and print what came of it.

    Args:
        name: Of the script, for the JSON.
        scenarios: What is measured.
        arguments: The options of `parser_of`.
        versions: Of the tools, by name.
        remarks: Printed last.

    Returns:
        0: every limit of the project holds; 1: one does not.

    Raises:
        CommandError: A command fails.
    """
    environment = Environment()
    outcomes = [measure(scenario, arguments.rounds) for scenario in scenarios]
    heading = _conditions(environment, versions)
    sections = [outcome.report(markdown=arguments.markdown) for outcome in outcomes]
    print("\n\n".join(filter(None, [heading, *sections, remarks])))
    if arguments.json:
        raw = {
            "schema": f"onnxtool-benchmarks/{name}/1",
            "environment": environment.document(),
            "versions": dict(versions),
            "scenarios": [outcome.document() for outcome in outcomes],
        }
        arguments.json.write_text(json.dumps(raw, indent=2) + "\n")
    return 0 if all(item.holds for outcome in outcomes for item in outcome.verdicts()) else 1


def _conditions(environment: Environment, versions: Mapping[str, str]) -> str:
    """What it was measured on, and how."""
    tools = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"{environment}; {tools}.\nThe commands take turns; the first round is not counted, and a "
        "command that takes over 20 s runs at most three times."
    )


def ending_in_trouble(run: Callable[[], int]) -> int:
    """Turn a missing or failing tool into a message, and exit code 2."""
    try:
        return run()
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

"""The cost that `onnxtool inspect` estimates, beside what ONNX Runtime executes.

    python benchmarks/cost.py             the small graphs in samples/words-tdt, also quantized
    python benchmarks/cost.py FOLDER      and the full-size ones that materialize.py writes

For each graph and two sets of sizes: the multiply-accumulates of every operator, counted from the
shapes in ONNX Runtime's profile (executed.py) and as estimated without running anything. Exit code
0: all totals agree within 1 %; 1: one does not; 2: trouble.
"""

from __future__ import annotations

import sys
from os.path import realpath, split

if __name__ == "__main__":
    # As in inspect.py, which the imports below would otherwise get for the standard library's.
    here = split(realpath(__file__))[0]
    sys.path[:] = [split(here)[0], *(entry for entry in sys.path if realpath(entry) != here)]

import argparse
import json
import logging
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from benchmarks.executed import executed_macs
from benchmarks.measure import Command, CommandError, locate
from benchmarks.tables import table

WORDS = Path(__file__).resolve().parent.parent / "samples" / "words-tdt"
TOLERANCE = 0.01
HEADER = ("graph and sizes", "operator", "executed", "estimated", "ratio")

# One utterance and one step of streaming; then a batch of two, with more of everything.
CASES: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("encoder", {"batch": 1, "time": 1000}),
    ("encoder_streaming", {"batch": 1, "time": 57}),
    ("predictor", {"batch": 1, "token_len": 1}),
    ("joint", {"batch": 1, "time": 1, "token_len": 1}),
    ("encoder", {"batch": 2, "time": 431}),
    ("encoder_streaming", {"batch": 2, "time": 105}),
    ("predictor", {"batch": 2, "token_len": 7}),
    ("joint", {"batch": 2, "time": 13, "token_len": 7}),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Multiply-accumulates by operator, of one graph at one set of sizes."""

    title: str
    executed: Mapping[str, int]
    estimated: Mapping[str, int]

    @property
    def agrees(self) -> bool:
        """Whether the totals differ by 1 % at most."""
        executed, estimated = sum(self.executed.values()), sum(self.estimated.values())
        return abs(estimated - executed) <= TOLERANCE * executed

    def rows(self) -> Iterator[Sequence[str]]:
        """One row per operator, and the total."""
        for operator in sorted({*self.executed, *self.estimated}):
            executed, estimated = self.executed.get(operator, 0), self.estimated.get(operator, 0)
            yield self._row(operator, executed, estimated)
        yield self._row("total", sum(self.executed.values()), sum(self.estimated.values()))

    def _row(self, operator: str, executed: int, estimated: int) -> Sequence[str]:
        ratio = f"{estimated / executed:.4f}" if executed else "none executed"
        return (self.title, operator, f"{executed:,}", f"{estimated:,}", ratio)


def estimated_macs(onnxtool: Command, path: Path, sizes: Mapping[str, int]) -> dict[str, int]:
    """Ask the installed command.

    Raises:
        CommandError: It fails.
    """
    at = [word for name, size in sizes.items() for word in ("--at", f"{name}={size}")]
    command = [*onnxtool, "inspect", str(path), *at, "--no-hash", "--format", "json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if answer.returncode != 0:
        raise CommandError(f"exit code {answer.returncode} from: {shlex.join(command)}")
    macs: dict[str, int] = json.loads(answer.stdout)["cost"]["macs"]
    operators: Counter[str] = Counter()
    for name, count in macs.items():
        # The profile names operators without their domain.
        operators[name.rpartition("::")[2]] += count
    return operators


def compare(onnxtool: Command, path: Path, sizes: Mapping[str, int]) -> Comparison:
    """Run one graph, and have it estimated."""
    named = " ".join(f"{name}={size}" for name, size in sizes.items())
    title = f"{path.parent.name}/{path.stem} {named}"
    print(title, file=sys.stderr, flush=True)
    return Comparison(title, executed_macs(path, sizes), estimated_macs(onnxtool, path, sizes))


def quantize(source: Path, out: Path) -> tuple[Path, Path]:
    """Write the four graphs with 8-bit integer arithmetic, and again with 4-bit weights."""
    logging.disable(logging.WARNING)
    eight, four = out / f"{source.name} int8", out / f"{source.name} int4"
    for folder in (eight, four):
        folder.mkdir()
    for path in graphs(source):
        quantize_dynamic(path, eight / path.name)
        quantizer = MatMulNBitsQuantizer(onnx.load(path), block_size=32, is_symmetric=True)
        quantizer.process()
        quantizer.model.save_model_to_file(str(four / path.name))
    return eight, four


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    parser.add_argument("--markdown", action="store_true", help="write Markdown")
    parser.add_argument(
        "--onnxtool",
        type=lambda text: tuple(shlex.split(text)),
        metavar="COMMAND",
        help="how to start onnxtool, if not beside this interpreter",
    )
    arguments = parser.parse_args()
    missing = arguments.folder and any(not path.is_file() for path in graphs(arguments.folder))
    if missing:
        make = f"python samples/parakeet-tdt-0.6b/materialize.py {arguments.folder}"
        parser.error(f"{arguments.folder} lacks one of the four graphs; make them with: {make}")
    return arguments


def graphs(folder: Path) -> set[Path]:
    """The files that the cases need."""
    return {folder / f"{graph}.onnx" for graph, _ in CASES}


def main() -> int:
    """Compare every case and print one table."""
    arguments = parse()
    try:
        onnxtool = arguments.onnxtool or locate("onnxtool")
        with tempfile.TemporaryDirectory() as out:
            folders = [WORDS, *quantize(WORDS, Path(out)), *filter(None, [arguments.folder])]
            comparisons = [
                compare(onnxtool, folder / f"{graph}.onnx", sizes)
                for folder in folders
                for graph, sizes in CASES
            ]
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = [row for comparison in comparisons for row in comparison.rows()]
    print(table(HEADER, rows, markdown=arguments.markdown, text_columns=2))
    off = [comparison.title for comparison in comparisons if not comparison.agrees]
    for title in off:
        print(f"off by more than {TOLERANCE:.0%}: {title}", file=sys.stderr)
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())

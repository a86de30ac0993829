"""`onnxtool verify`: may one model stand in for another?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onnxtool.cli.exits import ExitCode
from onnxtool.cli.options import AllOption, AllowLinksOption, Format, FormatOption, OutputOption
from onnxtool.cli.output import deliver, deliver_json, progress, refuse_to_overwrite
from onnxtool.errors import UsageError

if TYPE_CHECKING:
    from onnxtool.speech.evidence import Utterance

EXAMPLES = """
Examples:

onnxtool verify encoder.onnx encoder.int8.onnx --tolerance 0.05 --bisect

onnxtool verify export/ simplified/ --features features.npz

onnxtool verify export/ quantized/ --audio manifest.jsonl --format json | jq .verdict
"""


def verify(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="The model that is known to be good.")
    ],
    candidate: Annotated[
        Path, typer.Argument(metavar="CANDIDATE", help="The model that is to replace it.")
    ],
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="How far the worst element of a floating-point output may be off, in standard "
            "deviations of the reference's output.",
        ),
    ] = 1e-4,
    trials: Annotated[
        int, typer.Option(min=1, max=1000, help="Random trials, each at other sizes.")
    ] = 4,
    steps: Annotated[
        int, typer.Option(min=1, max=100_000, help="Calls of the closed loop of a stateful graph.")
    ] = 100,
    features: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Real features, [n_mels, T] each.")
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(metavar="MANIFEST", help="Recordings: a NeMo manifest.")
    ] = None,
    max_symbols: Annotated[
        int, typer.Option(min=1, help="Tokens that a decoder may emit at one frame.")
    ] = 10,
    bisect: Annotated[
        bool, typer.Option("--bisect", help="Find the first node that differs, if one does.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one call of a model may take.")
    ] = 300.0,
    allow_links: AllowLinksOption = False,
    show_all: AllOption = False,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """Judge a model by another: run both on the same inputs, and compare every output.

    The reference runs without ONNX Runtime's optimizations. Graphs with states run in a closed
    loop. Folders are judged graph by graph and end to end, by the tokens that they decode. Exit
    code 1 if the candidate may not stand in, or if nothing was proved.
    """
    from onnxtool.comparison.verification import Verdict
    from onnxtool.comparison.verify import verify as judge
    from onnxtool.runtime.session import Limits

    refuse_to_overwrite(output, [reference, candidate])
    utterances, evidence = _utterances(features, audio, reference)
    found = judge(
        reference,
        candidate,
        tolerance=tolerance,
        seeds=trials,
        steps=steps,
        utterances=utterances,
        evidence=evidence,
        max_symbols=max_symbols,
        find_node=bisect,
        limits=Limits(time_limit),
        allow_links=allow_links,
        progress=progress(),
    )
    if format is Format.JSON:
        from onnxtool.render.verification_json import verification

        deliver_json(verification(found), output)
    else:
        from onnxtool.render.verification import document

        deliver(document(found), format, output, show_all=show_all)
    if found.verdict is not Verdict.PASSED:
        raise typer.Exit(ExitCode.NEGATIVE)


def _utterances(
    features: Path | None, audio: Path | None, reference: Path
) -> tuple[list[Utterance], str]:
    """Real utterances, and where they came from."""
    from onnxtool.speech.evidence import read_features, read_recordings
    from onnxtool.speech.features import settings_of

    if features and audio:
        raise UsageError("--features and --audio exclude each other", hint="give one of them")
    if features:
        return _some(read_features(features), features), features.name
    if audio:
        from onnxtool.model.bundle import Bundle, load

        model = load(reference)
        metadata = model.metadata if isinstance(model, Bundle) else None
        settings = settings_of(metadata.fields if metadata else {})
        return _some(read_recordings(audio, settings), audio), audio.name
    return [], "random"


def _some(utterances: Iterable[Utterance], path: Path) -> list[Utterance]:
    found = list(utterances)
    if not found:
        raise UsageError(f"{path}: no utterances in it", hint="leave it out for random values")
    return found

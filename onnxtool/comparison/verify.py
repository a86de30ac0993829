"""`verify`: may the candidate stand in for the reference?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from onnxtool.comparison.bisection import Bisection, bisect
from onnxtool.comparison.bundles import BundleVerification, verify_bundles
from onnxtool.comparison.loop import inputs_at
from onnxtool.comparison.trials import Trial, sweep
from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verifier import SEEDS, STEPS, TOLERANCE, verify_graphs
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, load
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.session import Limits, Session, SessionSettings
from onnxtool.speech.decoding import MAX_SYMBOLS
from onnxtool.speech.evidence import Utterance
from onnxtool.speech.recognizer import EncoderPorts

Model = str | os.PathLike[str] | ModelView | Bundle


def verify(
    reference: Model,
    candidate: Model,
    *,
    tolerance: float = TOLERANCE,
    seeds: int = SEEDS,
    steps: int = STEPS,
    utterances: Sequence[Utterance] = (),
    evidence: str = "random",
    max_symbols: int = MAX_SYMBOLS,
    find_node: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> Verification | BundleVerification:
    """Judge a graph by another, or a folder by another.

    Args:
        reference: The model that is known to be good: a path, or what `load` returned for it.
        candidate: The model that is to replace it.
        tolerance: Of the error of floating-point outputs, in standard deviations of the
            reference's; integers, Booleans and strings must be equal.
        seeds: Number of random trials of a graph, each at other sizes.
        steps: Calls of the first trial of a graph with states.
        utterances: Real ones, for encoders and for folders; without, random values.
        evidence: Where they come from.
        max_symbols: Tokens that a decoder may emit at one frame.
        find_node: Whether to look for the first node that differs, in graphs that fail.
        limits: What one session may take.
        allow_links: Let external data be read through links; for paths only.
        progress: Told about each trial.

    Raises:
        ModelLoadError: One of them cannot be read.
        UnsupportedModelError: One is a graph and the other a folder.
        UsageError: An input has a kind that cannot be made up.
    """
    left, right = (_loaded(model, allow_links=allow_links) for model in (reference, candidate))
    if isinstance(left, Bundle) and isinstance(right, Bundle):
        return verify_bundles(
            left,
            right,
            tolerance=tolerance,
            utterances=utterances,
            evidence=evidence,
            max_symbols=max_symbols,
            limits=limits,
            progress=progress,
        )
    if isinstance(left, Bundle) or isinstance(right, Bundle):
        raise UnsupportedModelError(
            f"{left.path} and {right.path}: one is a graph, the other a folder",
            hint="pass two graphs, or two folders",
        )
    known = signature(left)
    trials = [*sweep(known, seeds=seeds, steps=steps), *_real(known, utterances, evidence)]
    found = verify_graphs(
        left, right, tolerance=tolerance, trials=trials, limits=limits, progress=progress
    )
    if find_node and found.verdict is Verdict.FAILED and not found.misfits:
        where = _first_node(left, right, found, limits=limits, progress=progress)
        return replace(found, bisection=where)
    return found


def _loaded(model: Model, *, allow_links: bool) -> ModelView | Bundle:
    if isinstance(model, ModelView | Bundle):
        return model
    return load(Path(model), allow_links=allow_links)


def _real(known: Signature, utterances: Iterable[Utterance], evidence: str) -> Iterator[Trial]:
    """A trial for each utterance; of graphs that take features and have no states."""
    utterances = list(utterances)
    if not utterances:
        return
    if known.states:
        raise UnsupportedModelError(
            "utterances are for encoders without states, and for folders",
            hint="without them, states are driven with random values",
        )
    ports = EncoderPorts(known)
    for utterance in utterances:
        feeds = ports.feeds(utterance.features)
        sizes = {
            spec.axis_name(axis): feeds[spec.name].shape[axis]
            for spec in known.inputs
            if spec.name in feeds
            for axis in spec.dynamic_axes
        }
        yield Trial(sizes, 0, evidence=f"{evidence}: {utterance.name}", values=(feeds,))


def _first_node(
    reference: ModelView,
    candidate: ModelView,
    found: Verification,
    *,
    limits: Limits,
    progress: Progress,
) -> Bisection | None:
    """Where the graphs part, on the inputs of the output that is off most; None if none is."""
    failed = [output for output in found.outputs if not output.passed]
    if not failed:
        return None
    known = signature(reference)
    worst = max(failed, key=lambda output: output.worst.error)
    with Session(reference.path, SessionSettings(optimize=False), limits) as session:
        calls = worst.trial.calls(reference, known)
        feeds = inputs_at(session, known, calls, worst.step)
    return bisect(
        reference, candidate, feeds, tolerance=found.tolerance, limits=limits, progress=progress
    )

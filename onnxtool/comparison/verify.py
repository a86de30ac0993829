"""`verify`: may the candidate stand in for the reference?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from onnxtool.comparison.bundles import BundleVerification, verify_bundles
from onnxtool.comparison.trials import Trial, sweep
from onnxtool.comparison.values import Array
from onnxtool.comparison.verification import Verification
from onnxtool.comparison.verifier import SEEDS, STEPS, TOLERANCE, verify_graphs
from onnxtool.errors import UnsupportedModelError, UsageError
from onnxtool.model.bundle import Bundle, Source, loaded
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.session import Limits, Session
from onnxtool.speech.cache_aware import AUDIO, LENGTH, CacheAwareEncoder
from onnxtool.speech.cache_sizes import sized
from onnxtool.speech.decoding import MAX_SYMBOLS
from onnxtool.speech.evidence import Utterance
from onnxtool.speech.probing import probe
from onnxtool.speech.recognizer import EncoderPorts
from onnxtool.speech.schedule import schedule_of, windows

# From features [n_mels, T] to the values of inputs, call by call.
Calls = Callable[[Array], Iterable[dict[str, Array]]]


def verify(
    reference: Source,
    candidate: Source,
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
        UsageError: An input has a kind that cannot be made up, or a number is out of range.
    """
    if not 0 <= tolerance < math.inf:
        raise UsageError(f"tolerance {tolerance}: no number from 0", hint="as in 0.0001")
    if min(seeds, steps, max_symbols) < 1:
        raise UsageError("seeds, steps and max_symbols are at least 1")
    left, right = (
        loaded(model, "verify", allow_links=allow_links) for model in (reference, candidate)
    )
    if isinstance(left, Bundle) and isinstance(right, Bundle):
        return verify_bundles(
            left,
            right,
            tolerance=tolerance,
            seeds=seeds,
            steps=steps,
            find_node=find_node,
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
    trials = [*sweep(known, seeds=seeds, steps=steps), *_real(left, utterances, evidence)]
    return verify_graphs(
        left,
        right,
        tolerance=tolerance,
        trials=trials,
        find_node=find_node,
        limits=limits,
        progress=progress,
    )


def _real(model: ModelView, utterances: Sequence[Utterance], evidence: str) -> Iterator[Trial]:
    """A trial for each utterance: whole for encoders, and in chunks for those with caches."""
    if not utterances:
        return
    known = signature(model)
    calls = _chunks(model, known) if known.states else _whole(known)
    for utterance in utterances:
        values = tuple(calls(utterance.features))
        sizes = known.sizes_of({name: value.shape for name, value in values[0].items()})
        yield Trial(sizes, 0, len(values), f"{evidence}: {utterance.name}", values)


def _whole(known: Signature) -> Calls:
    ports = EncoderPorts(known)
    return lambda features: [ports.feeds(features)]


def _chunks(model: ModelView, known: Signature) -> Calls:
    """Windows of one size, as a host gives them that knows this graph only.

    Raises:
        UnsupportedModelError: It is no cache-aware encoder, or how it is driven cannot be told.
    """
    with Session(model.path) as session:
        schedule = schedule_of(probe(sized(CacheAwareEncoder(model, known, session))).config)
    if schedule is None:
        raise UnsupportedModelError(f"{model.path}: its chunks cannot be told by probing")
    uniform = schedule.uniform()

    def calls(features: Array) -> Iterator[dict[str, Array]]:
        for window in windows(features.shape[1], uniform):
            yield {AUDIO: window.of(features[None]), LENGTH: np.array([window.length])}

    return calls

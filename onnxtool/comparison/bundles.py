"""May one folder of graphs stand in for another? Graph by graph, and end to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxtool.comparison.agreement import Agreement, agreement, smooth_noise
from onnxtool.comparison.trials import sweep
from onnxtool.comparison.verification import Verdict, Verification
from onnxtool.comparison.verifier import SEEDS, STEPS, TOLERANCE, verify_graphs
from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.families import Role
from onnxtool.model.pairing import is_features
from onnxtool.progress import SILENT, Progress
from onnxtool.runtime.session import Limits, SessionSettings
from onnxtool.speech.decoding import MAX_SYMBOLS
from onnxtool.speech.evidence import Utterance
from onnxtool.speech.recognizer import Recognizer, token_layout
from onnxtool.speech.transducer import member

# Lengths of made-up utterances, in feature frames: 1 to 3 seconds.
MADE_UP_FRAMES = (103, 208, 317)


@dataclass(frozen=True, slots=True)
class BundleVerification:
    """The verdict on a folder.

    Attributes:
        reference: The folder that is known to be good.
        candidate: The folder that is to replace it.
        graphs: (file name in the reference, verdict) of each graph.
        missing: Graphs of the reference that the candidate has no counterpart of.
        agreement: End to end; None where the folder is no transducer.
        no_agreement: Why there is none; else empty.
        misfits: What beside the graphs makes their output mean something else.
        asked: Whether real utterances were given.
    """

    reference: Path
    candidate: Path
    graphs: tuple[tuple[str, Verification], ...]
    missing: tuple[str, ...]
    agreement: Agreement | None
    no_agreement: str = ""
    misfits: tuple[str, ...] = ()
    asked: bool = False

    @property
    def verdict(self) -> Verdict:
        """The worst of all: failed, then inconclusive, then passed."""
        verdicts = [verification.verdict for _, verification in self.graphs]
        if self.agreement is not None:
            verdicts.append(self.agreement.verdict)
        if self.missing or self.misfits or Verdict.FAILED in verdicts:
            return Verdict.FAILED
        unused = self.asked and self.agreement is None
        doubtful = unused or Verdict.INCONCLUSIVE in verdicts
        return Verdict.INCONCLUSIVE if doubtful else Verdict.PASSED


def verify_bundles(
    reference: Bundle,
    candidate: Bundle,
    *,
    tolerance: float = TOLERANCE,
    seeds: int = SEEDS,
    steps: int = STEPS,
    find_node: bool = False,
    utterances: Sequence[Utterance] = (),
    evidence: str = "random",
    max_symbols: int = MAX_SYMBOLS,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    progress: Progress = SILENT,
) -> BundleVerification:
    """Judge a folder by another: every graph, and the tokens of a transducer as a whole.

    Args:
        reference: The folder that is known to be good.
        candidate: The folder that is to replace it.
        tolerance: Of the error of floating-point outputs, in standard deviations.
        seeds: Number of random trials of each graph.
        steps: Calls of the first trial of a graph with states.
        find_node: Whether to look for the first node that differs, in graphs that fail.
        utterances: What to recognize; made-up ones if there are none.
        evidence: Where they come from.
        max_symbols: Tokens at one frame, at most.
        limits: What one session may take.
        progress: Told about each trial.

    Raises:
        RunError: A graph that passed by itself does not run as part of the whole.
    """
    pairs = [(graph, counterpart(graph, candidate)) for graph in reference.models]
    graphs = tuple(
        (
            graph.name,
            verify_graphs(
                graph.view,
                other.view,
                tolerance=tolerance,
                trials=sweep(graph.signature, seeds=seeds, steps=steps),
                find_node=find_node,
                limits=limits,
                progress=progress,
            ),
        )
        for graph, other in pairs
        if other
    )
    found, reason = None, ""
    try:
        found = _agreement(
            reference, candidate, utterances, evidence, max_symbols=max_symbols, limits=limits
        )
    except UnsupportedModelError as error:
        reason = str(error)
    return BundleVerification(
        reference.path,
        candidate.path,
        graphs,
        tuple(graph.name for graph, other in pairs if other is None),
        found,
        reason,
        tuple(_vocabulary_misfits(reference, candidate)),
        asked=bool(utterances),
    )


def _vocabulary_misfits(reference: Bundle, candidate: Bundle) -> Iterator[str]:
    """The same ids must be the same words."""
    left = reference.vocabulary.tokens if reference.vocabulary else ()
    right = candidate.vocabulary.tokens if candidate.vocabulary else ()
    if left and not right:
        yield "the vocabulary is gone"
    elif left and len(left) != len(right):
        yield f"the vocabulary has {len(right)} tokens, had {len(left)}"
    changed = [i for i, (one, other) in enumerate(zip(left, right, strict=False)) if one != other]
    if changed:
        first = changed[0]
        others = f", and {len(changed) - 1} more differ" if len(changed) > 1 else ""
        yield f"token {first} is `{right[first]}`, was `{left[first]}`{others}"


def counterpart(graph: Member, bundle: Bundle) -> Member | None:
    """The graph of the same name, or else the only one of the same role."""
    for other in bundle.models:
        if other.name == graph.name:
            return other
    same = [other for other in bundle.models if other.signature.role is graph.signature.role]
    return same[0] if len(same) == 1 and graph.signature.role is not Role.OTHER else None


def _agreement(
    reference: Bundle,
    candidate: Bundle,
    utterances: Sequence[Utterance],
    evidence: str,
    *,
    max_symbols: int,
    limits: Limits,
) -> Agreement:
    layout = token_layout(reference)
    raw = SessionSettings(optimize=False)
    with (
        Recognizer(reference, layout, settings=raw, limits=limits, max_symbols=max_symbols) as left,
        Recognizer(
            candidate, token_layout(candidate), limits=limits, max_symbols=max_symbols
        ) as right,
    ):
        tried = utterances or list(_made_up(reference))
        return agreement(left.recognize, right.recognize, tried, evidence)


def _made_up(bundle: Bundle) -> Iterator[Utterance]:
    encoder = member(bundle, Role.ENCODER)
    specs = encoder.signature.free_inputs if encoder else ()
    sizes = [size for spec in specs if is_features(spec) for size in spec.shape or ()]
    n_mels = next((size for size in sizes if isinstance(size, int) and size > 1), 80)
    for seed, frames in enumerate(MADE_UP_FRAMES):
        yield Utterance(f"noise {seed}", smooth_noise(n_mels, frames, seed))

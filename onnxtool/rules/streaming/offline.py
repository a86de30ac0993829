"""S: a streaming encoder beside the model that was trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.model.families import Role
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.arithmetic import QUANTIZED_SHARE, rounding, rounds_to_bytes, tolerance
from onnxtool.rules.examples.streaming import folder, offline, pair
from onnxtool.rules.experiments import STREAMING
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.streaming.loop import miscounted
from onnxtool.rules.streaming.schedule import UNALIGNED, lost_or_repeated
from onnxtool.rules.streaming.training import looking_ahead
from onnxtool.rules.subject import GraphSubject, first
from onnxtool.speech.axes import FRAMES_AXIS, frames_axis
from onnxtool.speech.cache_aware import (
    AUDIO,
    LENGTH,
    Array,
    frame_outputs,
    joined,
    length_outputs,
    stream,
)

# Of a standard deviation: rounding gives a hundredth of it.
TOLERANCE = 1e-3
# Without a graph for the first chunk the start differs. What is left of that later is below this,
# as a share of the power; an encoder that cannot stream is above it for good.
LATE_TOLERANCE = 0.1
TINY = float(np.finfo(np.float32).tiny)
CALLS = 10


@graph_rule(
    "S012",
    "streaming-unlike-offline",
    severity=Severity.ERROR,
    fix="Release the offline encoder, or train the model for streaming: chunked attention, causal "
    "convolution.",
    bad=folder({**pair(), "encoder.onnx": offline(scale=1.1)}),
    good=folder({**pair(), "encoder.onnx": offline()}),
    needs=Needs.RUN,
    roles=STREAMING,
)
def streaming_unlike_offline(graph: GraphSubject) -> Iterator[Problem]:
    """Chunk by chunk, the encoder gives other frames than the offline encoder for the whole.

    A model trained for streaming gives the same frames but for rounding, so that any difference is
    a fault of the export. One trained with unlimited context cannot (then a warning, see S013): its
    recognition rate in a stream is not that which was measured offline.
    """
    runs = graph.runs
    if runs.later:
        raise Skipped(f"it is the first chunk's graph of `{runs.later.name}`, and run with that")
    whole = _counterpart(graph)
    runs.require_repeatable()
    _require_sound_cache(graph)
    if runs.first:
        _require_sound_cache(runs.first)
    if any(lost_or_repeated(runs)):
        raise Skipped(UNALIGNED)
    alone = runs.first is None and runs.probe.drop_extra_pre_encoded > 0
    schedule = runs.schedule.padded() if alone else runs.schedule
    total = schedule.chunk_size[0] + CALLS * schedule.shift_size[1] + 3
    features = runs.encoder.feeds(total)[AUDIO]
    starter = runs.first.runs.encoder if runs.first else runs.encoder
    streamed = joined(stream(features, schedule, runs.encoder, starter)).astype(np.float64)
    severity = None if _is_causal(graph) else Severity.WARNING
    quantized = rounds_to_bytes(graph.view) or rounds_to_bytes(whole.view)
    reference = _offline(whole, features)
    if not np.isfinite(reference).all():
        raise Skipped(f"what `{whole.name}` gives is not finite (M010)")
    if not np.isfinite(streamed).all():
        yield Problem(f"gives values that are not finite, where `{whole.name}` gives none")
    elif streamed.shape != reference.shape:
        yield Problem(
            f"{streamed.shape[1]} frames chunk by chunk, {reference.shape[1]} from `{whole.name}`",
            severity=severity,
        )
    elif alone or quantized:
        limit = QUANTIZED_SHARE if quantized else LATE_TOLERANCE
        yield from _unlike_in_share(whole, reference, streamed, severity, limit, late=alone)
    elif (difference := compare_values(reference, streamed)).error > tolerance(
        TOLERANCE, graph.view, whole.view
    ):
        yield Problem(
            f"on {total} feature frames, up to {difference.max_abs:.2g} from `{whole.name}`, "
            f"{difference.error:.2g} standard deviations, at frame {difference.where[-1]} of "
            f"{reference.shape[1]}",
            severity=severity,
        )


def _require_sound_cache(graph: GraphSubject) -> None:
    """Raises `Skipped` where another rule tells what is wrong with its cache."""
    use = graph.runs.use
    if use.written and use.read and use.written != use.read:
        raise Skipped(f"`{graph.name}` writes its cache to one side and reads the other (S005)")
    if any(miscounted(graph)):
        raise Skipped(f"`{graph.name}` counts the frames in its cache wrongly (S003)")


def _counterpart(graph: GraphSubject) -> GraphSubject:
    """The offline encoder of its folder: one that rounds as it does, else the most exact.

    Raises:
        Skipped: There is none.
    """
    encoders = [other for other in graph.siblings if other.signature.role is Role.ENCODER]
    own = rounding(graph.view)

    def unlikeness(other: GraphSubject) -> tuple[bool, float]:
        theirs = rounding(other.view)
        return theirs != own, theirs

    return first(sorted(encoders, key=unlikeness), "no offline encoder")


def _unlike_in_share(
    whole: GraphSubject,
    reference: Array,
    streamed: Array,
    severity: Severity | None,
    limit: float,
    *,
    late: bool,
) -> Iterator[Problem]:
    """Compare powers; of a stream that has zeros before it, in the later half only."""
    start = reference.shape[1] // 2 if late else 0
    exact, ours = reference[:, start:], streamed[:, start:]
    share = float(np.linalg.norm(exact - ours)) / max(float(np.linalg.norm(exact)), TINY)
    if share > limit:
        where = "the later half of " if late else ""
        yield Problem(
            f"in {where}{reference.shape[1]} frames, {share:.0%} off `{whole.name}` "
            f"(root mean square), up to {np.abs(exact - ours).max():.2g}",
            severity=severity,
        )


def _offline(whole: GraphSubject, features: Array) -> Array:
    """The valid frames [D, T] of the offline encoder."""
    if {spec.name for spec in whole.signature.inputs} != {AUDIO, LENGTH}:
        raise Skipped(f"`{whole.name}` takes other inputs")
    if not frame_outputs(whole.signature) or not length_outputs(whole.signature):
        raise Skipped(f"`{whole.name}` does not give frames and their lengths")
    audio, length = (
        next(spec for spec in whole.signature.inputs if spec.name == name)
        for name in (AUDIO, LENGTH)
    )
    # Of a batch, the first is compared.
    batch = audio.size(0)
    features = features[:1].repeat(batch if isinstance(batch, int) else 1, axis=0)
    lengths = np.full(len(features), features.shape[-1])
    values = whole.session.run(
        {AUDIO: features.astype(audio.dtype), LENGTH: lengths.astype(length.dtype)}
    )
    output, encoded = frame_outputs(whole.signature)[0], length_outputs(whole.signature)[0]
    if not values[encoded.name].size:
        raise Skipped(f"`{whole.name}` gives the lengths of no utterance")
    valid = int(values[encoded.name].flat[0])
    axis = frames_axis(output, values[output.name].shape, valid)
    frames: Array = np.moveaxis(values[output.name], axis, FRAMES_AXIS)[0, :, :valid]
    return frames.astype(np.float64)


def _is_causal(graph: GraphSubject) -> bool:
    """Whether its convolutions are known to be those of a model that was trained for streaming."""
    try:
        return not looking_ahead(graph, graph.runs.encoder.conv_size)
    except Skipped:
        return False

"""S: a streaming encoder beside the model that was trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.model.families import Role
from onnxtool.rules.arithmetic import rounding, tolerance
from onnxtool.rules.examples.streaming import encoder, folder, offline, pair, positions
from onnxtool.rules.experiments import STREAMING
from onnxtool.rules.positions import position_limit
from onnxtool.rules.rule import Needs, Problem, Severity, Skipped, bundle_rule, graph_rule
from onnxtool.rules.streaming.schedule import lost_or_repeated
from onnxtool.rules.subject import BundleSubject, GraphSubject, first
from onnxtool.speech.cache_aware import (
    AUDIO,
    CACHE_AXIS,
    CHANNEL,
    CONV_AXIS,
    LENGTH,
    TIME,
    Array,
    joined,
    stream,
)
from onnxtool.speech.cache_sizes import kernels

# Of a standard deviation: rounding gives a hundredth of it.
TOLERANCE = 1e-3
# Without a graph for the first chunk the start differs. What is left of that later is below this,
# as a share of the power; an encoder that cannot stream is above it for good.
LATE_TOLERANCE = 0.1
CALLS = 10

_TWO_AHEAD = """
        context = Squeeze(cache_last_time, one)
        joined = Concat <axis = 2> (context, frames)
        wide = Constant <value = float[2, 1, 5]
            {0.5, 0.1, 0.2, 0.1, 0.2, 0.5, 0.1, 0.2, 0.1, 0.2}> ()
        convolved = Conv <group = 2, kernel_shape = [5], pads = [0, 2]> (joined, wide)"""


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
    if runs.use.written and runs.use.read and runs.use.written != runs.use.read:
        raise Skipped("its cache is written to one side and read from the other (S005)")
    if any(lost_or_repeated(runs)):
        raise Skipped("its frames do not line up (S008)")
    alone = runs.first is None and runs.probe.drop_extra_pre_encoded > 0
    schedule = runs.schedule.padded() if alone else runs.schedule
    total = schedule.chunk_size[0] + CALLS * schedule.shift_size[1] + 3
    features = runs.encoder.feeds(total)[AUDIO]
    starter = runs.first.runs.encoder if runs.first else runs.encoder
    streamed = joined(stream(features, schedule, runs.encoder, starter))
    severity = Severity.WARNING if _untrained(graph) else None
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
    elif alone:
        yield from _unlike_later(whole, reference, streamed, severity)
    elif (difference := compare_values(reference, streamed)).error > tolerance(
        TOLERANCE, graph.view, whole.view
    ):
        yield Problem(
            f"on {total} feature frames, up to {difference.max_abs:.2g} from `{whole.name}`, "
            f"{difference.error:.2g} standard deviations, at frame {difference.where[-1]} of "
            f"{reference.shape[1]}",
            severity=severity,
        )


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


def _unlike_later(
    whole: GraphSubject, reference: Array, streamed: Array, severity: Severity | None
) -> Iterator[Problem]:
    """Compare the later half only: the start has zeros before it."""
    half = reference.shape[1] // 2
    late, ours = reference[:, half:].astype(np.float64), streamed[:, half:]
    share = float(np.sqrt(np.square(late - ours).sum() / np.square(late).sum()))
    if share > LATE_TOLERANCE:
        yield Problem(
            f"in the later half of {reference.shape[1]} frames, {share:.0%} off `{whole.name}` "
            f"(root mean square), up to {np.abs(late - ours).max():.2g}",
            severity=severity,
        )


def _offline(whole: GraphSubject, features: Array) -> Array:
    """The valid frames [D, T] of the offline encoder."""
    if {spec.name for spec in whole.signature.inputs} != {AUDIO, LENGTH}:
        raise Skipped(f"`{whole.name}` takes other inputs")
    dtype = next(spec.dtype for spec in whole.signature.inputs if spec.name == LENGTH)
    length = np.array([features.shape[-1]], dtype)
    values = whole.session.run({AUDIO: features, LENGTH: length})
    output, lengths = (values[spec.name] for spec in whole.signature.free_outputs[:2])
    frames: Array = output[0, :, : int(lengths[0])]
    return frames


@graph_rule(
    "S013",
    "not-trained-for-streaming",
    severity=Severity.WARNING,
    fix="Release a model that was trained with causal convolution and limited attention.",
    bad=encoder(convolution=_TWO_AHEAD),
    good=encoder(),
    roles=STREAMING,
)
def not_trained_for_streaming(graph: GraphSubject) -> Iterator[Problem]:
    """A model that was trained offline is exported as a streaming one.

    Its convolutions look ahead, by half of their kernel in every layer: all of the left context in
    the cache and none on the right would be a kernel less one. In a stream it gets zeros for what
    has not been said yet, which it never saw in training.
    """
    yield from _untrained(graph)


def _untrained(graph: GraphSubject) -> list[Problem]:
    spec = next((spec for spec in graph.signature.inputs if spec.name == TIME), None)
    context = (spec.shape or ())[CONV_AXIS:] if spec else ()
    if not context or not isinstance(context[0], int):
        raise Skipped("it has no convolution cache of a fixed size")
    sizes = set(kernels(graph.view))
    if context[0] + 1 in sizes:
        return []
    looks = [kernel for kernel in sizes if kernel // 2 == context[0]]
    if not looks:
        raise Skipped(f"no convolution has {context[0]} frames of left context")
    return [
        Problem(
            f"kernel {looks[0]} with {context[0]} frames of left context: every convolution looks "
            f"{looks[0] - 1 - context[0]} frames ahead; causal would be {looks[0] - 1} and 0",
            TIME,
        )
    ]


_PER_UTTERANCE = ("per_feature", "all_features")


@bundle_rule(
    "S014",
    "normalized-over-utterance",
    severity=Severity.WARNING,
    fix="Train the streaming model without normalization, or with fixed statistics.",
    bad=folder(pair(), {"model_meta.json": {"features": {"normalize": "per_feature"}}}),
    good=folder(pair(), {"model_meta.json": {"features": {"normalize": "NA"}}}),
)
def normalized_over_utterance(bundle: BundleSubject) -> Iterator[Problem]:
    """Features are normalized over the utterance, which a stream has not heard yet.

    Mean and deviation of the frames so far are not those of the whole: the first chunks are off
    the most. A host that normalizes each chunk for itself takes loudness out of the speech.
    """
    bundle.require(*STREAMING)
    said = list(_normalized(bundle))
    if not said:
        raise Skipped("no metadata says how features are normalized")
    for model, where, value in said:
        if value in _PER_UTTERANCE:
            yield Problem(f"says {value!r}, in a folder that streams", where, model=model)


def _normalized(bundle: BundleSubject) -> Iterator[tuple[str, str, object]]:
    """File, place and value of what says how features are normalized."""
    metadata = bundle.bundle.metadata
    features = metadata.fields.get("features") if metadata else None
    for name in ("normalize", "normalization"):
        if metadata and isinstance(features, dict) and name in features:
            yield metadata.path.name, f"features.{name}", features[name]
            break
    for graph in bundle.having(*STREAMING, Role.ENCODER):
        for entry in graph.view.proto.metadata_props:
            if entry.key == "normalize_type":
                yield graph.name, "metadata_props:normalize_type", entry.value


@graph_rule(
    "S015",
    "cache-exceeds-positions",
    severity=Severity.ERROR,
    fix="Export with a longer table of positions, or a smaller cache.",
    bad=encoder(made=positions(5)),
    good=encoder(made=positions(9)),
    needs=Needs.RUN,
    roles=STREAMING,
)
def cache_exceeds_positions(graph: GraphSubject) -> Iterator[Problem]:
    """The cache and a chunk together have more frames than the table of positions.

    Relative positions are looked up in a table that was computed when the model was exported. A
    stream fails, or attends to the wrong places, once its cache has filled up.
    """
    limit = position_limit(graph.view)
    if limit is None:
        raise Skipped("it has no table of relative positions")
    frames = graph.runs.probe.frames(graph.runs.window)
    cached = graph.runs.encoder.cache_size
    if cached + frames > limit.frames:
        yield Problem(
            f"{cached} cached and {frames} new frames, and `{limit.name}` is for {limit.frames}",
            f"{CHANNEL}:{CACHE_AXIS}",
        )

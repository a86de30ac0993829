"""S: what a model was trained for, and what it was exported as."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.model.families import Role
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.streaming import encoder, folder, pair, positions
from onnxtool.rules.experiments import STREAMING
from onnxtool.rules.positions import position_limit
from onnxtool.rules.rule import Needs, bundle_rule, graph_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject
from onnxtool.speech.cache_aware import CHANNEL, TIME, conv_context
from onnxtool.speech.cache_sizes import kernels

_TWO_AHEAD = """
        context = Squeeze(cache_last_time, one)
        joined = Concat <axis = 2> (context, frames)
        wide = Constant <value = float[2, 1, 5]
            {0.5, 0.1, 0.2, 0.1, 0.2, 0.5, 0.1, 0.2, 0.1, 0.2}> ()
        convolved = Conv <group = 2, kernel_shape = [5], pads = [0, 2]> (joined, wide)"""


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
    context = conv_context(graph.signature)
    left = context[1] if context else None
    if not isinstance(left, int):
        raise Skipped("it has no convolution cache of a fixed size")
    kernel = looking_ahead(graph, left)
    if kernel:
        yield Problem(
            f"kernel {kernel} with {left} frames of left context: every convolution looks "
            f"{kernel - 1 - left} frames ahead; causal would be {kernel - 1} and 0",
            TIME,
        )


def looking_ahead(graph: GraphSubject, left: int) -> int | None:
    """The kernel of convolutions with so many frames of left context, if they look ahead.

    Raises:
        Skipped: None of them has so many.
    """
    sizes = set(kernels(graph.view))
    if left + 1 in sizes:
        return None
    looks = next((kernel for kernel in sizes if kernel // 2 == left), None)
    if not looks:
        raise Skipped(f"no convolution has {left} frames of left context")
    return looks


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
    heard = bundle.having(*STREAMING)
    if not any(g.signature.role is Role.STREAMING_ENCODER or g.signature.states for g in heard):
        raise Skipped("no graph of the folder streams")
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
            f"{CHANNEL}:{graph.runs.encoder.cache_axis}",
        )

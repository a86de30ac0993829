"""What the keys of a graph's `metadata_props` must say, by the graphs and files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from onnxtool.model.families import Role
from onnxtool.model.pairing import is_features
from onnxtool.model.tensors import TensorSpec
from onnxtool.rules.answer import Skipped
from onnxtool.rules.contents.strides import Stride, time_stride
from onnxtool.rules.subject import GraphSubject
from onnxtool.rules.transducer import joint_width, token_counts

# Families whose frames come of strided convolutions alone: no other stage stacks any.
_CONVOLUTIONAL = ("parakeet-tdt", "nemo", "nemotron-streaming", "gigaam")
# Keys of the features' width, by sherpa-onnx, icefall and Whisper.
_WIDTHS = ("feat_dim", "n_mels")
# Keys of the frames that a call takes, where they are fixed: NeMo's and icefall's.
_WINDOWS = ("window_size", "T")
_CACHES = ("cache_last_channel", "cache_last_time")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a key must say.

    Attributes:
        key: Of `metadata_props`.
        fits: Whether a number may stand there.
        evidence: What says so: `` `h` of predictor.onnx has 2 ``.
    """

    key: str
    fits: Callable[[int], bool]
    evidence: str


def expectations(graph: GraphSubject) -> Iterator[Expectation]:
    """Everything that is known, also of keys that are not there.

    1. The vocabulary, by the files that count its tokens.
    2. The predictor's states, and the encoder's own caches.
    3. Feature frames to an encoder frame: the product of the strides over time.
    4. The width of the features, and how many frames a call takes.
    5. The schedule of a streaming encoder, by what was promised of it.

    Of a predictor, what icefall's stateless decoder says, and nothing of others.
    """
    if graph.signature.role is Role.PREDICTOR:
        if graph.signature.family == "icefall":
            yield from _decoder(graph)
        return
    for count in token_counts(graph.bundle, graph.contract):
        yield _exactly("vocab_size", count.value, f"{count.source} has {count.value}")  # 1
    yield from _states(graph)  # 2
    stride = time_stride(graph.view, graph.signature)
    if stride:
        yield _subsampling(graph, stride)  # 3
    inputs = graph.signature.free_inputs
    audio = next((spec for spec in inputs if is_features(spec, rank=3)), None)
    if audio:
        yield from _input(graph, audio)  # 4
    yield from _schedule(graph)  # 5


def _decoder(graph: GraphSubject) -> Iterator[Expectation]:
    """Its vocabulary counts the blank, as the joiner's scores do; a call takes the last few ids."""
    width = joint_width(graph.bundle)
    if width and isinstance(width.value, int):
        yield _exactly("vocab_size", width.value, f"{width.source} has {width.value}")
    for ids in graph.signature.inputs:
        if len(ids.shape or ()) == 2:
            yield from _of_axis("context_size", ids, 1)


def _exactly(key: str, value: int, evidence: str) -> Expectation:
    return Expectation(key, lambda number: number == value, evidence)


def _of_axis(key: str, spec: TensorSpec, axis: int, model: str = "") -> Iterator[Expectation]:
    """That a key is the size of an axis, where that is fixed."""
    size = (spec.shape or ())[axis]
    if isinstance(size, int):
        place = f"`{spec.name}` of {model}" if model else f"`{spec.name}`"
        yield _exactly(key, size, f"{place} has {size}")


def _states(graph: GraphSubject) -> Iterator[Expectation]:
    for member in graph.bundle.models if graph.bundle else ():
        if member.signature.role is not Role.PREDICTOR or not member.signature.states:
            continue
        name = member.signature.states[0].input
        state = next(spec for spec in member.signature.inputs if spec.name == name)
        if len(state.shape or ()) == 3:
            yield from _of_axis("pred_rnn_layers", state, 0, member.name)
            yield from _of_axis("pred_hidden", state, 2, member.name)
    for spec in graph.signature.inputs:
        if spec.name in _CACHES and len(spec.shape or ()) == 4:
            for axis in (1, 2, 3):
                yield from _of_axis(f"{spec.name}_dim{axis}", spec, axis)


def _subsampling(graph: GraphSubject, stride: Stride) -> Expectation:
    """Other stages may stack frames that convolutions left, and so multiply what these do."""
    stages = ", ".join(f"`{stage}`" for stage in stride.stages)
    evidence = f"the strides over time of {stages} make {stride.factor}"
    if graph.signature.family in _CONVOLUTIONAL:
        return _exactly("subsampling_factor", stride.factor, evidence)
    return Expectation(
        "subsampling_factor",
        lambda number: number > 0 and number % stride.factor == 0,
        f"{evidence}, or a multiple of it",
    )


def _input(graph: GraphSubject, audio: TensorSpec) -> Iterator[Expectation]:
    """Of features [B, D, T], as NeMo takes them, or [B, T, D], where the time is dynamic."""
    times = [axis for axis in audio.dynamic_axes if axis > 0]
    if len(times) == 1:
        time = times[0]
    elif not times and graph.signature.family in _CONVOLUTIONAL:
        time = 2
    elif not times and (graph.signature.family or "").startswith(("zipformer", "icefall")):
        time = 1
    else:
        return
    for key in _WIDTHS:
        yield from _of_axis(key, audio, 3 - time)
    for key in _WINDOWS:
        yield from _of_axis(key, audio, time)


def _schedule(graph: GraphSubject) -> Iterator[Expectation]:
    """Of the calls after the first: sherpa-onnx makes all of them alike."""
    try:
        declared = graph.runs.declared if graph.signature.states else None
    except Skipped:  # For the rule on files that cannot be read.
        return
    config = declared.config if declared else None
    if declared is None or config is None or config.chunk_size is None:
        return
    chunk, before = config.chunk_size[1], config.pre_encode_cache_size
    if before:
        evidence = f"chunk and cache before it are {chunk} and {before[1]} in {declared.source}"
        yield _exactly("window_size", chunk + before[1], evidence)
    # sherpa-onnx's exporter writes the chunk, which is the shift where nothing is looked ahead to.
    shifts = {chunk, (config.shift_size or config.chunk_size)[1]}
    evidence = f"chunk and shift are {' and '.join(map(str, sorted(shifts)))} in {declared.source}"
    yield Expectation("chunk_shift", shifts.__contains__, evidence)

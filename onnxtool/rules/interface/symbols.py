"""I: dynamic axes, and the symbols that name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxtool.model.attributes import integers
from onnxtool.model.families import Role
from onnxtool.model.pairing import is_batch_symbol
from onnxtool.model.signature import Signature
from onnxtool.model.states import StatePair
from onnxtool.model.tensors import Dimension, TensorSpec, shape_text
from onnxtool.model.wiring import ACOUSTIC, JOINTS
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.examples.graphs import HEADER
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject

TRANSDUCER = (*ACOUSTIC, Role.PREDICTOR, *JOINTS)


def _encoder(audio: str, length: str, encoded: str, encoded_length: str, stride: int = 1) -> str:
    """An encoder of these axes that leaves out frames."""
    return f"""{HEADER} encoder (float[{audio}] audio_signal, int64[{length}] length)
        => (float[{encoded}] outputs, int64[{encoded_length}] encoded_lengths)
        <float[80, 80, 1] w> {{
            outputs = Conv <strides = [{stride}]> (audio_signal, w)
            encoded_lengths = Identity(length)
        }}"""


GOOD = _encoder("B, 80, T", "B", "B, 80, T_enc", "B", 2)


def _features(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    return [s for s in specs if s.dtype.startswith(("float", "bfloat")) and len(s.shape or ()) > 1]


def _lengths(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    return [s for s in specs if s.dtype.startswith("int") and len(s.shape or ()) == 1]


def _batch(graph: GraphSubject) -> Dimension:
    """The size of the batch axis, by the first features or ids that the graph takes."""
    specs = (*_features(graph.signature.free_inputs), *graph.signature.free_inputs)
    return next((spec.shape[0] for spec in specs if spec.shape), None)


# Families whose encoder takes windows of one size.
WINDOWED = frozenset({"whisper-hf", "whisper-sherpa"})


@graph_rule(
    "I002",
    "static-axis",
    severity=Severity.ERROR,
    roles=TRANSDUCER,
    fix="Export with dynamic axes for batch and time.",
    bad=_encoder("1, 80, 64", "1", "1, 80, 32", "1", 2),
    good=GOOD,
)
def static_axis(graph: GraphSubject) -> Iterator[Problem]:
    """An axis that varies from call to call, batch, time or tokens, has a fixed size.

    1. Offline encoders without a dynamic axis of time refuse every recording of another length.
    2. A fixed batch, or a fixed number of tokens, is a restriction that a caller may live with.

    Streaming encoders take windows of one size, and may fix it. So may Whisper's, whose hosts pad
    every recording to the 30 s that it was trained on. A predictor without states, such as
    icefall's, takes a context of the last few tokens and gives one output for all of them; its
    joiner takes a batch of frames [N, D], and as many outputs of the predictor.
    """
    role = graph.signature.role
    is_offline = role in {Role.ENCODER, Role.CTC} and not graph.signature.states
    for spec in _features(graph.signature.free_inputs):
        if set(spec.dynamic_axes) - {0}:
            continue
        if is_offline and graph.signature.family not in WINDOWED:  # 1
            message = f"`{spec.name}` is {shape_text(spec.shape)}: no dynamic axis of time"
            yield Problem(message, spec.name)
        elif role in JOINTS and not _is_batch_of_frames(spec):  # 2
            message = f"`{spec.name}` is {shape_text(spec.shape)}: one frame, or one symbol, a call"
            last = len(spec.shape or ()) - 1
            yield Problem(message, f"{spec.name}:{last}", Severity.WARNING)
    for spec in graph.signature.free_inputs:  # 2
        if spec.shape and isinstance(spec.shape[0], int) and len(spec.shape) > 1:
            message = f"`{spec.name}` is {shape_text(spec.shape)}: the batch is fixed"
            yield Problem(message, f"{spec.name}:0", Severity.WARNING)
        ids = spec.dtype.startswith("int") and spec.shape and len(spec.shape) == 2
        is_fixed = ids and isinstance((spec.shape or ())[1], int)
        if is_fixed and role is Role.PREDICTOR and not _is_context(spec, graph.signature):
            message = f"`{spec.name}` is {shape_text(spec.shape)}: the number of tokens is fixed"
            yield Problem(message, f"{spec.name}:1", Severity.WARNING)


def _is_batch_of_frames(spec: TensorSpec) -> bool:
    """Whether it is [N, D] for any N: with no axis of frames, each row is a frame."""
    return len(spec.shape or ()) == 2 and 0 in spec.dynamic_axes


def _is_context(ids: TensorSpec, signature: Signature) -> bool:
    """Whether ids [N, context] are all that a predictor knows, and make one output together.

    Such a context is part of the trained model: the kernel of a convolution over the embeddings is
    as long as it.
    """
    others = [spec for spec in signature.free_inputs if spec != ids and len(spec.shape or ()) != 1]
    if signature.states or others:
        return False
    tokens = (ids.shape or ())[1]
    given = _features(signature.free_outputs)
    return all(tokens not in (spec.shape or ())[1:] for spec in given)


@graph_rule(
    "I003",
    "static-length",
    severity=Severity.WARNING,
    roles=TRANSDUCER,
    fix="Export with the batch axis of lengths dynamic, under the symbol of the audio's batch.",
    bad=_encoder("B, 80, T", "1", "B, 80, T_enc", "1", 2),
    good=GOOD,
)
def static_length(graph: GraphSubject) -> Iterator[Problem]:
    """Lengths do not have the batch axis of the audio that they are the lengths of.

    Declared as [1] beside a dynamic batch, two lengths are refused and one is broadcast in silence:
    a batch of two runs, all utterances are masked to the length of the first, and one length comes
    back for both.
    """
    batch = _batch(graph)
    if isinstance(batch, int):
        return
    signature = graph.signature
    for spec in (*_lengths(signature.inputs), *_lengths(signature.outputs)):
        (size,) = spec.shape or (None,)
        if isinstance(size, int):
            message = f"`{spec.name}` is [{size}], where the batch of the audio is dynamic"
            yield Problem(message, f"{spec.name}:0")
        elif size and batch and size != batch:
            message = f"`{spec.name}` is [{size}], and the batch of the audio is `{batch}`"
            yield Problem(message, f"{spec.name}:0", Severity.INFO)


@graph_rule(
    "I008",
    "states-of-unlike-batch",
    severity=Severity.ERROR,
    roles=(Role.PREDICTOR, Role.DECODER_JOINT),
    fix="Export both states with the same dynamic batch axis.",
    bad=f"""{HEADER} predictor (int64[B, U] y, float[2, B, 8] h, float[2, 1, 8] c)
        => (float[B, 8, U] g, float[2, B, 8] h_out, float[2, 1, 8] c_out) <float[1, 8, 1] w> {{
            g = Identity(w)  h_out = Identity(h)  c_out = Identity(c)
        }}""",
    good=f"""{HEADER} predictor (int64[B, U] y, float[2, B, 8] h, float[2, B, 8] c)
        => (float[B, 8, U] g, float[2, B, 8] h_out, float[2, B, 8] c_out) <float[1, 8, 1] w> {{
            g = Identity(w)  h_out = Identity(h)  c_out = Identity(c)
        }}""",
)
def states_of_unlike_batch(graph: GraphSubject) -> Iterator[Problem]:
    """The two states of an LSTM have batch axes that differ.

    NeMo's `decoder.export` fixes the second one at 1 and leaves the first dynamic: the graph looks
    ready for batches and takes none.
    """
    states = [pair for pair in graph.signature.states if pair.shape and len(pair.shape) == 3]
    if len(states) < 2:
        return
    first = states[0]
    one = _batch_of_state(first)
    for pair in states[1:]:
        other = _batch_of_state(pair)
        is_fixed_in_one = isinstance(one, int) != isinstance(other, int)
        if is_fixed_in_one or (isinstance(one, str) and other and one != other):
            sizes = f"`{first.input}` is {_size(one)}, of `{pair.input}` {_size(other)}"
            yield Problem(f"the batch of {sizes}", f"{pair.input}:1")


def _batch_of_state(pair: StatePair) -> Dimension:
    """Of a state [layers, B, D]."""
    return (pair.shape or ())[1]


def _size(size: Dimension) -> str:
    return "dynamic" if size is None else f"{size}"


@graph_rule(
    "I013",
    "one-symbol-for-two-sizes",
    severity=Severity.WARNING,
    roles=ACOUSTIC,
    fix="Give the output's axis a symbol of its own on export, `time_encoded` say.",
    bad=_encoder("B, 80, T", "B", "B, 80, T", "B", 2),
    good=GOOD,
)
def one_symbol_for_two_sizes(graph: GraphSubject) -> Iterator[Problem]:
    """One symbol names axes of different sizes: frames before and after subsampling.

    Equal symbols promise equal sizes. Tools that believe it allocate eight times too much, or fold
    a shape that is wrong; ONNX Runtime warns at every call.
    """
    strides = [
        max(integers(node, "strides"), default=1)
        for scope in graph.view.scopes
        for node in scope.nodes
        if node.op_type in {"Conv", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool"}
    ]
    if max(strides, default=1) == 1:
        return
    taken = {
        size: f"{spec.name}:{axis}"
        for spec in _features(graph.signature.free_inputs)
        for axis, size in spec.dynamic_axes.items()
        if size and axis and not is_batch_symbol(size)
    }
    for spec in _features(graph.signature.free_outputs):
        for axis, size in spec.dynamic_axes.items():
            if size in taken:
                yield Problem(
                    f"`{size}` names `{taken[size]}` and `{spec.name}:{axis}`, of which the second "
                    "is shorter",
                    f"{spec.name}:{axis}",
                )

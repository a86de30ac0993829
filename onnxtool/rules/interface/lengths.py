"""I: how an encoder treats the lengths of what it is given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.model.families import Role
from onnxtool.model.wiring import ACOUSTIC
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.arithmetic import tolerance
from onnxtool.rules.examples.encoder import encoder
from onnxtool.rules.interface.audio import Encoded, Encoder
from onnxtool.rules.positions import position_limit
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.run_errors import RunRefusedError

WHOLE, SHORT = 100, 60
FRAME_MS = 10
# Of a standard deviation. Kernels for one shape and another round differently.
PADDING_TOLERANCE = 1e-2


@graph_rule(
    "I004",
    "lengths-broadcast",
    severity=Severity.WARNING,
    fix="Export with the batch axis of the lengths dynamic, and equal to that of the audio.",
    bad=encoder(lengths="int64[1] length", length_out="int64[1]"),
    good=encoder(
        counted="""
        shape = Shape <start = 0, end = 1> (audio_signal)
        checked = Reshape(length, shape)
        longer = Add(checked, three)"""
    ),
    needs=Needs.RUN,
    roles=ACOUSTIC,
)
def lengths_broadcast(graph: GraphSubject) -> Iterator[Problem]:
    """Two utterances with two lengths are refused, or with one length taken for equally long.

    Where the batch was 1 when the graph was traced, `length` may be [1] for good. A batch then
    runs with the length of the first utterance for all: the padding of shorter ones is recognized
    as speech, and longer ones are cut off, without an error.
    """
    audio = Encoder(graph)
    audio.require_batch()
    long, short = _lengths_that_run(audio)
    refusal = ""
    try:
        audio.run(long, lengths=[long, short])
    except RunRefusedError as error:
        refusal = str(error)
    try:
        given = audio.run(long, batch=2, lengths=[long])
    except RunRefusedError:
        if refusal:
            raise Skipped(f"it takes no two utterances at all (I006): {refusal}") from None
        return
    told = f"one length for two utterances runs, and gives lengths {given.lengths.tolist()}"
    if refusal:
        yield Problem(f"two lengths are refused ({refusal}); {told}", audio.length)
    else:
        yield Problem(told, audio.length, Severity.INFO)


@graph_rule(
    "I005",
    "length-ignored",
    severity=Severity.ERROR,
    fix="Export with `length` as an input of the forward pass, and not as a number when tracing.",
    bad=encoder(
        counted="""
        constant = Constant <value = int64[1] {64}> ()
        nothing = Sub(length, length)
        fixed = Add(nothing, constant)
        longer = Add(fixed, three)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=ACOUSTIC,
)
def length_ignored(graph: GraphSubject) -> Iterator[Problem]:
    """A shorter length changes nothing: neither the encoded lengths nor the frames.

    `length` says where padding begins. An export that lost it recognizes padding as speech.
    """
    audio = Encoder(graph)
    long, short, whole, cut = _cut_short(audio)
    if np.array_equal(whole.lengths, cut.lengths):
        yield Problem(
            f"of {long} frames, lengths {long} and {short} both give {whole.lengths.tolist()}",
            audio.length,
        )
    elif np.array_equal(whole.output, cut.output):
        yield Problem(
            f"of {long} frames, lengths {long} and {short} give the same frames, cut to "
            f"{whole.lengths.tolist()} and {cut.lengths.tolist()}: nothing is masked",
            audio.length,
            Severity.WARNING,
        )


def _lengths_that_run(audio: Encoder) -> tuple[int, int]:
    """Feature frames of an utterance that it takes alone, and of a shorter one.

    Raises:
        RunRefusedError: It does not.
    """
    try:
        long, short = two_lengths(audio.graph)
    except Skipped:
        long, short = WHOLE, SHORT
    audio.run(long)
    return long, short


def _cut_short(audio: Encoder) -> tuple[int, int, Encoded, Encoded]:
    """Two lengths, and what the same frames give with each of them, nothing set to zero."""
    long, short = _lengths_that_run(audio)
    whole = audio.run(long, lengths=[long], padded=False)
    cut = audio.run(long, lengths=[short], padded=False)
    # An encoder for chunks gives at most so many frames.
    is_for_chunks = bool(audio.graph.signature.states)
    while is_for_chunks and short > 1 and np.array_equal(whole.lengths, cut.lengths):
        short //= 2
        cut = audio.run(long, lengths=[short], padded=False)
    return long, short, whole, cut


def ignores_length(audio: Encoder) -> bool:
    """Whether a shorter length gives the same lengths, which I005 tells."""
    try:
        _, _, whole, cut = _cut_short(audio)
    except RunRefusedError:  # Then I005 is skipped.
        return False
    return np.array_equal(whole.lengths, cut.lengths)


def two_lengths(graph: GraphSubject) -> tuple[int, int]:
    """Feature frames of an utterance, and of a shorter one that gives fewer encoder frames.

    Raises:
        Skipped: It is for chunks, and cannot be driven.
    """
    if graph.signature.role is Role.ENCODER or not graph.signature.states:
        return WHOLE, SHORT
    return graph.runs.window, graph.runs.probe.shortest


@graph_rule(
    "I007",
    "limited-length",
    severity=Severity.INFO,
    fix="Cut longer recordings before they are fed, or export with a longer table of positions.",
    bad=encoder(
        made="""
        shape = Shape <start = 2, end = 3> (pooled)
        positions = Constant <value = float[1, 5, 2] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}> ()
        taken = Slice(positions, zero, shape, one)
        turned = Transpose <perm = [0, 2, 1]> (taken)
        frames = Add(pooled, turned)"""
    ),
    good=encoder(),
    roles=ACOUSTIC,
)
def limited_length(graph: GraphSubject) -> Iterator[Problem]:
    """Audio is limited to what the table of relative positions covers.

    A longer recording ends in an error about the shapes of an addition, deep in the first layer,
    and nothing in the interface says how long it may be.
    """
    limit = position_limit(graph.view)
    if limit is None:
        return
    yield Problem(
        f"`{limit.name}` is for {limit.frames:,} encoder frames: with subsampling by 8 and a frame "
        f"every {FRAME_MS} ms, {limit.frames * 8 * FRAME_MS / 1000:.0f} s",
        limit.name,
    )


def batch_problems(audio: Encoder) -> Iterator[Problem]:
    """What a batch of two unequal utterances gives, against each of them alone."""
    long, short = two_lengths(audio.graph)
    together = audio.run(long, lengths=[long, short])
    if together.output.shape[0] != 2 or together.lengths.size != 2:
        yield Problem(
            f"two utterances give {list(together.output.shape)}, and lengths "
            f"{together.lengths.tolist()}",
            audio.output,
        )
        return
    alone = audio.run(short, lengths=[short], like=together)
    for encoded, given in ((together, long), (alone, short)):
        claimed, frames = int(encoded.lengths[0]), encoded.output.shape[encoded.time_axis]
        if claimed > frames:
            yield Problem(
                f"with {given} feature frames, `{audio.lengths}` says {claimed} > {frames} frames "
                "given",
                audio.lengths,
            )
            return
    count = int(together.lengths[1])
    if count != int(alone.lengths[0]):
        yield Problem(
            f"{short} feature frames give {int(alone.lengths[0])} frames alone, and {count} padded "
            f"to {long} in a batch",
            audio.output,
        )
        return
    difference = compare_values(alone.frames(0), together.frames(1))
    if difference.error > tolerance(PADDING_TOLERANCE, audio.graph.view):
        yield Problem(
            f"an utterance of {short} feature frames differs, alone and padded to {long} in a "
            f"batch, by up to {difference.max_abs:.2g}, {difference.error:.2g} standard "
            f"deviations, at frame {difference.where[-1]} of {count}",
            audio.output,
        )

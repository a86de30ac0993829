"""S: states and caches, and what the graph reads of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from onnxtool.model.states import StateKind
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.arithmetic import scales_follow_values
from onnxtool.rules.examples.streaming import INTERFACE, encoder
from onnxtool.rules.experiments import STATEFUL, STREAMING
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.speech.cache_aware import AUDIO, CHANNEL, FILLED, LENGTH, TIME
from onnxtool.speech.liveness import GARBAGE, SUFFIX, CacheUse

_ALL_MOVE = "it quantizes by the range of all values, masked ones included"
_STATE_WORDS = re.compile(r"cache|state|past", re.IGNORECASE)


@graph_rule(
    "S001",
    "unpaired-state",
    severity=Severity.ERROR,
    fix="Export every state that is taken as an output of the same type and shape.",
    bad=encoder(interface=INTERFACE.replace("float[B, 1, C, 2]", "float[B, 1, 7, 2]")),
    good=encoder(),
    roles=STATEFUL,
)
def unpaired_state(graph: GraphSubject) -> Iterator[Problem]:
    """A state has no output that gives it back, or one of another type or shape.

    What a chunk leaves for the next one goes out as a state and comes in again. A cache that goes
    in only stays as it was at the start: the model hears each chunk as if it were the first.
    """
    signature = graph.signature
    paired = {pair.input for pair in signature.states}
    held = {host.input for host in signature.host_held}
    loose = [
        spec.name
        for spec in signature.free_inputs
        if _STATE_WORDS.search(spec.name) and spec.name not in paired | held
    ]
    if not paired and not loose:
        raise Skipped("it keeps no state")
    for name in loose:
        yield Problem("no output gives this state back", name)
    for pair in signature.states:
        if pair.kind is StateKind.MISMATCHED:
            yield Problem(f"`{pair.output}` does not fit: {pair.problem}", pair.input)


@graph_rule(
    "S005",
    "misplaced-cache-frames",
    severity=Severity.ERROR,
    fix="Keep cached frames at one side: NeMo appends at the end, so that they are a suffix.",
    bad=encoder(
        mask="""
        column = Unsqueeze(cache_last_channel_len, one)
        valid = Less(places, column)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STREAMING,
)
def misplaced_cache_frames(graph: GraphSubject) -> Iterator[Problem]:
    """Cached frames are written to one side of the cache and read from the other.

    Until it is full, a cache holds frames at one side and nothing at the other. NeMo's are
    a suffix. A mask, a contract or a host that takes them for a prefix compares and attends to
    zeros, which goes unnoticed: zeros equal zeros.
    """
    use, all_move = _of_room(graph), scales_follow_values(graph.view)
    if not use.read or (use.prefix and use.suffix and not all_move):
        reason = "both sides (S006)" if use.prefix else "nothing (S007)"
        raise Skipped(_ALL_MOVE if all_move else f"it reads {reason} of its cache")
    evidence = (
        f"with {use.filled} of {graph.runs.encoder.cache_size} frames cached, other values at the "
        f"start change the output by {use.prefix:.2g}, at the end by {use.suffix:.2g}"
    )
    declared = graph.runs.declared
    promised = declared.config.cache_valid_region if declared else None
    if use.written and use.written != use.read:
        yield Problem(
            f"a first step writes a {use.written}, and a {use.read} is read: {evidence}", CHANNEL
        )
    elif declared and promised and promised != use.read:
        yield Problem(
            f"{declared.source} says {promised}, but it is a {use.read}: {evidence}", CHANNEL
        )
    elif not promised and use.read != SUFFIX:
        yield Problem(
            f"its frames are a {use.read}, unlike NeMo's: {evidence}", CHANNEL, Severity.WARNING
        )


def _of_room(graph: GraphSubject) -> CacheUse:
    """What it reads of an attention cache that has two sides."""
    room = graph.runs.encoder.cache_size
    if room < 2:
        raise Skipped(f"its attention cache has room for {room} frames, and so no sides")
    return graph.runs.use


@graph_rule(
    "S006",
    "unmasked-cache",
    severity=Severity.ERROR,
    fix="Export with the mask that is made from the count of cached frames.",
    bad=encoder(
        mask="""
        column = Unsqueeze(cache_last_channel_len, one)
        below = Neg(column)
        never = Sub(below, room)
        valid = Greater(places, never)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STREAMING,
)
def unmasked_cache(graph: GraphSubject) -> Iterator[Problem]:
    """What lies in the cache where no frames are changes the output.

    At the start of a stream most of the cache is empty. Without a mask the zeros in it take their
    share of the attention, and what a stream before left there does, too.
    """
    if scales_follow_values(graph.view):
        raise Skipped(_ALL_MOVE)
    use = _of_room(graph)
    room = graph.runs.encoder.cache_size
    if use.prefix and use.suffix:
        yield Problem(
            f"with {use.filled} of {room} frames cached, other values at either side change the "
            f"output: by {use.prefix:.2g} and {use.suffix:.2g}",
            CHANNEL,
        )
    elif use.garbage:
        yield Problem(
            f"adding {GARBAGE:g} outside the {use.filled} cached frames changes the output by "
            f"{use.garbage:.2g}",
            CHANNEL,
        )
    elif use.empty:
        yield Problem(
            f"with no frame cached, adding {GARBAGE:g} to the cache changes the output by "
            f"{use.empty:.2g}",
            CHANNEL,
        )


@graph_rule(
    "S007",
    "unused-cache",
    severity=Severity.ERROR,
    fix="Export the streaming forward pass, and not the offline one with caches passed through.",
    bad=encoder(
        mask="""
        column = Unsqueeze(cache_last_channel_len, one)
        below = Neg(column)
        never = Sub(below, room)
        valid = Less(places, never)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STREAMING,
)
def unused_cache(graph: GraphSubject) -> Iterator[Problem]:
    """A cache may hold anything, and the output stays the same.

    Then each chunk is recognized for itself. It costs accuracy at every border of a chunk, and
    nothing fails.
    """
    use, encoder_ = graph.runs.use, graph.runs.encoder
    if encoder_.cache_size and not use.prefix and not use.suffix:
        yield Problem(
            f"with {use.filled} frames cached, other values in it do not change the output", CHANNEL
        )
    if encoder_.conv_size and not use.context:
        yield Problem("other values in it do not change the output", TIME)


@graph_rule(
    "S017",
    "padding-enters-cache",
    severity=Severity.WARNING,
    fix="Run the last chunk of an utterance alone, or start its stream anew after it.",
    bad=encoder(),
    good=encoder(
        made="""
        longer_by = Add(length, two)
        in_all = Div(longer_by, stride)
        of_all = Add(in_all, one)
        made = Sub(of_all, dropped)"""
    ),
    needs=Needs.RUN,
    roles=STREAMING,
)
def padding_enters_cache(graph: GraphSubject) -> Iterator[Problem]:
    """In a batch, an utterance that ends counts its padding as cached frames.

    NeMo counts the frames of the window, and not those that `length` says there are. It does no
    harm to an utterance that has ended; it does to one whose window was short for another reason.
    """
    encoder_, probe = graph.runs.encoder, graph.runs.probe
    if not all(
        encoder_.batch_axis(name) in encoder_.spec(name).dynamic_axes
        for name in (AUDIO, LENGTH, CHANNEL, TIME, FILLED)
    ):
        raise Skipped("its batch is fixed")
    whole = graph.runs.window
    short = probe.subsampling.shortest(probe.drop_extra_pre_encoded + 1)
    if probe.frames(whole) <= probe.frames(short):
        raise Skipped(f"a window of {whole} frames cannot be cut short")
    given = encoder_.feeds(whole, batch=2)
    given[LENGTH] = np.array([whole, short], given[LENGTH].dtype)
    step = encoder_.run(given)
    counts = [int(count) for count in step.states[FILLED].reshape(-1)]
    if len(counts) < 2:
        raise Skipped("it counts the cached frames of a batch in one number")
    if min(counts) < 0:
        raise Skipped(f"{counts} frames are counted as cached (S003)")
    # Where none is counted, no padding is: that is for S003.
    if counts[1] >= counts[0] > 0:
        yield Problem(
            f"lengths {whole} and {short} give {[int(n) for n in step.lengths]} frames, and "
            f"{counts} are counted as cached",
            FILLED,
        )

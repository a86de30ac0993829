"""S: the closed loop, in which a graph is fed its own states."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.streaming import GROWING, encoder
from onnxtool.rules.experiments import STATEFUL, STREAMING
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.speech.axes import CONV_AXIS
from onnxtool.speech.cache_aware import FILLED, TIME, conv_context
from onnxtool.speech.closed_loop import MIN_STEPS, Loop, Values

# What a step with states that have gone through a stream may take, in steps with fresh ones.
SLOWER = 2.0
# Of each, in turns; below this, starting a run takes longer than what it computes.
TIMED_RUNS, TIMED_S, TIMED_BUDGET_S = 7, 0.005, 3.0


def _whole_loop(graph: GraphSubject) -> Loop:
    """A closed loop that went on for long enough.

    Raises:
        Skipped: It broke off.
    """
    loop = graph.runs.loop
    if len(loop.steps) < MIN_STEPS:
        raise Skipped(f"its closed loop breaks off after {len(loop.steps)} steps (S002)")
    return loop


@graph_rule(
    "S002",
    "closed-loop-breaks",
    severity=Severity.ERROR,
    fix="Export again with a cache drop below the frames of the shortest chunk, and caches of one "
    "size in and out.",
    bad=encoder(
        cache="""
        extended = Concat <axis = 2> (cached, kept)
        fewer = Constant <value = int64[1] {-5}> ()
        moved = Slice(extended, fewer, end, two)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STATEFUL,
)
def closed_loop_breaks(graph: GraphSubject) -> Iterator[Problem]:
    """A state that the graph gives is refused when it is fed back.

    A host feeds every state back as it came. Where the graph gives another size than it takes, the
    stream ends at the second step, or the host pads, mostly on the wrong side. No declared shape
    shows it: exporters leave the sizes of the states they give open.
    """
    loop = graph.runs.loop
    if not loop.refusal:
        return
    if not loop.steps:
        raise Skipped(f"it does not run from a fresh start: {loop.refusal}")
    given = {name: value.shape for name, value in loop.fresh.items()}
    for name, shape in loop.steps[-1].shapes.items():
        if shape != given[name]:
            yield Problem(
                f"step {len(loop.steps) + 1} is refused: `{name}` takes {list(given[name])} and "
                f"was given back as {list(shape)}: {loop.refusal}",
                name,
            )
            return
    yield Problem(f"step {len(loop.steps) + 1} is refused: {loop.refusal}")


@graph_rule(
    "S003",
    "wrong-cache-length",
    severity=Severity.ERROR,
    fix="Export again: the count must grow by what enters the cache, and stop at its size.",
    bad=encoder(
        filled="cache_last_channel_next_len = Add(cache_last_channel_len, counted)",
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STREAMING,
)
def wrong_cache_length(graph: GraphSubject) -> Iterator[Problem]:
    """The count of cached frames does not grow from step to step up to the size of the cache.

    The attention mask is made from it. A count that stays behind hides frames that are there; one
    that is too large, or negative, lets in what are no frames.
    """
    yield from miscounted(graph)


def miscounted(graph: GraphSubject) -> Iterator[Problem]:
    """The findings of S003."""
    room, most = graph.runs.encoder.cache_size, _made(graph)
    counts = [step.counts.get(FILLED, 0) for step in _whole_loop(graph).steps]
    shown = ", ".join(map(str, counts[:8]))
    for before, after in zip([0, *counts], counts, strict=False):
        if not 0 <= after <= room:
            reason = f"not between 0 and {room}, its size"
        elif after - before > most:
            reason = f"{after - before} more, and a window makes no more than {most}"
        elif after < before:
            reason = "after a larger one"
        elif after == before < room:
            reason = f"twice, with room for {room - before} more"
        else:
            continue
        yield Problem(f"{after} frames, {reason}; step by step: {shown}, …", FILLED)
        return


def _made(graph: GraphSubject) -> int:
    """Frames that a window of the loop makes, at most."""
    try:
        return graph.runs.probe.frames(graph.runs.window)
    except Skipped:
        return graph.runs.encoder.cache_size


@graph_rule(
    "S004",
    "dead-state",
    severity=Severity.ERROR,
    fix="Export again with caching on, and with a cache drop of at least the convolution's right "
    "context.",
    bad=encoder(context="cache_last_time_next = Identity(cache_last_time)"),
    good=encoder(),
    needs=Needs.RUN,
    roles=STATEFUL,
)
def dead_state(graph: GraphSubject) -> Iterator[Problem]:
    """A state does not change from step to step, is empty, or has a place that is always zero.

    A state that never changes carries nothing from one chunk to the next: the model forgets, and
    its first chunk is right. A place of the convolution's cache that stays zero (a warning) holds
    padding: the frames that were dropped from the chunk are fewer than those that the convolution
    looks ahead, so it stored the zeros behind the chunk as if they were frames.
    """
    loop = _whole_loop(graph)
    for name, shape in loop.steps[-1].shapes.items():
        if 0 in shape:
            # Taken empty as well, it is the cache of convolutions that need none.
            if loop.fresh[name].size:
                yield Problem(f"comes back empty: {list(shape)}", name)
        elif name != FILLED and not any(name in step.changed for step in loop.steps):
            yield Problem(f"comes back as it was, in each of {len(loop.steps)} steps", name)
    peaks, context = loop.peaks.get(TIME), conv_context(graph.signature)
    if peaks is None or not context or context[0] != CONV_AXIS or not peaks.any():
        return
    silent = [str(place) for place in np.flatnonzero(peaks == 0)]
    if silent:
        rest = ", ".join(f"{peak:.2g}" for peak in peaks)
        yield Problem(
            f"place {', '.join(silent)} of {len(peaks)} is zero in every step; largest values: "
            f"{rest}",
            f"{TIME}:{CONV_AXIS}",
            Severity.WARNING,
        )


@graph_rule(
    "S016",
    "growing-state",
    severity=Severity.WARNING,
    fix="Export again with a limited left context.",
    bad=GROWING,
    good=encoder(),
    needs=Needs.RUN,
    roles=STATEFUL,
)
def growing_state(graph: GraphSubject) -> Iterator[Problem]:
    """A state gets larger with every step, or steps get slower.

    Such a stream has no end in sight but that of the memory, and falls behind real time before.
    """
    loop = _whole_loop(graph)
    halfway, end = loop.steps[len(loop.steps) // 2], loop.steps[-1]
    grown = False
    for name, shape in end.shapes.items():
        before = halfway.shapes[name]
        if np.prod(shape) > np.prod(before):
            grown = True
            yield Problem(
                f"{list(before)} after {len(loop.steps) // 2 + 1} steps, {list(shape)} after "
                f"{len(loop.steps)}",
                name,
            )
    if not grown and (slower := _slower(graph, loop)) > SLOWER:
        yield Problem(
            f"a step takes {slower:.1f} times as long after {len(loop.steps)} steps as at the start"
        )


def _slower(
    graph: GraphSubject, loop: Loop, clock: Callable[[], float] = time.perf_counter
) -> float:
    """How many times as long a step takes at the end of a loop, at least: in the best of turns.

    What else the machine does slows a step down now and then, but not the same one each time.
    """

    def seconds(feeds: Values) -> float:
        start = clock()
        graph.session.run(feeds)
        return clock() - start

    aged = {**loop.fresh, **loop.states}
    once_s = seconds(aged)
    if once_s < TIMED_S:
        return 1.0
    turns = min(TIMED_RUNS, max(3, int(TIMED_BUDGET_S / once_s)))
    runs_s = [(seconds(loop.fresh), seconds(aged)) for _ in range(turns)]
    return min(aged_s / fresh_s for fresh_s, aged_s in runs_s)


@graph_rule(
    "S018",
    "start-not-repeatable",
    severity=Severity.ERROR,
    fix="Export in evaluation mode, without dropout, dither or other random nodes.",
    bad=encoder(
        outputs="""
        noise = RandomNormalLike (convolved)
        clean = Add(convolved, mean)
        all = Add(clean, noise)
        most = Constant <value = int64[1] {VALID}> ()
        outputs = Slice(all, zero, most, two)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=STATEFUL,
)
def start_not_repeatable(graph: GraphSubject) -> Iterator[Problem]:
    """After a reset, the first chunk does not give what it gave before.

    A session is reused for one stream after the other. With states set back, it must not remember
    the last one, nor draw random numbers.
    """
    loop = graph.runs.loop
    if not loop.steps:
        raise Skipped(f"it does not run from a fresh start: {loop.refusal}")
    again = graph.runs.first_again
    for name, value in loop.first.items():
        difference = compare_values(value, again[name])
        if difference.differing:
            yield Problem(
                f"{difference.differing} of {difference.elements} values differ after a reset, by "
                f"up to {difference.max_abs:.2g}",
                name,
            )

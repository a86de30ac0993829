"""S: which frames a streaming encoder is given, and which it gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.streaming import FILES, SOUND, encoder, folder, pair
from onnxtool.rules.experiments import STREAMING, Experiments
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.speech.cache_aware import AUDIO, CHANNEL, FILLED
from onnxtool.speech.liveness import frames_moved
from onnxtool.speech.schedule import Schedule, schedule_of, windows

# A graph that rounds down the frames of its `length`, as if a chunk were always full.
_LOSES_LAST = encoder(
    lengths="""
        whole = Div(length, stride)
        pooled_length = Add(whole, one)
        left = Sub(pooled_length, dropped)
        positive = Max(left, zero)
        encoded_lengths = Min(positive, most)"""
)
UNALIGNED = "its frames do not line up (S008)"
# A graph that keeps the last frame of every chunk out of its caches.
_DROPS_ONE = encoder(
    kept="kept = Slice(frames, zero, drop_end, two)",
    counted="""
        single = Constant <value = int64 {1}> ()
        counted = Sub(made, single)""",
    context="""
        early = Slice(joined, zero, drop_end, two)
        next_context = Slice(early, all_but_context, end, two)
        cache_last_time_next = Unsqueeze(next_context, one)""",
)


@graph_rule(
    "S008",
    "frames-lost-or-repeated",
    severity=Severity.ERROR,
    fix="Export with the cache drop that the chunk and shift sizes call for: chunk - shift.",
    bad=folder(pair(later=_DROPS_ONE)),
    good=SOUND,
    needs=Needs.RUN,
    roles=STREAMING,
)
def frames_lost_or_repeated(graph: GraphSubject) -> Iterator[Problem]:
    """In steady state, a call gives more or fewer frames than enter its cache, or than it moves on.

    Each encoder frame is to be given once, cached once, and stand for `factor` feature frames. The
    shift of the window, the frames given and the frames kept are set in three places of an export,
    and nothing but this arithmetic holds them together.
    """
    yield from lost_or_repeated(graph.runs)


def lost_or_repeated(runs: Experiments) -> Iterator[Problem]:
    """The findings of S008."""
    probe, window = runs.probe, runs.window
    shift = runs.schedule.shift_size[0 if runs.starts else 1]
    moves = probe.subsampling.frames(shift) if runs.starts else shift / probe.subsampling.factor
    step = runs.encoder.run(runs.encoder.feeds(window))
    given, counted = int(step.lengths[0]), step.filled
    moved = frames_moved(runs.encoder, window)
    if given != moves:
        yield Problem(
            f"a call with {window} feature frames gives {given} encoder frames, and moves on by "
            f"{shift} feature frames, which is {moves:g}",
            AUDIO,
        )
    # A full cache counts no more, and a count that cannot be is for S003.
    counts = probe.cache_drop_size is not None and counted < runs.encoder.cache_size
    if counts and counted != given:
        yield Problem(
            f"a call with {window} feature frames gives {given} encoder frames and counts "
            f"{counted} as cached",
            FILLED,
        )
    if moved is not None and moved != given:
        yield Problem(
            f"a call with {window} feature frames gives {given} encoder frames, and what is in its "
            f"cache moves by {moved}",
            CHANNEL,
        )


@graph_rule(
    "S010",
    "misaligned-first-chunk",
    severity=Severity.WARNING,
    fix="Export a second graph for the first chunk, with drop_extra_pre_encoded 0, or have the "
    "host put zeros before the first chunk.",
    bad=folder({FILES["later"]: encoder()}),
    good=SOUND,
    needs=Needs.RUN,
    roles=STREAMING,
)
def misaligned_first_chunk(graph: GraphSubject) -> Iterator[Problem]:
    """The first chunk loses its first frames, or a stream gives another number of frames.

    A later window begins with frames of the chunk before, and the graph drops what they make. The
    first has nothing before it: a graph with the drop baked in drops the beginning of the speech,
    and all that follows is that much off. NeMo uses 0 for the first chunk and the drop after it,
    which takes two graphs, or zeros in front that the host must know of.
    """
    runs = graph.runs
    if runs.later:
        raise Skipped(f"it is the first chunk's graph of `{runs.later.name}`, and run with that")
    if not graph.bundle:
        raise Skipped("a graph for the first chunk would be in its folder: check that")
    dropped, declared = runs.probe.drop_extra_pre_encoded, runs.declared
    first, schedule = runs.first, schedule_of(runs.config) or runs.schedule
    before, chunk = schedule.pre_encode_cache_size[0], schedule.chunk_size[0]
    if dropped and not first and runs.probe.subsampling.frames(before) < dropped:
        if runs.unknown:
            raise Skipped(f"`{runs.unknown}` may run the first chunk, and cannot be driven")
        zeros = schedule.padded().pre_encode_cache_size[0]
        lost = min(chunk, dropped * runs.probe.subsampling.factor)
        yield Problem(
            f"every call drops {dropped} encoder frames, and no graph in the folder is for the "
            f"first: of its {chunk} feature frames the first {lost} are lost, unless the host puts "
            f"{zeros} zeros before them",
            AUDIO,
            Severity.ERROR if declared and declared.config.pre_encode_cache_size else None,
        )
        return
    if any(lost_or_repeated(runs)):
        raise Skipped(UNALIGNED)
    yield from _miscounted(runs, first.runs if first else runs, schedule)


def _miscounted(runs: Experiments, first: Experiments, schedule: Schedule) -> Iterator[Problem]:
    """A stream that gives more or fewer frames than the features have."""
    total = sum(schedule.chunk_size) + 3 * schedule.shift_size[1] + 3
    features = runs.encoder.feeds(total)[AUDIO]
    states, given = first.encoder.fresh(), []
    for call, window in enumerate(windows(total, schedule)):
        one = runs.encoder if call else first.encoder
        step = one.step(window.of(features), states, window.length)
        states = step.states
        given.append(step.frames.shape[1])
    expected = runs.probe.subsampling.frames(total)
    if sum(given) != expected:
        shown = " + ".join(map(str, given))
        yield Problem(
            f"{total} feature frames give {shown} = {sum(given)} encoder frames, where "
            f"{runs.probe.subsampling} is {expected}",
            AUDIO,
        )


@graph_rule(
    "S011",
    "chunk-does-not-run",
    severity=Severity.ERROR,
    fix="Choose chunks longer than what the graph drops, or export again without the drop.",
    bad=folder(pair(later=_LOSES_LAST)),
    good=SOUND,
    needs=Needs.RUN,
    roles=STREAMING,
)
def chunk_does_not_run(graph: GraphSubject) -> Iterator[Problem]:
    """A window of the schedule is refused, or gives nothing: the first, a later, or the last one.

    A window that makes no more frames than the graph drops ends in an error somewhere inside a
    convolution. The last chunk of an utterance is the one that is short; it is padded, and its
    `length` tells.
    """
    runs = graph.runs
    first, later = runs.schedule.window_sizes
    one = runs.probe.subsampling.shortest(runs.probe.drop_extra_pre_encoded + 1)
    calls = {"first": (first, first), "later": (later, later), "last": (later, one)}
    # Without a graph for it, that is what S010 says; of a file alone nobody knows.
    if not runs.starts:
        del calls["first"]
    if runs.later:
        calls = {"only": (first, first), "last": (first, one)}
    for name, (window, length) in calls.items():
        problem = _refused(runs, window, length)
        if problem:
            yield Problem(
                f"the {name} window, {length} of {window} feature frames: {problem}", AUDIO
            )


def _refused(runs: Experiments, window: int, length: int) -> str:
    features = runs.encoder.feeds(window)[AUDIO]
    try:
        step = runs.encoder.step(features, runs.encoder.fresh(), length)
    except RunRefusedError as error:
        return str(error)
    if not np.all(step.lengths > 0):
        return f"gives {int(step.lengths[0])} encoder frames"
    return ""

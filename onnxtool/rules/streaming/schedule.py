"""S: which frames a streaming encoder is given, and which it gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onnxtool.model.contract import StreamingConfig
from onnxtool.rules.examples.streaming import CONFIG, FILES, SOUND, encoder, folder, pair
from onnxtool.rules.experiments import STREAMING, Experiments
from onnxtool.rules.rule import Needs, Problem, Severity, Skipped, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.session import RunRefusedError
from onnxtool.speech.cache_aware import AUDIO, CHANNEL, FILLED
from onnxtool.speech.liveness import frames_moved
from onnxtool.speech.schedule import windows

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
    given = int(step.lengths[0])
    counted = probe.frames(window) - probe.cache_drop_size
    moved = frames_moved(runs.encoder, window)
    if given != moves:
        yield Problem(
            f"a call with {window} feature frames gives {given} encoder frames, and moves on by "
            f"{shift} feature frames, which is {moves:g}",
            AUDIO,
        )
    if counted != given:
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
    "S009",
    "streaming-config-differs",
    severity=Severity.ERROR,
    fix="Mend the contract, or export again with what it promises.",
    bad=folder({FILES["later"]: encoder()}, {"streaming.json": {**CONFIG, "valid_out_len": 3}}),
    good=folder({FILES["later"]: encoder()}, {"streaming.json": CONFIG}),
    needs=Needs.RUN,
    roles=STREAMING,
)
def streaming_config_differs(graph: GraphSubject) -> Iterator[Problem]:
    """The graph behaves unlike the streaming configuration that was promised for it.

    Hosts take chunk sizes from the configuration, and the graph has others baked in. Probing
    recovers those from a few calls: how many frames a window gives, when another one begins, how
    many are counted as cached.
    """
    runs = graph.runs
    if not runs.declared:
        raise Skipped("no contract and no streaming.json says how it streams")
    promised, found = runs.declared.config, runs.probe.config
    names = _OF_BOTH if runs.later else (*_OF_BOTH, *_OF_LATER)
    for name in names:
        said, seen = getattr(promised, name), getattr(found, name)
        if said is not None and seen is not None and said != seen:
            yield Problem(f"{runs.declared.source} says {_told(said)}, probing {_told(seen)}", name)


_OF_BOTH = (
    "cache_drop_size",
    "last_channel_cache_size",
    "conv_cache_size",
    "valid_out_len",
)
_OF_LATER = tuple(
    name
    for name in StreamingConfig.__slots__
    if name not in _OF_BOTH and name != "cache_valid_region"
)


def _told(value: int | tuple[int, int]) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


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
    first, schedule = runs.first, runs.schedule
    before = schedule.pre_encode_cache_size[0]
    if dropped and not first and runs.probe.subsampling.frames(before) < dropped:
        zeros = schedule.padded().pre_encode_cache_size[0]
        yield Problem(
            f"every call drops {dropped} encoder frames, and no graph in the folder is for the "
            f"first: of its {schedule.chunk_size[0]} feature frames the first "
            f"{dropped * runs.probe.subsampling.factor} are lost, unless the host puts {zeros} "
            "zeros before them",
            AUDIO,
            Severity.ERROR if declared and declared.config.pre_encode_cache_size else None,
        )
        return
    yield from _miscounted(runs, first.runs if first else runs)


def _miscounted(runs: Experiments, first: Experiments) -> Iterator[Problem]:
    """A stream that gives more or fewer frames than the features have."""
    total = sum(runs.schedule.chunk_size) + 3 * runs.schedule.shift_size[1] + 3
    features = runs.encoder.feeds(total)[AUDIO]
    states, given = first.encoder.fresh(), []
    for call, window in enumerate(windows(total, runs.schedule)):
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
    bad=folder(
        {FILES["later"]: encoder()},
        {"streaming.json": {**CONFIG, "chunk_size": [4, 8], "shift_size": [4, 8]}},
    ),
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
    # Of a file alone nobody knows: a graph for the first chunk may lie beside it.
    if runs.first or not graph.bundle:
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

"""S: the streaming configuration that was promised, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.errors import MetadataError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.streaming_file import ATTENTION, UNLIMITED, read_attention
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.arithmetic import scales_follow_values
from onnxtool.rules.examples.streaming import CONFIG, folder, pair
from onnxtool.rules.experiments import STREAMING, Experiments
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.speech.attention import Context
from onnxtool.speech.cache_sizes import kernels
from onnxtool.speech.driving import contradicted
from onnxtool.speech.liveness import SUFFIX

# What a graph of the first chunk shares with the one that goes on.
_OF_BOTH = frozenset(
    {"cache_drop_size", "last_channel_cache_size", "conv_cache_size", "valid_out_len"}
)
# What the graph shows of a field: a value, with the encoder frames of a call and of a chunk.
_EVIDENCE = {
    "chunk_size": "the {chunk} encoder frames of a chunk are made of {value} feature frames",
    "shift_size": "the {given} encoder frames that a call gives stand for {value} feature frames",
    "cache_drop_size": "a call keeps {value} encoder frames out of the caches",
    "last_channel_cache_size": "the attention cache has room for {value} frames",
    "conv_cache_size": "the convolution cache has {value} frames",
    "valid_out_len": "a call gives {value} encoder frames",
    "pre_encode_cache_size": "the {dropped} frames that are dropped take {value} feature frames",
    "drop_extra_pre_encoded": "a call drops the first {value} encoder frames of its window",
}


@graph_rule(
    "S009",
    "streaming-config-differs",
    severity=Severity.ERROR,
    fix="Mend the contract, or export again with what it promises.",
    bad=folder(pair(), {"streaming.json": {**CONFIG, "valid_out_len": 3}}),
    good=folder(pair(), {"streaming.json": CONFIG}),
    needs=Needs.RUN,
    roles=STREAMING,
)
def streaming_config_differs(graph: GraphSubject) -> Iterator[Problem]:
    """The graph behaves unlike the streaming configuration that was promised for it.

    Hosts take chunk sizes from the configuration, and the graph has others baked in. Probing
    recovers those from a few calls: how many frames a window gives, when another one begins, how
    many are counted as cached, how far a frame sees. Every other rule goes by what was probed.

    What a graph does not tell is not held against it:

    1. How many frames a call gives, and with it the sizes of chunk and shift, where it gives all
       that there are. They are held against one another.
    2. How the first chunk is padded, where one graph that drops frames runs every call: both with
       zeros before it and without.
    3. How many frames stay out of the caches, where it does not count those in them (S003).
    4. An unlimited `att_context_size` to the left, since the cache limits it, and any where the
       graph quantizes by the range of all values, so that each changes all others.
    """
    runs = graph.runs
    # Of a pair, what both graphs contradict is told of the one that goes on.
    told = set(_differences(runs.later.runs)) if runs.later else set()
    for name, message in (*_differences(runs), *_attention(runs)):
        if (name, message) not in told:
            yield Problem(message, name)


def _differences(runs: Experiments) -> Iterator[tuple[str, str]]:
    """Fields, and how they differ."""
    promised = runs.promised
    found = runs.probe.config if runs.later else runs.config
    for name in contradicted(promised.config, found):
        if not runs.later or name in _OF_BOTH:
            said = _shown(getattr(promised.config, name))
            yield name, f"{promised.source} says {said}, and {_evidence(runs, found, name)}"


def _evidence(runs: Experiments, found: StreamingConfig, name: str) -> str:
    if name == "valid_out_len" and runs.implied_by_declared:
        return f"its other sizes are those of {found.valid_out_len} encoder frames a call"
    return _EVIDENCE[name].format(
        value=_shown(getattr(found, name)),
        given=found.valid_out_len,
        chunk=found.chunk_size[1] // runs.probe.subsampling.factor if found.chunk_size else 0,
        dropped=found.drop_extra_pre_encoded,
    )


def _shown(value: int | tuple[int, int]) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _attention(runs: Experiments) -> Iterator[tuple[str, str]]:
    """How far frames see, against `att_context_size`, of which there may be several to choose."""
    if runs.later:
        return
    # A contract that a program made is in no file.
    path = runs.promised.path
    try:
        limits = read_attention(path) if path.is_file() else ()
    except MetadataError as error:
        yield ATTENTION, str(error)
        return
    if not limits or scales_follow_values(runs.graph.view):
        return
    seen = runs.context(max(right for _, right in limits))
    if seen is None or any(_sees(runs, seen, left, right) for left, right in limits):
        return
    said = " or ".join(str(list(limit)) for limit in limits)
    ahead = f"all {seen.ahead}" if seen.ahead == seen.tried else str(seen.ahead)
    back = f"{seen.left} cached frames and sees {ahead} after it"
    yield ATTENTION, f"{runs.promised.source} says {said}, and a frame reads {back}"


def _sees(runs: Experiments, seen: Context, left: int, right: int) -> bool:
    """Whether frames see as far back and ahead as is said.

    1. With attention within chunks (NeMo, `chunked_limited`), the first frame sees the rest of its
       chunk; with a window around each frame (`regular`), it sees further in every layer.
    2. A convolution that looks ahead does so, too, in every layer: then it may see more.
    """
    if runs.use.read == SUFFIX and left not in {UNLIMITED, seen.left}:
        return False
    if right == UNLIMITED:
        return seen.ahead == seen.tried
    looks = [kernel - 1 - runs.encoder.conv_size for kernel in kernels(runs.graph.view)]
    if 0 in looks or not looks:  # 1
        return seen.ahead in {min(right * n, seen.tried) for n in (1, runs.encoder.layers)}
    return seen.ahead >= min(right, seen.tried)  # 2

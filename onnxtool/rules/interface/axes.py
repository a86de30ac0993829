"""I: dynamic axes, each proved at several sizes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.wiring import ACOUSTIC, JOINTS
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.encoder import encoder
from onnxtool.rules.interface.audio import Encoder
from onnxtool.rules.interface.lengths import batch_problems, ignores_length
from onnxtool.rules.positions import position_limit
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.inputs import feeds
from onnxtool.runtime.run_errors import RunRefusedError
from onnxtool.speech.subsampling import fitting

# The least, odd, prime, even, and long: what a size that was baked in when tracing does not fit.
AUDIO_SIZES = (1, 17, 41, 57, 64, 100, 101, 1000)
# Where each stage of subsampling by 4 and by 8 rounds, and where it does not.
FORMULA_SIZES = (1, 16, 17, 18, 41, 57, 101)
TOKEN_SIZES = (1, 2, 3, 7, 64, 101)
BATCH_SIZES = (1, 2, 3)
# An encoder with a table of positions makes one frame of at least so many.
LEAST_FACTOR = 4
# The families whose encoders subsample by strided convolutions, and give ceil(T / 8) frames.
_CONVOLUTIONAL = ("parakeet-tdt", "nemo", "nemotron-streaming")


@dataclass(frozen=True, slots=True)
class _Axis:
    """Axes of inputs that have one size, by symbol or `input:axis`."""

    name: str
    keys: tuple[str, ...]
    sizes: Sequence[int]
    is_batch: bool


@graph_rule(
    "I006",
    "specialized-axis",
    severity=Severity.ERROR,
    fix="Export again with this axis dynamic in every shape that is computed, and not as a number "
    "taken from the example input.",
    bad=encoder(
        outputs="""
        fixed = Constant <value = int64[3] {-1, 2, 16}> ()
        outputs = Reshape(frames, fixed)"""
    ),
    good=encoder(),
    needs=Needs.RUN,
    roles=(*ACOUSTIC, Role.PREDICTOR, *JOINTS),
)
def specialized_axis(graph: GraphSubject) -> Iterator[Problem]:
    """An axis that is declared dynamic does not run at every size, or gives something else there.

    A declared symbol is a promise. Tracing bakes sizes of its example into reshapes and masks, so
    that the graph runs at that size only, or at its multiples. So each axis is run at its least, at
    odd, prime and long sizes; the frames given are held against the subsampling's formula; and
    an utterance is compared, alone and padded in a batch with a longer one.
    """
    at_usual_sizes = _refusal(graph, {})
    if at_usual_sizes:
        raise Skipped(f"it does not run at its usual sizes (M008): {at_usual_sizes}")
    found = [problem for axis in _axes(graph) for problem in _sizes_that_fail(graph, axis)]
    yield from found
    # What follows needs sizes that run.
    if graph.signature.role in ACOUSTIC and all(problem.severity for problem in found):
        # One that is skipped has no lengths to look at: its axes were proved.
        with contextlib.suppress(Skipped):
            yield from _of_lengths(Encoder(graph))


def _axes(graph: GraphSubject) -> list[_Axis]:
    """The dynamic axes that a caller may choose the size of."""
    named: dict[str, list[str]] = {}
    batches: list[str] = []
    for spec in graph.signature.inputs:
        for axis in spec.dynamic_axes:
            if graph.signature.is_batch_axis(spec, axis):
                batches.append(spec.axis_name(axis))
            elif spec in graph.signature.free_inputs:
                named.setdefault(spec.axis_name(axis), []).append(spec.name)
    audio = {spec.name for spec in graph.signature.free_inputs if _is_audio(graph, spec)}
    axes = [
        _Axis(name, (name,), AUDIO_SIZES if audio & set(users) else TOKEN_SIZES, False)
        for name, users in named.items()
    ]
    if batches:
        axes.append(_Axis(batches[0], tuple(batches), BATCH_SIZES, True))
    return axes


def _is_audio(graph: GraphSubject, spec: TensorSpec) -> bool:
    return graph.signature.role in ACOUSTIC and "float" in spec.dtype


def _sizes_that_fail(graph: GraphSubject, axis: _Axis) -> Iterator[Problem]:
    refusals = {size: _refusal(graph, dict.fromkeys(axis.keys, size)) for size in axis.sizes}
    *shorter, longest = axis.sizes
    if not (refusals[longest] or axis.is_batch) and all(refusals[size] for size in shorter):
        # The least that it needs, or all that it takes?
        longer = longest + shorter[-1]
        refusals[longer] = _refusal(graph, dict.fromkeys(axis.keys, longer))
    runs = [size for size, refusal in refusals.items() if not refusal]
    fails = [size for size, refusal in refusals.items() if refusal]
    if not runs:
        return
    wrong = [size for size in fails if axis.is_batch or size > runs[0]]
    wrong = [size for size in wrong if not _past_positions(graph, axis, size)]
    if wrong:
        yield Problem(
            f"runs at {_listed(runs)}, not at {_listed(fails)}: {refusals[wrong[0]]}", axis.name
        )
        return
    below = [size for size in fails if size < runs[0]]
    if below:
        least = _least(partial(_runs_at, graph, axis), below[-1], runs[0])
        yield Problem(f"needs at least {least}", axis.name, Severity.INFO)


def _runs_at(graph: GraphSubject, axis: _Axis, size: int) -> bool:
    return not _refusal(graph, dict.fromkeys(axis.keys, size))


def _least(runs: Callable[[int], bool], low: int, high: int) -> int:
    """The least size that runs, between one that does not and one that does."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if runs(middle) else (middle, high)
    return high


def _past_positions(graph: GraphSubject, axis: _Axis, size: int) -> bool:
    """Whether a table of positions ends before this size, which I007 tells."""
    limit = position_limit(graph.view)
    return axis.sizes is AUDIO_SIZES and limit is not None and size > limit.frames * LEAST_FACTOR


def _refusal(graph: GraphSubject, sizes: Mapping[str, int]) -> str:
    """Why it does not run at these sizes; empty if it does."""
    try:
        graph.session.run(feeds(graph.view, graph.signature, {**graph.runs.needed, **sizes}))
    except UsageError as error:
        raise Skipped(str(error)) from None
    except RunRefusedError as error:
        return str(error)
    return ""


def _of_lengths(audio: Encoder) -> list[Problem]:
    """What is wrong with the lengths it gives; if it ignores those it takes, that is for I005."""
    found = list(_formula_problems(audio)) if audio.graph.signature.role is Role.ENCODER else []
    taken = next(s for s in audio.graph.signature.inputs if s.name == audio.length)
    # A batch takes the lengths at their word.
    if audio.graph.signature.states and not found:
        audio.graph.runs.require_repeatable()
    if not found and 0 in audio.spec.dynamic_axes and 0 in taken.dynamic_axes:
        found = list(batch_problems(audio))
    return [] if found and ignores_length(audio) else found


def _formula_problems(audio: Encoder) -> Iterator[Problem]:
    """Lengths that are not those of the frames, or follow no subsampling there is."""
    frames: dict[int, int] = {}
    for size in FORMULA_SIZES:
        try:
            encoded = audio.run(size)
        except RunRefusedError:
            continue
        frames[size] = int(encoded.lengths[0])
        given = encoded.output.shape[encoded.time_axis]
        if given != frames[size]:
            yield Problem(
                f"{size} feature frames give {given} frames, and the length says {frames[size]}",
                audio.lengths,
            )
            return
    if audio.graph.signature.family in _CONVOLUTIONAL and fitting(frames) is None:
        told = ", ".join(f"{count} of {size}" for size, count in frames.items())
        yield Problem(f"the frames follow no subsampling: {told}", audio.lengths)


def _listed(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sizes))

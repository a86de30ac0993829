"""J: what a joint gives, at run time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.rules.arithmetic import tolerance
from onnxtool.rules.examples.joint import joint
from onnxtool.rules.rule import Needs, Problem, Severity, Skipped, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.inputs import feeds

Array = np.ndarray[Any, np.dtype[Any]]
JOINTS = (Role.JOINT, Role.DECODER_JOINT)

# |log sum exp| of logits is as large as they are, a few; of log probabilities it is rounding.
NORMALIZED = 1e-3
SEEDS = (0, 1, 2)
FRAMES, SYMBOLS = 3, 2
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class _Head:
    """Entries [start, stop) of the last axis, and what they are: the evidence is the worst row."""

    start: int
    stop: int
    what: str
    worst: float


@graph_rule(
    "J002",
    "normalized-joint-values",
    severity=Severity.ERROR,
    fix="Export the joint without its (log-)softmax: in NeMo, set joint.log_softmax to False.",
    bad=joint("joint_output = LogSoftmax <axis = -1> (logits)"),
    good=joint("joint_output = Identity(logits)"),
    needs=Needs.RUN,
    roles=JOINTS,
)
def normalized_joint_values(graph: GraphSubject) -> Iterator[Problem]:
    """The joint gives log probabilities, or probabilities, and not logits.

    A decoder that expects logits takes the softmax itself, over the tokens and over the durations
    apart. Given what is normalized over both, its scores are off, and with a temperature, a blank
    penalty or a beam it takes other tokens. Nothing fails. Here the joint is run: if the sum of
    exponentials is 1 in every row of three seeded runs, over the whole axis or a part of it, that
    part is normalized.
    """
    for spec in _logits(graph.signature):
        rows = np.concatenate([_rows(_run(graph, seed)[spec.name]) for seed in SEEDS])
        if not rows.size:
            raise Skipped(f"`{spec.name}` is empty")
        if not (rows < np.inf).all():
            raise Skipped(f"`{spec.name}` is not finite (M010)")
        for head in _normalized(rows):
            whole = head.stop - head.start == rows.shape[1]
            part = "the whole axis" if whole else f"entries {head.start} to {head.stop - 1}"
            yield Problem(
                f"{head.what} over {part} of {rows.shape[1]}: at most {head.worst:.1e} off in "
                f"{len(rows)} rows of {len(SEEDS)} seeded runs",
                f"{spec.name}:{len(spec.shape or ()) - 1}",
            )


def _logits(signature: Signature) -> list[TensorSpec]:
    found = [s for s in signature.free_outputs if "float" in s.dtype and len(s.shape or ()) >= 2]
    if not found:
        raise Skipped("it has no output of floating-point numbers")
    return found


def _rows(value: Array) -> Array:
    """Its last axis, and all others as one."""
    return value.reshape(-1, value.shape[-1]).astype(np.float64)


def _normalized(rows: Array) -> list[_Head]:
    """The whole axis, or the heads on either side of a cut that are normalized in every row.

    Where the tokens end and the durations begin is found out, at the cut that fits best: entries
    near zero fit nearly as well on either side of it. A head may be of log probabilities and the
    other of probabilities, or of logits. A side of one entry is none, as a logit that is always
    zero would look like it.
    """
    size = rows.shape[1]
    found = [(what, *distances(rows)) for what, distances in _KINDS]
    whole = min((_Head(0, size, what, float(up_to[-1])) for what, up_to, _ in found), key=_worst)
    if whole.worst < NORMALIZED:
        return [whole]
    lefts, rights = (
        [
            _Head(0, cut, what, float(up_to[cut - 1]))
            for what, up_to, _ in found
            for cut in range(2, size)
        ],
        [
            _Head(cut, size, what, float(on_from[cut]))
            for what, _, on_from in found
            for cut in range(1, size - 1)
        ],
    )
    return _both(lefts, rights) or [
        head
        for heads in (lefts, rights)
        if (head := min(heads, key=_worst, default=whole)).worst < NORMALIZED
    ]


def _both(lefts: Iterable[_Head], rights: Iterable[_Head]) -> list[_Head]:
    """The two heads of the best cut that is one on both sides; empty if there is none."""
    by_start: dict[int, list[_Head]] = {}
    for right in rights:
        if right.worst < NORMALIZED:
            by_start.setdefault(right.start, []).append(right)
    pairs = [
        (left, right)
        for left in lefts
        if left.worst < NORMALIZED
        for right in by_start.get(left.stop, ())
    ]
    return list(min(pairs, key=lambda pair: pair[0].worst + pair[1].worst, default=()))


def _worst(head: _Head) -> float:
    return head.worst


def _log_sums(rows: Array) -> tuple[Array, Array]:
    """For each entry, how far the exponentials up to it, and from it on, are from a sum of 1."""
    up_to = np.logaddexp.accumulate(rows, axis=1)
    on_from = np.logaddexp.accumulate(rows[:, ::-1], axis=1)[:, ::-1]
    return np.abs(up_to).max(axis=0), np.abs(on_from).max(axis=0)


def _sums(rows: Array) -> tuple[Array, Array]:
    """The same of the values themselves, where they may be probabilities."""
    allowed = np.where((rows >= 0).all(axis=0), 0.0, np.inf)
    up_to = np.abs(np.cumsum(rows, axis=1) - 1).max(axis=0)
    on_from = np.abs(np.cumsum(rows[:, ::-1], axis=1)[:, ::-1] - 1).max(axis=0)
    return up_to + np.cumsum(allowed), on_from + np.cumsum(allowed[::-1])[::-1]


_KINDS = (("log probabilities", _log_sums), ("probabilities", _sums))


def _run(
    graph: GraphSubject, seed: int, frames: int = FRAMES, symbols: int = SYMBOLS
) -> dict[str, Array]:
    """One run with so many frames and symbols, where the graph lets them be chosen."""
    sizes: dict[str, int] = {}
    for spec, size in zip(_sides(graph.signature), (frames, symbols), strict=False):
        axes = [axis for axis in spec.dynamic_axes if axis > 0]
        sizes.update((spec.axis_name(axis), size) for axis in axes[-1:])
    try:
        return graph.session.run(feeds(graph.view, graph.signature, sizes, seed=seed))
    except UsageError as error:
        raise Skipped(str(error)) from None


def _sides(signature: Signature) -> list[TensorSpec]:
    """The encoder's side and the predictor's, of a joint without states."""
    return [spec for spec in signature.free_inputs if "float" in spec.dtype]


@graph_rule(
    "J006",
    "joint-depends-on-neighbors",
    severity=Severity.ERROR,
    fix="Export the joint with both axes dynamic, broadcasting each frame with each symbol.",
    bad=joint("""
        over_frames = Constant <value = int64[1] {1}> ()
        mean = ReduceMean <keepdims = 1> (logits, over_frames)
        joint_output = Sub(logits, mean)"""),
    good=joint("joint_output = Identity(logits)"),
    needs=Needs.RUN,
    roles=(Role.JOINT,),
)
def joint_depends_on_neighbors(graph: GraphSubject) -> Iterator[Problem]:
    """A frame and a symbol give other logits among others than alone.

    Decoders call the joint with one frame and one symbol, training and beam search with many.
    Each pair is a matter of its own; where it is not, axes were mixed up or fixed in tracing.
    """
    signature = graph.signature
    sides = _sides(signature)
    output = next(iter(_logits(signature)))
    if len(sides) != 2 or len(output.shape or ()) != 4:
        raise Skipped("it does not join [B, D, T] and [B, H, U] to [B, T, U, V]")
    if not all(any(axis > 0 for axis in spec.dynamic_axes) for spec in sides):
        raise Skipped("it takes a fixed number of frames and symbols")
    given = feeds(graph.view, signature, _sizes(sides))
    together = graph.session.run(given)[output.name]
    if together.shape[1:3] != (FRAMES, SYMBOLS):
        yield Problem(
            f"{FRAMES} frames and {SYMBOLS} symbols give {list(together.shape)}", output.name
        )
        return
    for frame, symbol in np.ndindex(FRAMES, SYMBOLS):
        one = {
            spec.name: np.take(given[spec.name], [place], axis=_axis(spec))
            for spec, place in zip(sides, (frame, symbol), strict=True)
        }
        alone = graph.session.run({**given, **one})[output.name]
        part = together[:, frame : frame + 1, symbol : symbol + 1]
        difference = compare_values(alone, part)
        if difference.error > tolerance(TOLERANCE, graph.view):
            yield Problem(
                f"frame {frame} and symbol {symbol} of {FRAMES} by {SYMBOLS} differ from a run of "
                f"their own by up to {difference.max_abs:.2g}",
                output.name,
            )
            return


def _axis(spec: TensorSpec) -> int:
    """The axis of frames or symbols: the last dynamic one."""
    return max(spec.dynamic_axes)


def _sizes(sides: list[TensorSpec]) -> dict[str, int]:
    return {
        spec.axis_name(_axis(spec)): size
        for spec, size in zip(sides, (FRAMES, SYMBOLS), strict=True)
    }

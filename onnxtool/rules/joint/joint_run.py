"""J: what a joint gives, at run time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.wiring import JOINTS
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.arithmetic import tolerance
from onnxtool.rules.examples.joint import joint
from onnxtool.rules.joint.heads import gives
from onnxtool.rules.joint.normalization import Normalizations
from onnxtool.rules.joint.normalized_ranges import Range, normalized
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.rules.transducer import durations
from onnxtool.runtime.inputs import feeds

Array = np.ndarray[Any, np.dtype[Any]]

# At least so many inputs, and so many rows: of few, chance finds what adds up to 1.
SEEDS, ROWS = 3, 12
FRAMES, SYMBOLS = 3, 2
TOLERANCE = 1e-4


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
    penalty or a beam it takes other tokens. Nothing fails. Here the joint is run: what adds up to 1
    in every row of three seeded runs or more is normalized, be it a whole axis, the tokens or the
    durations where they are known, or any other neighboring entries, as long as these move.
    """
    for spec in _logits(graph.signature):
        values = _values(graph, spec.name)
        if not values.size:
            raise Skipped(f"`{spec.name}` is empty")
        if not (values < np.inf).all():
            raise Skipped(f"`{spec.name}` is not finite (M010)")
        # The first axis is that of the runs.
        for axis, size in enumerate(values.shape[1:]):
            rows = np.moveaxis(values, axis + 1, -1).reshape(-1, size)
            is_scores = size == max(values.shape[1:])
            for found in normalized(rows, _heads(graph, size) if is_scores else {}):
                seen = f"{len(rows)} rows of {len(values)} seeded runs"
                yield Problem(
                    f"{_told(found, size)}: at most {found.worst:.1e} off in {seen}; "
                    f"made by {_behind(graph, spec, axis, found)}",
                    f"{spec.name}:{axis}",
                )


def _logits(signature: Signature) -> list[TensorSpec]:
    found = [s for s in signature.free_outputs if "float" in s.dtype and len(s.shape or ()) >= 2]
    if not found:
        raise Skipped("it has no output of floating-point numbers")
    return found


def _values(graph: GraphSubject, name: str) -> Array:
    """An output of several runs [runs, ...]."""
    first = _run(graph, 0)[name]
    rows = first.size // max((1, *first.shape))
    seeds = range(1, max(SEEDS, -(-ROWS // max(1, rows))))
    values = [first, *(_run(graph, seed)[name] for seed in seeds)]
    if any(value.shape != first.shape for value in values):
        raise Skipped(f"`{name}` has another shape in each run")
    return np.stack(values).astype(np.float64)


def _heads(graph: GraphSubject, size: int) -> dict[str, tuple[int, int]]:
    """The tokens and the durations, where it is known how many durations there are."""
    steps = durations(graph.bundle, graph.contract)
    cut = size - len(steps.value) if steps else 0
    return {"tokens": (0, cut), "durations": (cut, size)} if 0 < cut < size else {}


def _told(found: Range, size: int) -> str:
    """`log probabilities over the durations, entries 5 to 6 of 7`."""
    if len(found) == size:
        return f"{found.what} over the whole axis of {size}"
    name = f"the {found.name}, " if found.name else ""
    return f"{found.what} over {name}entries {found.start} to {found.stop - 1} of {size}"


def _behind(graph: GraphSubject, spec: TensorSpec, axis: int, found: Range) -> str:
    """The nodes that make these entries of an axis what they are."""
    makers = Normalizations(graph.view)
    wanted = range(found.start, found.stop)
    for candidates in (makers.of(spec.name), makers.origins(spec.name)):
        fit = [
            str(each) for each in candidates if gives(each, spec, axis, wanted, makers.constants)
        ]
        if fit:
            return " and ".join(dict.fromkeys(fit))
    return "its inputs"


def _run(graph: GraphSubject, seed: int) -> dict[str, Array]:
    sizes = _sizes(_sides(graph.signature))
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
    if not all(_has_axis(spec) for spec in sides):
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


def _has_axis(spec: TensorSpec) -> bool:
    """Whether there is one, besides the batch."""
    return any(axis > 0 for axis in spec.dynamic_axes)


def _sizes(sides: list[TensorSpec]) -> dict[str, int]:
    """So many frames and symbols, where the graph lets them be chosen."""
    return {
        spec.axis_name(_axis(spec)): size
        for spec, size in zip(sides, (FRAMES, SYMBOLS), strict=False)
        if _has_axis(spec)
    }

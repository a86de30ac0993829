"""Compute the small tensors that shapes are made of, with onnx's own reference operators."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx

from onnxtool.analysis.shapes.values import MAX_ELEMENTS, Array
from onnxtool.model.attributes import integer, integers

if TYPE_CHECKING:
    from onnx.reference import ReferenceEvaluator

# Deterministic operators that exporters build shapes, masks and positions with. `Shape` and
# `Constant` are not here: the first needs no values, the second has them.
_OPERATORS = (
    "Abs Add And Ceil Clip Div Equal Exp Floor Greater GreaterOrEqual Less LessOrEqual Log Max Min",
    "Mod Mul Neg Not Or Pow Round Sign Sqrt Sub Sum Where Xor",
    "Cast CastLike Expand Flatten Identity Reshape Size Squeeze Transpose Unsqueeze",
    "Concat Gather GatherElements GatherND Pad ScatterElements ScatterND Slice Split Tile Trilu",
    "ConstantOfShape CumSum NonZero OneHot Range ReduceMax ReduceMin ReduceProd ReduceSum TopK",
)
ARITHMETIC = frozenset(" ".join(_OPERATORS).split())
_WITH_AXES = frozenset({"ReduceSum", "Squeeze", "Unsqueeze"})
# The version of the operator set since which their axes are an input.
AXES_AS_INPUT = 13


def evaluate(
    node: onnx.NodeProto,
    inputs: Sequence[Array | None],
    shapes: Iterable[tuple[int, ...] | None],
    opset: int,
) -> list[Array] | None:
    """The node's outputs, or None if it is not arithmetic, too large, or fails.

    Args:
        node: A node of the standard domain.
        inputs: Its inputs in order; None for one that is left out.
        shapes: Of its outputs, as inferred; None where not known.
        opset: Version of the standard operator set.
    """
    if node.op_type not in ARITHMETIC or _most_elements(node, inputs, shapes) > MAX_ELEMENTS:
        return None
    if opset < AXES_AS_INPUT and node.op_type in _WITH_AXES:
        node, inputs, opset = *_with_axes_as_input(node, inputs), AXES_AS_INPUT
    feeds = {f"i{i}": array for i, array in enumerate(inputs) if array is not None}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outputs = _evaluator(_anonymous(node), opset).run(None, feeds)
    except Exception:
        return None
    arrays = [np.asarray(output) for output in outputs]
    return arrays if sum(array.size for array in arrays) <= MAX_ELEMENTS else None


def _most_elements(
    node: onnx.NodeProto,
    inputs: Sequence[Array | None],
    shapes: Iterable[tuple[int, ...] | None],
) -> float:
    """The most elements that computing the node could take, known before it is computed.

    1. `NonZero` has no inferred shape: an index for each axis of each element of its input.
    2. `Split` makes as many outputs as it says, also those that the node does not take.
    3. Others are as large as their outputs. An empty axis counts as one, since `Tile` and `OneHot`
       make the others first; without an inferred shape anything could come out.
    """
    if node.op_type == "NonZero":  # 1
        return sum(array.size * array.ndim for array in inputs if array is not None)
    if integer(node, "num_outputs") > len(node.output):  # 2
        return math.inf
    return sum(  # 3
        math.inf if shape is None else math.prod(max(size, 1) for size in shape) for shape in shapes
    )


def _with_axes_as_input(
    node: onnx.NodeProto, inputs: Sequence[Array | None]
) -> tuple[onnx.NodeProto, Sequence[Array | None]]:
    """The node as it is written since opset 13: onnx takes older ones for that, and fails."""
    axes = integers(node, "axes")
    copy = onnx.NodeProto(op_type=node.op_type, input=node.input, output=node.output)
    copy.attribute.extend(item for item in node.attribute if item.name != "axes")
    if not axes:
        return copy, inputs
    copy.input.append("axes")
    return copy, [*inputs, np.array(axes, np.int64)]


def _anonymous(node: onnx.NodeProto) -> bytes:
    """The node without names, so that nodes that compute alike share one evaluator."""
    copy = onnx.NodeProto(op_type=node.op_type)
    copy.input.extend(f"i{i}" if name else "" for i, name in enumerate(node.input))
    copy.output.extend(f"o{i}" if name else "" for i, name in enumerate(node.output))
    copy.attribute.extend(node.attribute)
    return bytes(copy.SerializeToString(deterministic=True))


@functools.lru_cache(maxsize=512)
def _evaluator(node: bytes, opset: int) -> ReferenceEvaluator:
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(onnx.NodeProto.FromString(node), opsets={"": opset})

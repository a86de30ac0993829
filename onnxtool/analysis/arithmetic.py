"""Compute the small tensors that shapes are made of, with onnx's own reference operators."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx

from onnxtool.analysis.values import MAX_ELEMENTS, Array

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


def evaluate(
    node: onnx.NodeProto, inputs: Sequence[Array | None], opset: int
) -> list[Array] | None:
    """The node's outputs, or None if it is not arithmetic, too large, or fails.

    Args:
        node: A node of the standard domain.
        inputs: Its inputs in order; None for one that is left out.
        opset: Version of the standard operator set.
    """
    if node.op_type not in ARITHMETIC or _result_size(node, inputs) > MAX_ELEMENTS:
        return None
    feeds = {f"i{i}": array for i, array in enumerate(inputs) if array is not None}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outputs = _evaluator(_anonymous(node), opset).run(None, feeds)
    except Exception:
        return None
    arrays = [np.asarray(output) for output in outputs]
    return arrays if sum(array.size for array in arrays) <= MAX_ELEMENTS else None


def _result_size(node: onnx.NodeProto, inputs: Sequence[Array | None]) -> float:
    """How large the result of an operator that can blow up its inputs would be."""
    arrays = [array for array in inputs if array is not None]
    match node.op_type:
        case "ConstantOfShape":
            return float(math.prod(arrays[0].ravel().tolist()))
        case "Expand":
            return math.prod(
                np.broadcast_shapes(arrays[0].shape, tuple(arrays[1].ravel().tolist()))
            )
        case "Tile":
            return float(arrays[0].size * math.prod(arrays[1].ravel().tolist()))
        case "Range":
            start, limit, step = (float(array) for array in arrays)
            return abs((limit - start) / step) if step else math.inf
        case "Pad":
            return float(np.prod(np.abs(arrays[1]) + max(arrays[0].shape, default=0)))
        case "OneHot":
            return arrays[0].size * float(arrays[1].ravel()[0])
        case _:
            return math.prod(np.broadcast_shapes(*_mergeable(arrays)))


def _mergeable(arrays: Sequence[Array]) -> list[tuple[int, ...]]:
    """Shapes that may be broadcast; those of other operators bound nothing, and count alone."""
    shapes = [array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return [()]
    return shapes


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

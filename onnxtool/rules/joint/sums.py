"""Sums of exponentials over an axis, in every operator that can take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from onnxtool.model.attributes import integer, integers, number, text
from onnxtool.model.dataflow import Maker, Value
from onnxtool.rules.joint.constants import Constants


@dataclass(frozen=True, slots=True)
class Sum:
    """What an operator does with exponentials: it adds up powers of their product.

    Attributes:
        operands: The inputs whose product it is; constants left out.
        axis: What it adds up over; None if it cannot be told, or is several.
        reduces: Whether it adds up at all.
        takes_logs: Whether it is given logarithms, and takes their exponentials itself.
        gives_logs: Whether it gives the logarithm of the sum.
        power: Of the product, before it is added up.
        root: The power of the sum that it gives.
        divides: Whether it gives its input by that, and not that.
    """

    operands: tuple[Value, ...]
    axis: int | None
    reduces: bool = True
    takes_logs: bool = False
    gives_logs: bool = False
    power: float = 1.0
    root: float = 1.0
    divides: bool = False


# Reduction -> whether it takes logarithms, whether it gives them, the power, and the root. A mean
# is a sum, times a number that is the same for all.
_REDUCTIONS: Mapping[str, tuple[bool, bool, float, float]] = {
    "ReduceSum": (False, False, 1.0, 1.0),
    "ReduceMean": (False, False, 1.0, 1.0),
    "ReduceL1": (False, False, 1.0, 1.0),
    "ReduceSumSquare": (False, False, 2.0, 1.0),
    "ReduceL2": (False, False, 2.0, 0.5),
    "ReduceLogSum": (False, True, 1.0, 1.0),
    "ReduceLogSumExp": (True, True, 1.0, 1.0),
}


def summed(maker: Maker, constants: Constants) -> Sum | None:
    """The sum that a node takes, if it takes one."""
    operator, inputs = maker.node.op_type, maker.inputs
    if operator in _REDUCTIONS and inputs:
        takes_logs, gives_logs, power, root = _REDUCTIONS[operator]
        axes = _axes(maker, constants)
        if not axes and integer(maker.node, "noop_with_empty_axes"):
            return None
        axis = axes[0] if axes and len(axes) == 1 else None
        return Sum(inputs[:1], axis, True, takes_logs, gives_logs, power, root)
    match operator:
        case "LpNormalization":
            power = integer(maker.node, "p", 2)
            if power not in {1, 2}:
                return None
            return Sum(inputs[:1], integer(maker.node, "axis", -1), power=power, divides=True)
        case "MatMul" | "Gemm":
            return _product(maker, constants)
        case "Conv":
            return _convolution(maker, constants)
        case "Einsum":
            return _einsum(maker, constants)
        case _:
            return None


def softmax_axis(maker: Maker, opset: int) -> int | None:
    """The axis of a softmax; before version 13, those from 1 on are one if none is set."""
    is_set = opset >= 13 or any(a.name == "axis" for a in maker.node.attribute)
    return integer(maker.node, "axis", -1) if is_set else None


def _axes(reduction: Maker, constants: Constants) -> tuple[int, ...] | None:
    """The axes of a reduction: an attribute, and in newer operator sets an input."""
    axes = integers(reduction.node, "axes")
    if axes or len(reduction.inputs) < 2 or not reduction.inputs[1].name:
        return axes
    array = constants.array(reduction.inputs[1])
    return None if array is None else tuple(int(axis) for axis in array.flat)


def _product(maker: Maker, constants: Constants) -> Sum | None:
    """A matrix product with a constant that only adds up, all or one head at a time."""
    inputs, is_gemm = maker.inputs, maker.node.op_type == "Gemm"
    if len(inputs) < 2 or (len(inputs) > 2 and constants.number(inputs[2]) != 0):
        return None
    turned = [is_gemm and bool(integer(maker.node, name)) for name in ("transA", "transB")]
    # What is added up over: of the left one its last axis, of the right one the one before.
    axes = (-2 if turned[0] else -1, -1 if turned[1] else -2)
    for place, other in ((0, 1), (1, 0)):
        if is_gemm and number(maker.node, "alpha", 1.0) <= 0:
            return None
        if _only_adds(inputs[other], axes[other], constants):
            return Sum((inputs[place],), axes[place])
    return None


def _convolution(maker: Maker, constants: Constants) -> Sum | None:
    """A convolution over one point that adds up the channels."""
    inputs, kernel = maker.inputs, integers(maker.node, "kernel_shape")
    if len(inputs) < 2 or integer(maker.node, "group", 1) != 1:
        return None
    if len(inputs) > 2 and inputs[2].name and constants.number(inputs[2]) != 0:
        return None
    weight = constants.array(inputs[1])
    points = (*kernel, *(weight.shape[2:] if weight is not None else ()))
    if not points or any(size != 1 for size in points):
        return None
    return Sum(inputs[:1], 1) if _only_adds(inputs[1], 1, constants) else None


def _only_adds(value: Value, axis: int, constants: Constants) -> bool:
    """Whether a constant is one positive number, or that and zeros, several to a sum."""
    filling = constants.number(value)
    if filling is not None:
        return filling > 0
    array = constants.array(value)
    if array is None or array.ndim < 2 or not array.size or array.dtype.kind not in "iuf":
        return False
    taken = array != 0
    alike = bool((array[taken] == array.max()).all()) and float(array.max()) > 0
    return alike and bool((np.count_nonzero(taken, axis=axis) > 1).all())


def _einsum(maker: Maker, constants: Constants) -> Sum | None:
    """A product of exponentials, and of constants that are one number, perhaps added up."""
    equation = text(maker.node, "equation").replace(" ", "").replace("...", "@")
    left, arrow, output = equation.partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != len(maker.inputs):
        return None
    if any(len(set(labels)) < len(labels) for labels in terms):
        return None
    operands: list[tuple[Value, str]] = []
    for value, labels in zip(maker.inputs, terms, strict=True):
        filling = constants.number(value)
        if filling is None:
            operands.append((value, labels))
        elif filling <= 0:
            return None
    gone = {label for labels in terms for label in labels} - set(output)
    axes = {
        labels.index(label) - len(labels) for _, labels in operands for label in gone & {*labels}
    }
    return Sum(
        tuple(value for value, _ in operands),
        next(iter(axes)) if len(gone) == 1 and len(axes) == 1 else None,
        reduces=bool(gone),
    )

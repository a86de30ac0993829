"""M006: the values of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onnxtool.errors import OnnxToolError
from onnxtool.model.payload import Array, pieces
from onnxtool.model.stored_tensors import StoredTensor
from onnxtool.model.view import ModelView
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.examples.graphs import HEADER
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject

FLOAT16_MAX = 65504.0
FLOAT32_TINY = float(np.finfo(np.float32).tiny)
FLOATS = ("float16", "bfloat16", "float32", "float64")
# Operators that multiply their first two inputs, and add up.
PRODUCTS = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose"})
# A few are rounding; many make some processors ten times slower.
DENORMAL_SHARE = 0.01


@dataclass
class Statistics:
    """What one tensor holds, gathered piece by piece."""

    elements: int = 0
    nan: int = 0
    positive_infinite: int = 0
    negative_infinite: int = 0
    denormal: int = 0
    over_float16: int = 0
    lowest: float = np.inf
    highest: float = -np.inf

    def add(self, values: Array) -> None:
        """Count the values of one piece."""
        if not values.size:
            return
        # One pass for the common case: NaN shows in both.
        low, high = float(values.min()), float(values.max())
        self.elements += values.size
        if not np.isfinite([low, high]).all():
            self.nan += int(np.isnan(values).sum())
            self.positive_infinite += int(np.isposinf(values).sum())
            self.negative_infinite += int(np.isneginf(values).sum())
            values = values[np.isfinite(values)]
            low = float(values.min(initial=np.inf))
            high = float(values.max(initial=-np.inf))
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        magnitude = np.abs(values)
        self.denormal += int(((magnitude < FLOAT32_TINY) & (magnitude > 0)).sum())
        if max(-low, high) > FLOAT16_MAX:
            self.over_float16 += int((magnitude > FLOAT16_MAX).sum())


@graph_rule(
    "M006",
    "broken-weights",
    severity=Severity.ERROR,
    needs=Needs.WEIGHTS,
    fix="Export again from a checkpoint whose weights are finite, and compare the two.",
    bad=f"""{HEADER} g (float[2] x) => (float[2] y)
        <float[2] w = {{1, nan}}> {{ y = Mul(x, w) }}""",
    good=f"""{HEADER} g (float[2] x) => (float[2] y)
        <float[2] w = {{1, 2}}> {{ y = Add(x, w) }}""",
)
def broken_weights(graph: GraphSubject) -> Iterator[Problem]:
    """Weights hold values that no training gives.

    1. NaN or infinity: every output that they reach is lost. Minus infinity is an error in a factor
       of a matrix product or a convolution, and else a warning; a note, if all else is zero, as in
       the masks that let a token see none after it. NaN, too, in what nodes hold as numbers and not
       as tensors: the `value_floats` of a Constant.
    2. A matrix of zeros, or of one value: a layer that was never loaded.
    3. Denormal numbers in quantity: slow on many processors, and gone in float16.
    4. Values that float16 cannot hold, in float32: told, because a conversion makes them infinite.

    Read in pieces, whatever the size. The checker of `onnx` never looks at a value.
    """
    factors = {
        (scope.path, name)
        for scope in graph.view.scopes
        for node in scope.nodes
        if node.op_type in PRODUCTS
        for name in node.input[:2]
    }
    for tensor in graph.view.tensors:
        if tensor.dtype.name in FLOATS:
            where = f"{tensor.scope}:{tensor.name or tensor.node}"
            try:
                found = statistics(graph.view, tensor)
                yield from _judge(where, tensor, found)
                if found.negative_infinite and found.elements > 1:
                    is_factor = (tensor.scope, tensor.name) in factors
                    yield _minus_infinity(where, tensor, found, is_factor=is_factor)
            except OnnxToolError:  # Its file is for the rules on files.
                continue
    yield from _in_attributes(graph.view)


def _in_attributes(model: ModelView) -> Iterator[Problem]:
    """NaN among the numbers of a node; infinity is a bound there, of a Clip say."""
    for scope in model.scopes:
        for node in scope.nodes:
            for attribute in node.attribute:
                count = sum(map(math.isnan, (attribute.f, *attribute.floats)))
                if count:
                    where = str(scope.at(node=node))
                    yield Problem(f"`{attribute.name}` of `{where}` has {count:,} NaN", where)


def statistics(model: ModelView, tensor: StoredTensor) -> Statistics:
    """What a tensor holds.

    Raises:
        ModelLoadError: It cannot be read.
    """
    gathered = Statistics()
    for piece in pieces(model, tensor):
        gathered.add(piece if piece.dtype.itemsize >= 4 else piece.astype(np.float32))
    return gathered


def _minus_infinity(
    where: str, tensor: StoredTensor, found: Statistics, *, is_factor: bool
) -> Problem:
    """A single one fills masks, and is meant."""
    name = f"`{where}` ({tensor.dtype.name}{list(tensor.shape)})"
    message = f"{name} has {found.negative_infinite:,} values of minus infinity"
    if is_factor:
        return Problem(message, where, Severity.ERROR)
    is_mask = found.lowest == found.highest == 0 and not found.nan
    return Problem(message, where, Severity.INFO if is_mask else Severity.WARNING)


def _judge(where: str, tensor: StoredTensor, found: Statistics) -> Iterator[Problem]:
    name = f"`{where}` ({tensor.dtype.name}{list(tensor.shape)})"
    if found.nan or found.positive_infinite:
        message = f"{name} has {found.nan:,} NaN and {found.positive_infinite:,} infinite values"
        yield Problem(message, where)
    # One dimension or a few elements are biases, scales and constants of the architecture.
    is_matrix = len([size for size in tensor.shape if size > 1]) >= 2 and found.elements >= 64
    is_finite = not (found.nan or found.positive_infinite or found.negative_infinite)
    if is_matrix and is_finite and found.lowest == found.highest:
        message = f"all {found.elements:,} values of {name} are {found.lowest:g}"
        yield Problem(message, where, Severity.WARNING)
    if found.denormal > max(DENORMAL_SHARE * found.elements, 16):
        message = f"{found.denormal:,} of {found.elements:,} values of {name} are denormal"
        yield Problem(message, where, Severity.WARNING)
    if found.over_float16 and tensor.dtype.name == "float32" and found.elements > 1:
        message = f"{found.over_float16:,} values of {name} are above the range of float16"
        yield Problem(message, where, Severity.INFO)

"""Sizes that exporters write as arithmetic on symbols: `2*k`, `past + s`, `floor(T/8)`."""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
# As torch and sympy call them, in any case.
_OF_ONE: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "ceiling": math.ceil,
}
_OF_SEVERAL: dict[str, Callable[..., Fraction]] = {"max": max, "min": min}
_CHARACTERS = re.compile(r"[A-Za-z0-9_+\-*/%(), ]{1,200}")
# `batch-size` is a name: exporters put spaces around a minus.
_HYPHENATED = re.compile(r"[A-Za-z_]\w*-[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Expression:
    """A size that follows from others.

    Attributes:
        symbols: What it follows from, in order of appearance.
        value: The size, where the symbols have these; not always a whole number, or positive.
    """

    symbols: tuple[str, ...]
    value: Callable[[Mapping[str, int]], Fraction]


def symbols(dimension: str) -> tuple[str, ...]:
    """The symbols that a dimension is made of: itself, unless it is arithmetic on others."""
    found = parse(dimension)
    return found.symbols if found else (dimension,)


def evaluate(dimension: str, sizes: Mapping[str, int]) -> Fraction | None:
    """The size of a dimension where symbols have these sizes; None if that cannot be told."""
    try:
        found = parse(dimension)
        return found.value(sizes) if found else Fraction(sizes[dimension])
    except (KeyError, ZeroDivisionError):
        return None


@functools.lru_cache(maxsize=1024)
def parse(dimension: str) -> Expression | None:
    """The expression that a dimension is; None for a plain symbol, and for any other text."""
    if dimension.isidentifier() or _HYPHENATED.search(dimension):
        return None
    if not _CHARACTERS.fullmatch(dimension):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python has doubts about `1if`, which is none.
            found = _compiled(ast.parse(dimension.strip(), mode="eval").body)
    except (SyntaxError, KeyError, ValueError, MemoryError, RecursionError):
        return None
    return found if found.symbols else None


def _compiled(tree: ast.expr) -> Expression:
    """What a syntax tree computes.

    Raises:
        KeyError: It has an operator that is no arithmetic.
        ValueError: It has something else that is not.
    """
    match tree:
        case ast.Constant(value=int(number)):
            return Expression((), lambda _: Fraction(number))
        case ast.Name(id=name):
            return Expression((name,), lambda sizes: Fraction(sizes[name]))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _applied(operator.neg, [operand])
        case ast.BinOp(left=left, op=sign, right=right):
            return _applied(_OPERATORS[type(sign)], [left, right])
        case ast.Call(func=ast.Name(id=name), args=[_] as operands, keywords=[]):
            return _applied(_OF_ONE[name.lower()], operands)
        case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]):
            return _applied(_OF_SEVERAL[name.lower()], operands)
        case _:
            raise ValueError(f"{ast.unparse(tree):.40} is no arithmetic")


def _applied(function: Callable[..., Fraction | int], operands: Sequence[ast.expr]) -> Expression:
    parts = [_compiled(operand) for operand in operands]
    names = dict.fromkeys(name for part in parts for name in part.symbols)
    return Expression(
        tuple(names), lambda sizes: Fraction(function(*(part.value(sizes) for part in parts)))
    )

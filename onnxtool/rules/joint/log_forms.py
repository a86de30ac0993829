"""What a value is in logarithms, so that every spelling of a softmax is the same sum.

Each value is followed back to a form: a sum of multiples of terms, c1 t1 + c2 t2 + …, or the
exponential of one. A term is a value that nothing more is known of (the scores), a maximum, or a
log-sum-exp of another form. `Exp` and `Log` turn one kind into the other; products and powers of
exponentials are sums and multiples of their forms; the sum of an exponential over an axis, however
it is written, is the exponential of a log-sum-exp. What only moves values, or adds the same number
to all, changes nothing. So

    x - max - log(sum(exp(x - max)))   is   x - max - lse(x - max)
    exp(x) / (mean(exp(x)) * n)        is   exp(x - lse(x))

The logarithm of a sigmoid is a term, too, and that of 1 less a sigmoid is the one of the negative.

A form is normalized where it is f - lse(f) for some f, or a multiple of that. `x - max` is not, nor
is `x - lse(x - max)`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from onnxtool.model.dataflow import Dataflow, Maker, Value
from onnxtool.model.view import STANDARD_DOMAINS
from onnxtool.rules.joint.constants import Constants
from onnxtool.rules.joint.movement import MOVES, joined
from onnxtool.rules.joint.shares import Shares, left_over, log_odds, sides
from onnxtool.rules.joint.sums import Sum, softmax_axis, summed
from onnxtool.rules.joint.terms import Form, Ledger, LogSum, Terms, total

# Of one value, where branches or heads come together; more are not followed.
MAX_FORMS = 8
MAX_TERMS = 16
# Nodes on the way to a value; far more than any softmax has.
MAX_DEPTH = 48
# What is added to a sum so that its logarithm exists.
MAX_EPSILON = 1e-4
_DOMAINS = (*STANDARD_DOMAINS, "com.microsoft")
# Operator -> whether it takes an exponential, whether it gives one, and the factor.
_UNARY: Mapping[str, tuple[bool, bool, float]] = {
    "Exp": (False, True, 1.0),
    "Log": (True, False, 1.0),
    "Neg": (False, False, -1.0),
    "Reciprocal": (True, True, -1.0),
    "Sqrt": (True, True, 0.5),
    "Abs": (True, True, 1.0),
    "Relu": (True, True, 1.0),
}
# One node that does all of it -> whether it gives an exponential.
_SOFTMAX: Mapping[str, bool] = {
    "LogSoftmax": False,
    "Softmax": True,
    "BiasSoftmax": True,
    "QLinearSoftmax": True,
    "QuickSoftmax": True,
}


class LogForms:
    """The forms of the values of one model."""

    def __init__(self, flow: Dataflow, constants: Constants) -> None:
        self._flow, self._constants = flow, constants
        self._ledger = Ledger()
        self._shares = Shares(constants, self._ledger, self.of)
        self._forms: dict[tuple[int, str], tuple[Form, ...]] = {}
        self._depth = 0

    def normalization(self, value: Value) -> LogSum | None:
        """The log-sum-exp that a value is less by, where that makes it normalized."""
        found = (self._ledger.normalization(form.terms) for form in self.of(value))
        return next(filter(None, found), None)

    def of(self, value: Value) -> tuple[Form, ...]:
        """The forms that a value may have: several where branches or heads come together."""
        value = self._flow.source(value)
        if value.key in self._forms:
            return self._forms[value.key]
        opaque = self._opaque(value)
        # Also what a value has that is made of itself, which only damage brings about.
        self._forms[value.key] = (opaque,)
        if self._depth < MAX_DEPTH:
            self._depth += 1
            made = (form for maker in self._flow.makers(value) for form in self._made(maker))
            short = (form for form in made if len(form.terms) <= MAX_TERMS)
            found = dict.fromkeys(itertools.islice(short, MAX_FORMS))
            self._depth -= 1
            self._forms[value.key] = tuple(found) or (opaque,)
        return self._forms[value.key]

    def _opaque(self, value: Value) -> Form:
        """A value of which nothing more is known."""
        return Form(False, self._ledger.term(value.key))

    def _made(self, maker: Maker) -> Iterator[Form]:
        """The forms of what a node gives; of a join, those of its parts as well."""
        is_known = maker.node.domain in _DOMAINS and bool(maker.inputs)
        forms = list(self._known(maker)) if is_known else []
        parts = joined(maker, self._constants)
        if parts or not forms:
            yield self._opaque(maker.value)
        yield from forms
        for place in parts if len(parts) <= MAX_FORMS else ():
            yield from self.of(maker.inputs[place])

    def _known(self, maker: Maker) -> Iterator[Form]:
        """What is known of an operator; nothing where its inputs have no such forms."""
        operator, value = maker.node.op_type, maker.inputs[0]
        if operator in MOVES:
            yield from self.of(value)
        elif operator in _UNARY:
            takes, gives, factor = _UNARY[operator]
            for terms in self._terms(value, exponential=takes):
                yield Form(gives, total((terms, factor)))
        elif operator in _SOFTMAX:
            axis = softmax_axis(maker, self._flow.opset)
            for terms in self._terms(value, exponential=False):
                yield Form(_SOFTMAX[operator], self._less_sum(terms, maker, axis))
        elif operator in {"Sigmoid", "Softplus"}:
            # Softplus is the logarithm of the sigmoid of the negative, but for the sign.
            sign = 1 if operator == "Sigmoid" else -1
            odds, negated = log_odds(value, self._flow)
            terms = self._ledger.sigmoid(total((self._opaque(odds).terms, sign * negated)))
            yield Form(sign > 0, total((terms, sign)))
        elif operator == "ReduceMax":
            for form in self.of(value):
                yield Form(form.is_exponential, self._ledger.term(("max", form.terms)))
        else:
            yield from self._of_several(maker)

    def _of_several(self, maker: Maker) -> Iterator[Form]:
        match maker.node.op_type, len(maker.inputs):
            case "Add" | "Sum", _:
                yield from self._add(maker, 1)
            case "Sub", 2:
                yield from self._add(maker, -1)
            case "Mul", 2:
                yield from self._multiply(maker, 1)
            case "Div", 2:
                yield from self._multiply(maker, -1)
            case "Pow", 2:
                yield from self._power(*maker.inputs)
            case "Concat", 2:
                for exponential, axis in self._shares.joined(maker):
                    whole = self._ledger.term(("shares", maker.value.key))
                    yield Form(exponential, self._less_sum(whole, maker, axis))
            case "Max" | "Min", 2:
                yield from self._limit(maker)
            case _:
                if found := summed(maker, self._constants):
                    yield from self._of_sum(found, maker)

    # --- What a value is --------------------------------------------------------------------------

    def _terms(self, value: Value, *, exponential: bool) -> list[Terms]:
        """The terms of a value that is a sum of them, or of one that is an exponential.

        Of a constant, only what tells elements apart counts.
        """
        number = self._constants.number(value)
        if number is not None:
            return [()] if number > 0 or not exponential else []
        if self._constants.array(value) is not None:
            return self._of_array(value, exponential=exponential)
        if exponential and self._constants.is_fixed(value):  # A size, which is positive.
            return [()]
        found = [form.terms for form in self.of(value) if form.is_exponential == exponential]
        return found if exponential or found else [self._opaque(self._flow.source(value)).terms]

    def _of_array(self, value: Value, *, exponential: bool) -> list[Terms]:
        """Of a constant that is not one number: a mask only cuts."""
        array = self._constants.array(value)
        term = self._ledger.term(("constant", id(self._flow.constant(value)), exponential))
        if not exponential or array is None:
            return [term]
        if array.dtype.kind not in "iuf" or not (array >= 0).all():
            return []
        positive = array[array > 0]
        return [()] if (positive == positive[:1]).all() else [term]

    def _combinations(self, maker: Maker, *, exponential: bool) -> Iterator[tuple[Terms, ...]]:
        """A form of each input, in every combination; none where constants are all there is."""
        if all(self._constants.is_fixed(value) for value in maker.inputs):
            return iter(())
        forms = [self._terms(value, exponential=exponential) for value in maker.inputs]
        return itertools.islice(itertools.product(*forms), MAX_FORMS)

    def _less_sum(self, terms: Terms, maker: Maker, axis: int | None, power: float = 1) -> Terms:
        """F - lse(power * f) / power."""
        whole = self._ledger.log_sum(total((terms, power)), maker, axis)
        return total((terms, 1), (whole, -1 / power))

    # --- Operators of several inputs --------------------------------------------------------------

    def _add(self, maker: Maker, sign: int) -> Iterator[Form]:
        """Sums of forms; of an exponential, one with next to nothing."""
        for first, *others in self._combinations(maker, exponential=False):
            yield Form(False, total((first, 1), *((terms, sign) for terms in others)))
        for value, other in sides(maker):
            epsilon = self._constants.number(other)
            if epsilon is not None and abs(epsilon) <= MAX_EPSILON:
                yield from (form for form in self.of(value) if form.is_exponential)
        if taken := left_over(maker, self._constants):
            for terms in self._terms(taken, exponential=True):
                yield Form(True, self._ledger.complement(terms))

    def _multiply(self, maker: Maker, sign: int) -> Iterator[Form]:
        """Products of exponentials; of any form, one with a number."""
        for left, right in self._combinations(maker, exponential=True):
            yield Form(True, total((left, 1), (right, sign)))
        for value, other in sides(maker, sign):
            if factor := self._constants.number(other):
                plain = (form.terms for form in self.of(value) if not form.is_exponential)
                yield from (Form(False, total((terms, factor**sign))) for terms in plain)

    def _power(self, base: Value, exponent: Value) -> Iterator[Form]:
        """A number to the power of a form, or an exponential to the power of a number."""
        number, power = self._constants.number(base), self._constants.number(exponent)
        if number is not None and number > 0:
            for terms in self._terms(exponent, exponential=False):
                yield Form(True, total((terms, math.log(number))))
        elif power:
            for terms in self._terms(base, exponential=True):
                yield Form(True, total((terms, power)))

    def _limit(self, maker: Maker) -> Iterator[Form]:
        """At least or at most a number: as it is."""
        for value, other in sides(maker):
            if self._constants.number(other) is not None:
                yield from self.of(value)

    def _of_sum(self, found: Sum, maker: Maker) -> Iterator[Form]:
        """A product of exponentials, added up over an axis."""
        forms = [self._terms(each, exponential=not found.takes_logs) for each in found.operands]
        for combination in itertools.islice(itertools.product(*forms), MAX_FORMS):
            terms = total(*((each, 1) for each in combination))
            if found.divides:
                yield Form(True, self._less_sum(terms, maker, found.axis, found.power))
            elif found.reduces:
                whole = self._ledger.log_sum(total((terms, found.power)), maker, found.axis)
                yield Form(not found.gives_logs, total((whole, found.root)))
            else:
                yield Form(True, terms)

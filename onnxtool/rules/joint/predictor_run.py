"""J: what a predictor gives, at run time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.arithmetic import tolerance
from onnxtool.rules.examples.joint import predictor
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.inputs import feeds, id_limit

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = 1e-4


@graph_rule(
    "J007",
    "stateless-predictor-step",
    severity=Severity.ERROR,
    fix="Export with the states as outputs of the last token, in evaluation mode.",
    bad=predictor(state="h_out = Identity(h)"),
    good=predictor(),
    needs=Needs.RUN,
    roles=(Role.PREDICTOR,),
)
def stateless_predictor_step(graph: GraphSubject) -> Iterator[Problem]:
    """Token by token, with states fed back, the predictor gives something else than at once.

    Decoding goes token by token, and training did not. The states of one call must carry all of
    what was said to the next: have the shape that goes in, change with a token, and give the same
    twice.
    """
    steps = _Steps(graph)
    if not graph.signature.states:
        raise Skipped("it keeps no state")
    fresh = steps.feeds(1)
    once, again = graph.session.run(fresh), graph.session.run(fresh)
    for pair in graph.signature.states:
        before, after = fresh[pair.input], once[pair.output]
        if before.shape != after.shape:
            yield Problem(f"{list(before.shape)} in, {list(after.shape)} out", pair.output)
            return
        if np.array_equal(before, after):
            yield Problem("is not changed by a token", pair.output)
    if differing := [name for name in once if not _same(once[name], again[name])]:
        yield Problem(f"two equal runs differ in {', '.join(differing)}", differing[0])
        return
    if steps.can_be_long:
        yield from _step_by_step(graph, steps)


def _same(one: Array, other: Array) -> bool:
    """Whether all elements are equal; NaN is equal to itself."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _step_by_step(graph: GraphSubject, steps: _Steps) -> Iterator[Problem]:
    """Two tokens at once, and one after the other."""
    together = steps.feeds(2)
    whole = graph.session.run(together)
    states = {pair.input: together[pair.input] for pair in graph.signature.states}
    outputs: list[Array] = []
    step: dict[str, Array] = {}
    for token in range(2):
        ids = together[steps.ids.name][:, token : token + 1]
        step = graph.session.run({**steps.feeds(1), steps.ids.name: ids, **states})
        states = {pair.input: step[pair.output] for pair in graph.signature.states}
        outputs.append(step[steps.output.name])
    if outputs[0].ndim <= steps.output_axis:
        raise Skipped(f"`{steps.output.name}` has another rank than it declares")
    joined = np.concatenate(outputs, axis=steps.output_axis)
    pairs = [(steps.output.name, joined)]
    pairs += [(pair.output, step[pair.output]) for pair in graph.signature.states]
    for name, value in pairs:
        difference = compare_values(whole[name], value)
        if difference.error > tolerance(TOLERANCE, graph.view):
            yield Problem(
                difference.problem
                or f"two tokens at once and one after the other differ by {difference.max_abs:.2g}",
                name,
            )


@graph_rule(
    "J008",
    "predictor-ignores-token",
    severity=Severity.ERROR,
    fix="Export with the token ids as an input, and not as a number when tracing.",
    bad=predictor(
        embedded="""
            nothing = Sub(y, y)
            embedded = Gather(table, nothing)"""
    ),
    good=predictor(),
    needs=Needs.RUN,
    roles=(Role.PREDICTOR,),
)
def predictor_ignores_token(graph: GraphSubject) -> Iterator[Problem]:
    """The output does not depend on the token.

    A trace with a constant for the token gives the same whatever was said: an acoustic model
    without a language model, which decodes, only worse.
    """
    steps = _Steps(graph)
    given = steps.feeds(1)
    limit = id_limit(graph.view, steps.ids.name) or 2
    values = [
        graph.session.run({**given, steps.ids.name: np.full_like(given[steps.ids.name], token)})
        for token in sorted({0, 1, limit // 2, limit - 1})
    ]
    name = steps.output.name
    if all(np.array_equal(values[0][name], value[name]) for value in values[1:]):
        yield Problem(f"is the same for {len(values)} tokens between 0 and {limit - 1}", name)


class _Steps:
    """Runs of a predictor with so many tokens.

    Raises:
        Skipped: It has no token ids, or no output.
    """

    def __init__(self, graph: GraphSubject) -> None:
        self.graph = graph
        signature = graph.signature
        ids = [s for s in signature.free_inputs if "int" in s.dtype and len(s.shape or ()) == 2]
        outputs = [spec for spec in signature.free_outputs if "float" in spec.dtype]
        if not ids or not outputs:
            raise Skipped("it does not take token ids [B, U] and give what follows them")
        self.ids, self.output = ids[0], outputs[0]

    @property
    def can_be_long(self) -> bool:
        """Whether it takes, and gives, any number of tokens."""
        return 1 in self.ids.dynamic_axes and bool(self._output_axes)

    @property
    def output_axis(self) -> int:
        """The axis of the output that is the tokens."""
        return self._output_axes[-1]

    @property
    def _output_axes(self) -> list[int]:
        return [axis for axis in self.output.dynamic_axes if axis > 0]

    def feeds(self, tokens: int) -> dict[str, Array]:
        """Seeded ids of one utterance, and states as at the start."""
        sizes = {self.ids.axis_name(1): tokens} if 1 in self.ids.dynamic_axes else {}
        try:
            given = feeds(self.graph.view, self.graph.signature, sizes)
        except UsageError as error:
            raise Skipped(str(error)) from None
        for spec in self.graph.signature.free_inputs:
            if "int" in spec.dtype and len(spec.shape or ()) == 1:
                given[spec.name] = np.full_like(given[spec.name], tokens)
        return given

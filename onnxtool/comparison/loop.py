"""Run a graph for a number of calls, its states fed back as a host would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, tee

from onnxtool.comparison.values import Array
from onnxtool.model.signature import Signature
from onnxtool.model.states import StateKind
from onnxtool.runtime.session import Session


def closed_loop(
    session: Session, signature: Signature, inputs: Iterator[Mapping[str, Array]]
) -> Iterator[dict[str, Array]]:
    """The outputs of each call.

    Args:
        session: The graph.
        signature: Its signature: which output feeds which input.
        inputs: A value for every input, call by call; those of states count at the first only.

    Raises:
        RunError: A call failed.
    """
    pairs = [pair for pair in signature.states if pair.kind is not StateKind.MISMATCHED]
    states: dict[str, Array] = {}
    for values in inputs:
        outputs = session.run({**values, **states})
        states = {pair.input: outputs[pair.output] for pair in pairs}
        yield outputs


def inputs_at(
    session: Session, signature: Signature, calls: Iterator[Mapping[str, Array]], step: int
) -> dict[str, Array]:
    """What a closed loop feeds at call number `step`, from 0: the states of the calls before it.

    Raises:
        RunError: A call before it failed.
    """
    pairs = [pair for pair in signature.states if pair.kind is not StateKind.MISMATCHED]
    first, second = tee(islice(calls, step + 1))
    states: dict[str, Array] = {}
    for outputs in islice(closed_loop(session, signature, first), step):
        states = {pair.input: outputs[pair.output] for pair in pairs}
    *_, values = second
    return {**values, **states}

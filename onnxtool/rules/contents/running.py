"""M: whether a graph runs at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.families import Role
from onnxtool.model.open_axes import open_axes
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.joint import joint
from onnxtool.rules.rule import Needs, graph_rule
from onnxtool.rules.subject import GraphSubject
from onnxtool.runtime.inputs import Array
from onnxtool.runtime.run_errors import RunRefusedError


@graph_rule(
    "M008",
    "does-not-run",
    severity=Severity.ERROR,
    fix="See what ONNX Runtime says: an operator that it does not have, a shape that cannot be, "
    "data that is missing.",
    bad="""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[B, 2] x) => (float[B, 2] y) <int64[1] size = {3}> { y = Reshape(x, size) }
    """,
    good="""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[B, 2] x) => (float[B, 2] y) { y = Tanh(x) }
    """,
    needs=Needs.RUN,
)
def does_not_run(graph: GraphSubject) -> Iterator[Problem]:
    """ONNX Runtime does not load the graph, or one run of it fails, crashes or does not end.

    Loading and running are where most damage shows that no checker looks for. Each graph has a
    process of its own with a limit of time, so that a crash is an answer, too.
    """
    try:
        graph.session.open()
    except RunRefusedError as error:
        yield Problem(f"ONNX Runtime does not load it: {error}")
        return
    signature = graph.signature
    try:
        _ = graph.runs.usual
    except UsageError as error:
        raise Skipped(str(error)) from None
    except RunRefusedError as error:
        # Masks and counts must fit each other, images many halvings, and we would not know how.
        guessed = len(signature.inputs) > 1 or open_axes(signature)
        if signature.host_held or (signature.role is Role.OTHER and guessed):
            raise Skipped(f"no inputs that fit each other could be made up: {error}") from None
        yield Problem(f"a run fails: {error}")


@graph_rule(
    "M010",
    "output-not-finite",
    severity=Severity.ERROR,
    fix="Find the node where it begins: a division by zero, the logarithm of a negative number, "
    "a sum too large for its type, a weight that is not a number.",
    bad=joint("joint_output = Log(logits)"),
    good=joint("joint_output = Identity(logits)"),
    needs=Needs.RUN,
)
def output_not_finite(graph: GraphSubject) -> Iterator[Problem]:
    """A run on ordinary values gives NaN, or infinity.

    All that is computed from such a value is lost, and no comparison with it tells anything: NaN
    is unlike everything, itself included. Minus infinity is none: it says that a token cannot be.

    Of a graph whose role is unknown, what ordinary values are is a guess; then it is a warning.
    """
    try:
        outputs = graph.runs.usual
    except (UsageError, RunRefusedError) as error:
        raise Skipped(f"it does not run at its usual sizes (M008): {error}") from None
    guessed = Severity.WARNING if graph.signature.role is Role.OTHER else None
    for name, given in outputs.items():
        values = [value for value in _arrays(given) if np.issubdtype(value.dtype, np.inexact)]
        broken = sum(int(np.count_nonzero(~(value < np.inf))) for value in values)
        if broken:
            size = sum(value.size for value in values)
            nan = sum(int(np.count_nonzero(np.isnan(value))) for value in values)
            yield Problem(
                f"{broken:,} of {size:,} values are not finite, {nan:,} of them NaN", name, guessed
            )


def _arrays(given: object) -> Iterator[Array]:
    """The tensors of an output: one, or those of a sequence or a map; an optional may have none."""
    if isinstance(given, Mapping):
        yield np.array(list(given.values()))
    elif isinstance(given, Sequence):
        for value in given:
            yield from _arrays(value)
    elif given is not None:
        yield np.asarray(given)

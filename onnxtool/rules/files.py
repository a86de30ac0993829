"""X: files, external data, hashes."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.model.external import Trouble
from onnxtool.rules.rule import Problem, Severity, graph_rule
from onnxtool.rules.subject import GraphSubject


@graph_rule(
    "X001",
    "missing-external-file",
    severity=Severity.ERROR,
    fix="Copy the file beside the model, or export the model again.",
    bad="""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y)
        <float[2] w = ["location": "weights.bin"]> { y = Add(x, w) }
    """,
    good="""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }
    """,
)
def missing_external_file(graph: GraphSubject) -> Iterator[Problem]:
    """A file of weights that the graph refers to is not there.

    References hide in initializers, sparse initializers, node attributes, subgraphs and functions;
    a copy step that looks at initializers only leaves the others behind.
    """
    for file in graph.view.external_files:
        if file.trouble is Trouble.MISSING:
            yield Problem(f"`{file.location}` {file.explanation}, for `{file.user}`", file.location)

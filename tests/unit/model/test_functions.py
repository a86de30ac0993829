from __future__ import annotations

import onnx
import onnx.inliner
import pytest

from onnxtool.model.functions import call_depth, inlined_nodes, recursive_functions
from tests.support.models import model

GRAPH = "g (float[1] x) => (float[1] y) { y = local.f(x) }"


def calls(**called: str) -> onnx.ModelProto:
    """A model whose functions call those in their text in turn; a dot is no function."""
    functions = ""
    for name, callees in called.items():
        body = "a0 = Identity(x)" + "".join(
            f" a{i + 1} = {'Neg' if callee == '.' else f'local.{callee}'}(a{i})"
            for i, callee in enumerate(callees)
        )
        functions += (
            f'<domain: "local", opset_import: ["": 21, "local": 1]> '
            f"{name} (x) => (a{len(callees)}) {{ {body} }}\n"
        )
    return model(f"{GRAPH} {functions}")


@pytest.mark.parametrize(
    ("functions", "recursive"),
    [
        ({"f": "."}, []),
        ({"f": "g", "g": "."}, []),
        ({"f": "f"}, ["f"]),
        ({"f": "g", "g": "h", "h": "f"}, ["f", "g", "h"]),
        # f only calls the circle; h is only called by it.
        ({"f": "g", "g": "gh", "h": "."}, ["g"]),
        ({"f": "gh", "g": "g", "h": "h"}, ["g", "h"]),
    ],
    ids=["none", "a chain", "itself", "a circle", "beside a circle", "two circles"],
)
def test_finds_functions_that_call_themselves(
    functions: dict[str, str], recursive: list[str]
) -> None:
    assert recursive_functions(calls(**functions)) == tuple(("local", f) for f in recursive)


def test_finds_a_call_inside_a_subgraph() -> None:
    proto = model(
        GRAPH
        + """<domain: "local", opset_import: ["": 21, "local": 1]> f (x) => (y) {
            c = Constant<value = bool {1}>()
            y = If (c) <then_branch = t () => (float[1] o) { o = local.f(x) },
                        else_branch = e () => (float[1] p) { p = Abs(x) }>
        }"""
    )
    assert recursive_functions(proto) == (("local", "f"),)


def test_a_long_chain_of_calls_is_no_recursion_of_ours() -> None:
    names = [f"f{i}" for i in range(3000)]
    proto = model(GRAPH)
    for name, callee in zip(names, [*names[1:], "Neg"], strict=True):
        function = proto.functions.add(domain="local", name=name)
        function.node.add(op_type=callee, domain="local")
    assert recursive_functions(proto) == ()
    proto.graph.node[0].op_type = "f0"
    assert inlined_nodes(proto) == 1
    assert call_depth(proto) == 3000


@pytest.mark.parametrize(
    ("functions", "nodes"),
    [
        ({"f": "."}, 2),
        ({"f": "gg", "g": "."}, 1 + 2 * 2),
        # Each doubles the one before: no file is that large.
        (
            {"f": "aa", "a": "bb", "b": "cc", "c": "dd", "d": "."},
            1 + 2 * (1 + 2 * (1 + 2 * (1 + 2 * 2))),
        ),
    ],
    ids=["one call", "two calls", "doubling"],
)
def test_counts_the_nodes_of_an_inlined_model(functions: dict[str, str], nodes: int) -> None:
    proto = calls(**functions)
    assert inlined_nodes(proto) == nodes
    assert len(onnx.inliner.inline_local_functions(proto).graph.node) == nodes


@pytest.mark.parametrize(
    ("functions", "depth"),
    [({"f": "."}, 1), ({"f": "gh", "g": "h", "h": "."}, 3), ({"f": ".", "g": "f"}, 2)],
)
def test_counts_the_functions_inside_each_other(functions: dict[str, str], depth: int) -> None:
    assert call_depth(calls(**functions)) == depth


def test_a_model_without_functions_has_no_depth() -> None:
    assert call_depth(model(GRAPH)) == 0

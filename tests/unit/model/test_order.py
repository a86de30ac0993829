from __future__ import annotations

from onnxtool.model.order import in_order, reads
from tests.support.models import model


def made(text: str) -> list[str]:
    """First output of each node, in order."""
    return [node.output[0] for node in in_order(model(text).graph.node)]


def test_sorted_nodes_stay_as_they_are() -> None:
    text = "g (float[1] x) => (float[1] d) { a = Abs(x) b = Neg(x) c = Abs(b) d = Add(c, a) }"
    assert made(text) == ["a", "b", "c", "d"]


def test_a_node_comes_after_what_it_reads() -> None:
    text = "g (float[1] x) => (float[1] d) { d = Add(c, a) c = Abs(b) b = Neg(x) a = Abs(x) }"
    assert made(text) == ["b", "c", "a", "d"]


def test_a_subgraph_reads_for_its_node() -> None:
    text = """g (bool c, float[1] x) => (float[1] y) {
        y = If (c) <then_branch = t () => (float[1] o) { o = Abs(late) },
                    else_branch = e () => (float[1] p) { p = Abs(x) }>
        late = Neg(x)
    }"""
    assert made(text) == ["late", "y"]


def test_nodes_that_wait_for_each_other_come_last() -> None:
    text = "g (float[1] x) => (float[1] c) { a = Add(x, b) b = Abs(a) c = Neg(x) }"
    assert made(text) == ["c", "a", "b"]


def test_a_node_that_waits_for_itself_ends() -> None:
    assert made("g (float[1] x) => (float[1] a) { a = Add(x, a) }") == ["a"]


def test_outputs_and_inputs_that_are_left_out_are_no_connection() -> None:
    text = """g (float[9] x) => (float[9] b) {
        b = Clip(a, "", x)
        a, "" = Dropout(x)
    }"""
    assert made(text) == ["a", "b"]


def test_a_node_reads_what_its_subgraphs_do_not_make() -> None:
    text = """g (bool c, float[1] x, float[1] z) => (float[1] y) {
        y = If (c) <then_branch = t () => (float[1] o) <float[1] w = {1}>
                        { i = Abs(x) o = Add(i, w) },
                    else_branch = e () => (float[1] p) {
                        p = If (c) <then_branch = u () => (float[1] q) { q = Abs(z) },
                                    else_branch = v () => (float[1] x) {}>
                    }>
    }"""
    (node,) = model(text).graph.node
    assert reads(node) == {"c", "x", "z"}

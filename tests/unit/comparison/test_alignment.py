"""Nodes that correspond: a rename is not a rewrite, and one change is one change."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from onnxtool.comparison.alignment import align
from onnxtool.comparison.diff import diff
from onnxtool.comparison.difference import Kind
from onnxtool.comparison.structure import operator_counts
from onnxtool.model.artifact import load_graph
from onnxtool.model.view import ModelView
from tests.support.models import WORDS_TDT, model, view, write


def chain(length: int, *, inserted: int | None = None, names: bool = False) -> ModelView:
    """Unary operators one after the other; values are numbered anew after an inserted one."""
    operators = ["Relu" if place % 3 else "Exp" for place in range(length)]
    if inserted is not None:
        operators.insert(inserted, "Neg")
    nodes = [
        helper.make_node(
            operator,
            [str(place) if place else "x"],
            [str(place + 1) if place + 1 < len(operators) else "y"],
            f"{operator}_{place}" if names else "",
        )
        for place, operator in enumerate(operators)
    ]
    ends = [helper.make_tensor_value_info(name, 1, ["N"]) for name in "xy"]
    return view(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:])))


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("place", [0, 7, 49, 99])
def test_one_node_more_moves_no_other(place: int, names: bool) -> None:
    found, *_ = align(chain(100, names=names), chain(100, inserted=place, names=names))
    assert [node.operator for _, node in found.added] == ["Neg"]
    assert (found.removed, len(found.pairs)) == ([], 100)
    assert sum(not pair.same for pair in found.pairs) <= 1


def test_one_node_less_moves_no_other() -> None:
    found, *_ = align(chain(100, inserted=50), chain(100))
    assert [node.operator for _, node in found.removed] == ["Neg"]
    assert (found.added, len(found.pairs)) == ([], 100)


def test_thousands_of_nodes_under_new_names() -> None:
    found, *_ = align(chain(5000), chain(5000, names=True))
    assert (found.added, found.removed) == ([], [])
    assert all(pair.same for pair in found.pairs)


def test_graphs_inside_nodes_are_compared() -> None:
    text = """g (bool c, float[N] x) => (float[N] y) {{
        y = If (c) <then_branch = t () => (float[N] a) {{ a = {} (x) }},
                    else_branch = e () => (float[N] b) {{ b = Neg (x) }}>
    }}"""
    found, *_ = align(view(text.format("Exp")), view(text.format("Log")))
    (changed,) = [pair for pair in found.pairs if not pair.same]
    assert (changed.before.operator, changed.after.operator) == ("Exp", "Log")
    assert changed.scope.endswith("then_branch")


@pytest.mark.parametrize(
    "text",
    [
        "g (float[N] x) => (float[N] y) { y = Add (x, orphan) }",
        "g (float[N] x) => (float[N] y) { z = Neg (x) }",
        """g (bool c, float[N] x) => (float[N] y) {
            y = If (c) <then_branch = t () => (float[N] a) { a = Add (x, orphan) },
                        else_branch = e () => (float[N] b) { b = Neg (x) }>
        }""",
    ],
)
def test_a_value_from_nowhere_is_the_same_damage_on_both_sides(text: str) -> None:
    found, *_ = align(view(text), view(text))
    assert (found.outputs, [pair for pair in found.pairs if not pair.same]) == ([], [])


def test_functions_are_compared() -> None:
    text = """g (float[N] x) => (float[N] y) {{ y = local.f (x) }}
        <domain: "local", opset_import: ["": 20]> f (a) => (b) {{ b = {} (a) }}"""
    found, *_ = align(view(text.format("Exp")), view(text.format("Log")))
    assert [pair.scope for pair in found.pairs if not pair.same] == ["local::f"]


def test_a_constant_is_the_same_as_a_node_and_as_an_initializer() -> None:
    as_node = """g (float[N, 1] x) => (float[N] y)
        { axes = Constant <value = int64[1] {1}> () y = Squeeze (x, axes) }"""
    stored = "g (float[N, 1] x) => (float[N] y) <int64[1] a = {1}> { y = Squeeze (x, a) }"
    found, *_ = align(view(model(as_node)), view(model(stored)))
    assert (found.added, found.removed, [p for p in found.pairs if not p.same]) == ([], [], [])


def test_equal_branches_keep_their_weights() -> None:
    """Of alike nodes that read one value, the one with the weight of the same name is meant."""
    text = """g (float[N, 2] x) => (float[N, 2] q, float[N, 2] k)
        <float[2, 2] w_q = {1, 2, 3, 4}, float[2, 2] w_k = {5, 6, 7, 8}> {"""
    one = view(text + "q = MatMul (x, w_q) k = MatMul (x, w_k) }")
    other = view(text + "k = MatMul (x, w_k) q = MatMul (x, w_q) }")
    found, *_ = align(one, other)
    assert all(key == partner for key, partner in found.weights.items())
    assert found.outputs == []


def test_the_sample_under_other_names(tmp_path: Path) -> None:
    """Numbered names, as after another export: nothing was rewritten."""
    proto = onnx.load(WORDS_TDT / "encoder.onnx")
    kept = {value.name for value in (*proto.graph.input, *proto.graph.output)}
    names: dict[str, str] = {"": ""} | {name: name for name in kept}
    for node in proto.graph.node:
        node.name = f"n{len(names)}"
        for ends in (node.input, node.output):
            ends[:] = [names.setdefault(name, f"v{len(names)}") for name in ends]
    for tensor in proto.graph.initializer:
        tensor.name = names.setdefault(tensor.name, f"v{len(names)}")
    del proto.graph.value_info[:]
    found = diff(WORDS_TDT / "encoder.onnx", write(tmp_path / "encoder.onnx", proto))
    assert {d.kind for d in found.differences} == {Kind.NODES_RENAMED, Kind.WEIGHTS_RENAMED}
    weights = found.graphs[0].weights
    assert weights
    assert weights.identical == weights.pairs


def test_operators_are_counted_by_module() -> None:
    one, other = (chain(1, names=True) for _ in range(2))
    one.proto.graph.node[0].name = other.proto.graph.node[0].name = "/layers.0/act/Exp"
    other.proto.graph.node[0].op_type = "Log"
    counts = {(c.module, c.operator): (c.before, c.after) for c in operator_counts(one, other)}
    assert counts == {("layers.0", "Exp"): (1, 0), ("layers.0", "Log"): (0, 1)}


def test_loading_does_not_change_what_corresponds() -> None:
    graph = load_graph(WORDS_TDT / "predictor.onnx")
    found, *_ = align(graph, graph)
    assert (found.added, found.removed, found.outputs) == ([], [], [])
    assert all(key == partner for key, partner in found.weights.items())


IN_BETWEEN = (
    ("p = MatMul (x, w) y = Add (p, b)", "p = MatMul (x, w) i = Identity (p) y = Add (i, b)"),
    ("p = MatMul (x, w) y = Add (p, b)", "i = MatMul (x, w) p = Identity (i) y = Add (p, b)"),
    ("p = MatMul (x, w) y = Add (p, b)", "j = Identity (x) p = MatMul (j, w) y = Add (p, b)"),
    ("p = MatMul (x, w) y = Add (p, b)", "p = MatMul (x, w) i = Add (p, b) y = Identity (i)"),
    (
        "p = MatMul (x, w) y = Add (p, b)",
        "p = MatMul (x, w) i = Identity (p) j = Identity (i) y = Add (j, b)",
    ),
)


def measured(body: str) -> ModelView:
    stored = "<float[2, 2] w = {1, 2, 3, 4}, float[2] b = {1, 2}>"
    return view(f"g (float[N, 2] x) => (float[N, 2] y) {stored} {{ {body} }}")


@pytest.mark.parametrize(("without", "with_identity"), IN_BETWEEN)
def test_what_hands_a_value_on_changes_nothing(without: str, with_identity: str) -> None:
    for one, other in ((without, with_identity), (with_identity, without)):
        found, *_ = align(measured(one), measured(other))
        lone = [node.operator for _, node in (*found.added, *found.removed)]
        assert {*lone} == {"Identity"}
        assert (found.outputs, [pair for pair in found.pairs if not pair.same]) == ([], [])


def test_a_value_handed_on_into_a_graph_inside() -> None:
    text = """g (bool c, float[N] x) => (float[N] y) {{
        i = {} y = If (c) <then_branch = t () => (float[N] a) {{ a = Exp (i) }},
                    else_branch = e () => (float[N] b) {{ b = Neg (i) }}>
    }}"""
    one = view(text.format("Abs (x)"))
    other = view(text.format("Abs (x)").replace("i = Abs (x)", "j = Abs (x) i = Identity (j)"))
    found, *_ = align(one, other)
    assert all(pair.same for pair in found.pairs)


def test_an_identity_of_another_value_changes_who_reads_it() -> None:
    text = "p = MatMul (x, w) [same] i = Identity ({}) y = Add (i, p)"
    found, *_ = align(measured(text.format("p")), measured(text.format("x")))
    assert "Add" in {pair.after.operator for pair in found.pairs if pair.rewired}


def test_an_operator_in_place_of_an_identity_is_one_change() -> None:
    text = "p = MatMul (x, w) i = {} (p) y = Add (i, b)"
    for one, other in (("Identity", "Exp"), ("Exp", "Identity")):
        found, *_ = align(measured(text.format(one)), measured(text.format(other)))
        (changed,) = [pair for pair in found.pairs if not pair.same]
        assert (changed.before.operator, changed.after.operator) == (one, other)


def test_values_of_one_name_are_told_apart_by_what_makes_them() -> None:
    one = measured("p = MatMul (x, w) y = Add (p, b)")
    other = measured("i = MatMul (x, w) p = Exp (i) y = Add (p, b)")
    found, *_ = align(one, other)
    (changed,) = [pair for pair in found.pairs if not pair.same]
    assert [(r.before, r.after) for r in changed.rewired] == [("p (MatMul)", "p (Exp)")]


def test_identities_in_a_circle_are_no_trap() -> None:
    circle = "p = Identity (q) q = Identity (p) p = Identity (q) y = Add (p, b)"
    text = f"g (float[2] x, float[2] b) => (float[2] y) {{ {circle} }}"
    found, *_ = align(view(text), view(text))
    assert found.pairs

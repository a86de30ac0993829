"""If, Loop and Scan: which subgraph runs, how often, and with which sizes."""

from __future__ import annotations

import pytest

from tests.unit.analysis.priced import price, reasons, run, shape

UNKNOWN_TIMES = ("MatMul", "runs as often as data says")

# A product of 2 x 2 matrices in one branch, of 2 x 2 and 2 x 8 in the other.
BRANCHES = """y = If (c)
    <then_branch = t () => (float[] o) { o = MatMul(x, x) },
     else_branch = e () => (float[] p) { p = MatMul(x, w) }>"""
BRANCH_INPUTS = "bool c, float[2,2] x, float[2,8] w"


@pytest.mark.parametrize(("condition", "shape_taken"), [(1, (2, 2)), (0, (2, 8))])
def test_the_branch_of_a_known_condition_is_taken(
    condition: int, shape_taken: tuple[int, int]
) -> None:
    constant = f"<bool c = {{{condition}}}>"
    text = f"g (float[2,2] x, float[2,8] w) => (float[] y) {constant} {{ {BRANCHES} }}"
    assert shape(text) == shape_taken
    # The rows, the sums of two products, the columns.
    assert price(text).macs == {"MatMul": 2 * 2 * shape_taken[1]}


def test_a_condition_that_is_an_input_can_be_set() -> None:
    text = f"g ({BRANCH_INPUTS}) => (float[] y) {{ {BRANCHES} }}"
    assert price(text, {"c": 1}).total_macs == 8
    assert price(text, {"c": 0}).total_macs == 32


def test_both_branches_of_an_unknown_condition_are_named() -> None:
    found = price(f"g ({BRANCH_INPUTS}) => (float[] y) {{ {BRANCHES} }}")
    assert found.macs == {}
    assert reasons(found) == [UNKNOWN_TIMES, UNKNOWN_TIMES]
    assert [gap.node for gap in found.unresolved] == ["o", "p"]


def test_what_both_branches_agree_on_is_known_after_them() -> None:
    assert shape(f"g ({BRANCH_INPUTS}) => (float[] y) {{ {BRANCHES} }}") == (2, None)


def test_a_condition_may_be_computed() -> None:
    text = f"""g (float[T, 2] a, float[2,2] x, float[2,8] w) => (float[] y)
        <int64 i = {{0}}, int64 limit = {{5}}> {{
            s = Shape(a) t = Gather(s, i) c = Greater(t, limit) {BRANCHES}
        }}"""
    assert price(text, {"T": 6}).total_macs == 8
    assert price(text, {"T": 5}).total_macs == 32


@pytest.mark.parametrize("constant", ['string[1] c = {"true"}', "float c = {1}"])
def test_a_condition_of_the_wrong_type_is_unknown(constant: str) -> None:
    text = f"g (float[2,2] x, float[2,8] w) => (float[] y) <{constant}> {{ {BRANCHES} }}"
    assert reasons(price(text)) == [UNKNOWN_TIMES, UNKNOWN_TIMES]


def loop(limit: str, start: str, goes_on: str = "Identity(go)") -> str:
    """A loop that multiplies 2 x 2 matrices; an empty `limit` or `start` is an input."""
    known = ", ".join(
        f"{dtype} {name} = {{{text}}}"
        for dtype, name, text in (("int64", "n", limit), ("bool", "c", start))
        if text
    )
    free = "".join(
        f", {dtype} {name}"
        for dtype, name, text in (("int64", "n", limit), ("bool", "c", start))
        if not text
    )
    return f"""g (float[2,2] x{free}) => (float[2,2] y, float[] all) <{known}> {{
        y, all = Loop (n, c, x) <body = b (int64 i, bool go, float[2,2] s)
            => (bool on, float[2,2] t, float[2,2] each)
            {{ on = {goes_on} t = MatMul(s, x) each = Identity(t) }}>
    }}"""


TRUE, FALSE = "Constant<value = bool {1}>()", "Constant<value = bool {0}>()"
BELOW_5 = "Less(i, five)"


@pytest.mark.parametrize(
    ("limit", "start", "goes_on", "at", "times"),
    [
        ("5", "1", "Identity(go)", {}, 5),
        ("5", "1", TRUE, {}, 5),
        ("0", "1", TRUE, {}, 0),
        ("-3", "1", TRUE, {}, 0),
        ("5", "0", TRUE, {}, 0),
        ("5", "0", "Identity(go)", {}, 0),
        ("", "1", TRUE, {"n": 7}, 7),
        ("5", "", TRUE, {"c": 1}, 5),
        ("5", "", TRUE, {"c": 0}, 0),
        ("", "1", TRUE, {}, None),
        ("5", "", TRUE, {}, None),
        ("5", "1", FALSE, {}, None),
        ("5", "1", "Not(go)", {}, None),
        ("", "0", TRUE, {}, 0),
    ],
)
def test_a_loop_runs_as_often_as_its_count_and_condition_say(
    limit: str, start: str, goes_on: str, at: dict[str, int], times: int | None
) -> None:
    found = price(loop(limit, start, goes_on), at)
    if times is None:
        assert (found.macs, reasons(found)) == ({}, [UNKNOWN_TIMES])
    else:
        assert (found.total_macs, reasons(found)) == (times * 8, [])


def test_a_loop_collects_its_scan_outputs() -> None:
    assert run(loop("5", "1")).values["all"].shape == (5, 2, 2)
    assert run(loop("", "1")).values["all"].shape == (None, 2, 2)


def test_a_loop_without_a_count_is_named() -> None:
    text = """g (float[2,2] x) => (float[2,2] y) <bool c = {1}> {
        y = Loop ("", c, x) <body = b (int64 i, bool go, float[2,2] s) => (bool on, float[2,2] t)
            { on = Identity(go) t = MatMul(s, x) }>
    }"""
    assert reasons(price(text)) == [UNKNOWN_TIMES]


def test_a_loop_without_a_condition_starts() -> None:
    text = """g (float[2,2] x) => (float[2,2] y) <int64 n = {3}> {
        y = Loop (n, "", x) <body = b (int64 i, bool go, float[2,2] s) => (bool on, float[2,2] t)
            { on = Identity(go) t = MatMul(s, x) }>
    }"""
    assert price(text).total_macs == 3 * 8


def test_a_loop_in_a_loop_multiplies() -> None:
    text = """g (float[2,2] x) => (float[2,2] y) <int64 n = {3}, int64 m = {5}, bool c = {1}> {
        y = Loop (n, c, x) <body = outer (int64 i, bool go, float[2,2] s)
            => (bool on, float[2,2] t) {
                on = Identity(go)
                t = Loop (m, c, s) <body = inner (int64 j, bool go2, float[2,2] u)
                    => (bool on2, float[2,2] v) { on2 = Identity(go2) v = MatMul(u, x) }>
            }>
    }"""
    assert price(text).total_macs == 3 * 5 * 8


def test_a_loop_in_a_branch_that_may_be_taken_is_named() -> None:
    text = """g (bool c, float[2,2] x) => (float[2,2] y) <int64 n = {3}, bool d = {1}> {
        y = If (c) <then_branch = t () => (float[2,2] o) {
                o = Loop (n, d, x) <body = b (int64 i, bool go, float[2,2] s)
                    => (bool on, float[2,2] t) { on = Identity(go) t = MatMul(s, x) }>
            }, else_branch = e () => (float[2,2] p) { p = Neg(x) }>
    }"""
    assert reasons(price(text)) == [UNKNOWN_TIMES]
    assert price(text, {"c": 1}).total_macs == 3 * 8


def growing(body: str) -> str:
    return f"""g (float[1,2] x) => (float[] y, float[] z) <int64 n = {{3}}, bool c = {{1}}> {{
        y, z = Loop (n, c, x, x) <body = b (int64 i, bool go, float[A,2] s, float[B,2] r)
            => (bool on, float[C,2] t, float[D,2] q) {{ on = Identity(go) {body} }}>
    }}"""


def test_the_size_of_what_a_loop_makes_longer_is_unknown() -> None:
    values = run(growing("t = Concat<axis = 0>(s, x) q = Identity(r)")).values
    assert values["y"].shape == (None, 2)
    assert values["z"].shape == (1, 2)


def test_what_follows_from_a_growing_size_is_unknown_too() -> None:
    """In the first iteration `r` is what went in; in the second it is as long as `s`."""
    text = growing("t = Concat<axis = 0>(s, x) q = Identity(s) u = Transpose(r) v = MatMul(r, u)")
    assert run(text).values["z"].shape == (None, 2)
    assert reasons(price(text)) == [("MatMul", "shape depends on data")]


def test_a_loop_that_adds_axes_ends() -> None:
    text = growing("zero = Constant<value = int64[1] {0}>() t = Unsqueeze(s, zero) q = Identity(r)")
    assert run(text).values["y"].shape is None
    assert run(text).values["z"].shape == (1, 2)


def nested(depth: int) -> str:
    """Loops in loops, each of which makes longer what it carries: none knows its size at first."""
    body = f"on{depth} = Identity(go{depth}) t{depth} = Concat<axis = 0>(s{depth}, s{depth})"
    for level in range(depth - 1, 0, -1):
        inner = level + 1
        body = f"""on{level} = Identity(go{level})
            l{level} = Loop (n, c, x) <body = b{inner}
                (int64 i{inner}, bool go{inner}, float[A,2] s{inner})
                => (bool on{inner}, float[B,2] t{inner}) {{ {body} }}>
            t{level} = Concat<axis = 0>(l{level}, s{level})"""
    return f"""g (float[1,2] x) => (float[] y) <int64 n = {{3}}, bool c = {{1}}> {{
        y = Loop (n, c, x) <body = b1 (int64 i1, bool go1, float[A,2] s1)
            => (bool on1, float[B,2] t1) {{ {body} }}>
    }}"""


def test_loops_in_loops_do_not_take_exponential_time() -> None:
    assert shape(nested(2)) == (None, 2)
    assert shape(nested(25)) is None


SCAN_BODY = """<num_scan_inputs = 1{attributes}, body = b (float[2,2] s, float[2] e)
    => (float[2,2] t, float[2] o) {{ t = MatMul(s, s) o = MatMul(t, e) }}>"""


@pytest.mark.parametrize(
    ("sequence", "attributes", "times", "stacked"),
    [
        ("float[7,2] x", "", 7, (7, 2)),
        ("float[2,7] x", ", scan_input_axes = [1]", 7, (7, 2)),
        ("float[2,7] x", ", scan_input_axes = [-1]", 7, (7, 2)),
        ("float[2,7] x", ", scan_input_axes = [1], scan_output_axes = [1]", 7, (2, 7)),
        ("float[7,2] x", ", scan_output_axes = [-1]", 7, (2, 7)),
        ("float[T,2] x", "", 5, (5, 2)),
    ],
    ids=["first axis", "last axis", "from the end", "both", "output from the end", "a symbol"],
)
def test_a_scan_runs_once_for_each_element(
    sequence: str, attributes: str, times: int, stacked: tuple[int, ...]
) -> None:
    text = f"""g (float[2,2] s0, {sequence}) => (float[] last, float[] y) {{
        last, y = Scan (s0, x) {SCAN_BODY.format(attributes=attributes)}
    }}"""
    at = {"T": 5} if "T" in sequence else {}
    found = price(text, at)
    # A product of 2 x 2 matrices, and one with a vector.
    assert (found.total_macs, found.unresolved) == (times * (8 + 4), ())
    assert run(text, at).values["last"].shape == (2, 2)
    assert shape(text, at) == stacked


def test_a_scan_over_an_unknown_number_of_elements_is_named() -> None:
    text = f"""g (float[2,2] s0, float[6] v, float[6,2] w) => (float[] last, float[] y) {{
        k = NonZero(v) r = Transpose(k) q = Concat<axis = 1>(r, r) x = Cast<to = 1>(q)
        last, y = Scan (s0, x) {SCAN_BODY.format(attributes="")}
    }}"""
    assert reasons(price(text)) == [UNKNOWN_TIMES, UNKNOWN_TIMES]


def test_the_first_kind_of_scan_is_named_and_not_followed() -> None:
    """Before opset 9 a Scan had a batch axis, and its inputs in another order."""
    text = f"""g (float[3,2,2] s0, float[3,7,2] x) => (float[] last, float[] y) {{
        last, y = Scan ("", s0, x) {SCAN_BODY.format(attributes="")}
    }}"""
    found = price(text, opset=8)
    assert (found.macs, len(found.unresolved)) == ({}, 2)


@pytest.mark.parametrize(
    "node",
    [
        "If (x)",
        "Loop (n, c, x)",
        "Scan (x, x)",
        "Scan (x) <num_scan_inputs = 9, body = b (float[2] e) => (float[2] o) { o = Abs(e) }>",
        "Scan (x) <num_scan_inputs = -1, body = b (float[2] e) => (float[2] o) { o = Abs(e) }>",
        "Scan (x) <num_scan_inputs = 1, scan_input_axes = [9], body = b (float e) => (float e) {}>",
        "Loop () <body = b () => () {}>",
    ],
    ids=["If", "Loop", "Scan", "many inputs", "less than none", "no such axis", "empty body"],
)
def test_a_damaged_node_leaves_its_outputs_unknown(node: str) -> None:
    text = f"g (float[2,2] x, int64 n, bool c) => (float[] y) {{ y = {node} }}"
    found = run(text).values["y"]
    assert found.full_shape is None

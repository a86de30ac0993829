"""Small tensors are computed as ONNX Runtime would; what could become large is left alone."""

from __future__ import annotations

import tracemalloc

import onnx
import pytest
from onnx import TensorProto, helper

from onnxtool.analysis.shapes.arithmetic import ARITHMETIC, evaluate
from onnxtool.analysis.shapes.propagation import MAX_CONTENTS_BYTES
from onnxtool.analysis.shapes.values import MAX_ELEMENTS
from tests.support.models import model
from tests.unit.analysis.priced import run, shape

# id -> (initializers, node, what comes out)
COMPUTED: dict[str, tuple[str, str, object]] = {
    "Abs": ("int64[2] a = {-1, 2}", "Abs(a)", [1, 2]),
    "Add": ("int64[2] a = {1, 2}, int64 b = {3}", "Add(a, b)", [4, 5]),
    "And": ("bool[2] a = {1, 1}, bool[2] b = {0, 1}", "And(a, b)", [False, True]),
    "Cast": ("float[2] a = {1.9, -1.9}", "Cast<to=7>(a)", [1, -1]),
    "CastLike": ("float[2] a = {1.9, 2}, int64 b = {3}", "CastLike(a, b)", [1, 2]),
    "Ceil": ("float[2] a = {1.2, -1.2}", "Ceil(a)", [2, -1]),
    "Clip": ("int64[3] a = {1, 5, 9}, int64 b = {4}", 'Clip(a, b, "")', [4, 5, 9]),
    "Concat": ("int64[1] a = {1}, int64[2] b = {2, 3}", "Concat<axis=0>(a, b)", [1, 2, 3]),
    "ConstantOfShape": ("int64[2] a = {1, 2}", "ConstantOfShape(a)", [[0, 0]]),
    "CumSum": ("int64[3] a = {1, 2, 3}, int64 b = {0}", "CumSum(a, b)", [1, 3, 6]),
    "Div": ("int64[2] a = {7, -7}, int64 b = {2}", "Div(a, b)", [3, -3]),
    "Equal": ("int64[2] a = {1, 2}, int64 b = {2}", "Equal(a, b)", [False, True]),
    "Exp": ("float[1] a = {0}", "Exp(a)", [1]),
    "Expand": ("int64[1] a = {7}, int64[1] b = {3}", "Expand(a, b)", [7, 7, 7]),
    "Flatten": ("int64[2] a = {1, 2}", "Flatten<axis=0>(a)", [[1, 2]]),
    "Floor": ("float[2] a = {1.8, -1.2}", "Floor(a)", [1, -2]),
    "Gather": ("int64[3] a = {5, 6, 7}, int64[2] b = {2, -3}", "Gather(a, b)", [7, 5]),
    "GatherElements": (
        "int64[3] a = {5, 6, 7}, int64[2] b = {2, 0}",
        "GatherElements(a, b)",
        [7, 5],
    ),
    "GatherND": (
        "int64[3] a = {5, 6, 7}, int64[2,1] b = {2, 0}",
        "GatherND(a, b)",
        [7, 5],
    ),
    "Greater": ("int64[2] a = {1, 2}, int64 b = {1}", "Greater(a, b)", [False, True]),
    "GreaterOrEqual": ("int64[2] a = {0, 1}, int64 b = {1}", "GreaterOrEqual(a, b)", [False, True]),
    "Identity": ("int64[2] a = {1, 2}", "Identity(a)", [1, 2]),
    "Less": ("int64[2] a = {1, 2}, int64 b = {2}", "Less(a, b)", [True, False]),
    "LessOrEqual": ("int64[2] a = {2, 3}, int64 b = {2}", "LessOrEqual(a, b)", [True, False]),
    "Log": ("float[1] a = {1}", "Log(a)", [0]),
    "Max": ("int64[2] a = {1, 5}, int64 b = {3}", "Max(a, b)", [3, 5]),
    "Min": ("int64[2] a = {1, 5}, int64 b = {3}", "Min(a, b)", [1, 3]),
    "Mod": ("int64[2] a = {7, -7}, int64 b = {3}", "Mod(a, b)", [1, 2]),
    "Mul": ("int64[2] a = {2, 3}, int64 b = {4}", "Mul(a, b)", [8, 12]),
    "Neg": ("int64[2] a = {2, -3}", "Neg(a)", [-2, 3]),
    "NonZero": ("int64[4] a = {0, 5, 0, 7}", "NonZero(a)", [[1, 3]]),
    "Not": ("bool[2] a = {0, 1}", "Not(a)", [True, False]),
    "OneHot": (
        "int64[2] a = {0, 2}, int64 b = {3}, int64[2] c = {0, 1}",
        "OneHot(a, b, c)",
        [[1, 0, 0], [0, 0, 1]],
    ),
    "Or": ("bool[2] a = {0, 1}, bool b = {0}", "Or(a, b)", [False, True]),
    "Pad": ("int64[1] a = {7}, int64[2] b = {1, 2}", "Pad(a, b)", [0, 7, 0, 0]),
    "Pow": ("int64[2] a = {2, 3}, int64 b = {3}", "Pow(a, b)", [8, 27]),
    "Range": ("int64 a = {1}, int64 b = {8}, int64 c = {3}", "Range(a, b, c)", [1, 4, 7]),
    "ReduceMax": ("int64[3] a = {1, 9, 2}", "ReduceMax<keepdims=0>(a)", 9),
    "ReduceMin": ("int64[3] a = {4, 1, 2}", "ReduceMin<keepdims=0>(a)", 1),
    "ReduceProd": ("int64[3] a = {4, 3, 2}", "ReduceProd<keepdims=0>(a)", 24),
    "ReduceSum": ("int64[3] a = {4, 3, 2}", "ReduceSum<keepdims=1>(a)", [9]),
    "Reshape": ("int64[2] a = {1, 2}, int64[2] b = {-1, 1}", "Reshape(a, b)", [[1], [2]]),
    "Round": ("float[3] a = {0.5, 1.5, 2.4}", "Round(a)", [0, 2, 2]),
    "ScatterElements": (
        "int64[3] a = {5, 6, 7}, int64[1] b = {1}, int64[1] c = {0}",
        "ScatterElements(a, b, c)",
        [5, 0, 7],
    ),
    "ScatterND": (
        "int64[3] a = {5, 6, 7}, int64[1,1] b = {1}, int64[1] c = {0}",
        "ScatterND(a, b, c)",
        [5, 0, 7],
    ),
    "Sign": ("int64[2] a = {-5, 5}", "Sign(a)", [-1, 1]),
    "Size": ("int64[2,3] a = {1, 2, 3, 4, 5, 6}", "Size(a)", 6),
    "Slice": (
        "int64[3] a = {5, 6, 7}, int64[1] b = {1}, int64[1] c = {9}",
        "Slice(a, b, c)",
        [6, 7],
    ),
    "Split": ("int64[2] a = {5, 6}", "Split<num_outputs=1>(a)", [5, 6]),
    "Sqrt": ("float[2] a = {4, 9}", "Sqrt(a)", [2, 3]),
    "Squeeze": ("int64[1,2] a = {5, 6}, int64[1] b = {0}", "Squeeze(a, b)", [5, 6]),
    "Sub": ("int64[2] a = {5, 6}, int64 b = {1}", "Sub(a, b)", [4, 5]),
    "Sum": ("float[2] a = {5, 6}, float b = {1}", "Sum(a, b)", [6, 7]),
    "Tile": ("int64[1] a = {7}, int64[1] b = {3}", "Tile(a, b)", [7, 7, 7]),
    "TopK": ("float[3] a = {5, 7, 6}, int64[1] b = {2}", "TopK(a, b)", [7, 6]),
    "Transpose": ("int64[1,2] a = {5, 6}", "Transpose(a)", [[5], [6]]),
    "Trilu": ("int64[2,2] a = {1, 2, 3, 4}", "Trilu(a)", [[1, 2], [0, 4]]),
    "Unsqueeze": ("int64[2] a = {5, 6}, int64[1] b = {0}", "Unsqueeze(a, b)", [[5, 6]]),
    "Where": ("bool[2] a = {0, 1}, int64 b = {5}, int64 c = {6}", "Where(a, b, c)", [6, 5]),
    "Xor": ("bool[2] a = {0, 1}, bool b = {1}", "Xor(a, b)", [True, False]),
}


def text(constants: str, node: str) -> str:
    outputs = "y, indices" if node.startswith("TopK") else "y"
    return f"g () => (int64[] y) <{constants}> {{ {outputs} = {node} }}"


@pytest.mark.parametrize(("constants", "node", "result"), COMPUTED.values(), ids=COMPUTED)
def test_computes(constants: str, node: str, result: object) -> None:
    array = run(text(constants, node)).values["y"].array
    assert array is not None
    assert array.tolist() == result


def test_every_operator_is_tried() -> None:
    assert set(COMPUTED) == ARITHMETIC


# Each would take 200 MB or more if it were computed.
HUGE: dict[str, str] = {
    "ConstantOfShape": "<int64[1] n = {100000000}> { y = ConstantOfShape(n) }",
    "ConstantOfShape with an empty axis": (
        "<int64[2] n = {100000000, 0}> { y = ConstantOfShape(n) }"
    ),
    "Expand": "<int64[1] a = {1}, int64[2] n = {10000, 10000}> { y = Expand(a, n) }",
    "Tile": "<int64[1] a = {1}, int64[1] n = {100000000}> { y = Tile(a, n) }",
    "Tile that ends up empty": (
        "<int64[1,1] a = {1}, int64[2] n = {100000000, 0}> { y = Tile(a, n) }"
    ),
    "Tile by less than nothing": (
        "<int64[1,1] a = {1}, int64[2] n = {100000000, -1}> { y = Tile(a, n) }"
    ),
    "Range": "<int64 a = {0}, int64 n = {100000000}, int64 b = {1}> { y = Range(a, n, b) }",
    "Range of tiny steps": (
        "<float a = {0}, float n = {1}, float b = {1e-8}> { y = Range(a, n, b) }"
    ),
    "OneHot": (
        "<int64[1] a = {1}, int64 n = {100000000}, int64[2] c = {0, 1}> { y = OneHot(a, n, c) }"
    ),
    "OneHot of no index": (
        "<int64[1] z = {0}, int64 n = {100000000}, int64[2] c = {0, 1}> "
        "{ a = ConstantOfShape(z) y = OneHot(a, n, c) }"
    ),
    "Pad": "<int64[1] a = {1}, int64[2] n = {0, 100000000}> { y = Pad(a, n) }",
    "Pad of nothing": (
        "<int64[1] z = {0}, int64[2] n = {0, 100000000}> { a = ConstantOfShape(z) y = Pad(a, n) }"
    ),
    # The product of these overflows 64 bits, to 0.
    "Pad beyond 64 bits": (
        "<int64[1] a = {1}, int64[2] n = {4294967295, 4294967295}> { y = Pad(a, n) }"
    ),
    "Split into a list": "<int64[2] a = {1, 2}> { y = Split<num_outputs=100000000>(a) }",
    "Add": (
        "<int64[2] n = {20000, 1}, int64[2] m = {1, 20000}> "
        "{ a = ConstantOfShape(n) b = ConstantOfShape(m) y = Add(a, b) }"
    ),
    "Gather": (
        "<int64[2] n = {2, 30000}, int64[1] m = {10000}> "
        "{ a = ConstantOfShape(n) f = ConstantOfShape(m) i = Cast<to=7>(f) y = Gather(a, i) }"
    ),
    "GatherND of the whole": (
        "<int64[1] n = {30000}, int64[2] m = {30000, 0}> "
        "{ a = ConstantOfShape(n) f = ConstantOfShape(m) i = Cast<to=7>(f) y = GatherND(a, i) }"
    ),
    "Concat": (
        "<int64[1] n = {60000}> { a = ConstantOfShape(n) b = Concat<axis=0>"
        f"({', '.join(['a'] * 2000)}) y = Abs(b) }}"
    ),
    "the same input many times": (
        "<int64[1] n = {60000}> { a = ConstantOfShape(n) y = Concat<axis=0>"
        f"({', '.join(['a'] * 2000)}) }}"
    ),
    "NonZero": (
        "<int64[20] n = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,60000}> "
        "{ a = ConstantOfShape<value=float[1]{1}>(n) y = NonZero(a) }"
    ),
    "TopK": ("<float[1] a = {1}, int64[1] n = {100000000}> { y, i = TopK(a, n) }"),
    "ReduceSum of a huge range": (
        "<int64 a = {0}, int64 n = {100000000}, int64 b = {1}> "
        "{ c = Range(a, n, b) y = ReduceSum(c) }"
    ),
}


def peak_bytes(body: str) -> int:
    """The most memory that following the shapes of a graph takes; `y` is not computed."""
    proto = model(f"g () => (float[] y) {body}")
    run(proto)  # What is imported and cached on the way is not what is measured.
    tracemalloc.start()
    try:
        found = run(proto)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.values["y"].array is None
    return peak


@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE)
def test_nothing_large_is_made(body: str) -> None:
    assert peak_bytes(body) < 8 << 20


def test_small_results_do_not_add_up_to_a_large_one() -> None:
    chain = " ".join(f"a{i + 1} = Neg(a{i})" for i in range(1000))
    body = f"<int64[1] n = {{60000}}> {{ a0 = ConstantOfShape(n) {chain} y = Abs(a1000) }}"
    assert peak_bytes(body) < MAX_CONTENTS_BYTES + (8 << 20)


def test_shapes_of_what_is_not_computed_are_known() -> None:
    body = "<int64[2] n = {10000, 10000}> { a = ConstantOfShape(n) y = Abs(a) }"
    assert shape(f"g () => (float[] y) {body}") == (10_000, 10_000)


def test_the_largest_arithmetic_fits_the_positions_of_long_audio() -> None:
    body = (
        f"<int64 a = {{0}}, int64 n = {{{MAX_ELEMENTS}}}, int64 b = {{1}}> {{ y = Range(a, n, b) }}"
    )
    array = run(f"g () => (int64[] y) {body}").values["y"].array
    assert array is not None
    assert array[-1] == MAX_ELEMENTS - 1


@pytest.mark.parametrize(
    "body",
    [
        "<int64[2] a = {2, 3}, int64[1] b = {5}> { y = Expand(a, b) }",
        "<int64[2] a = {2, 3}, int64 b = {5}> { y = Range(a, b, b) }",
        "<int64[2] a = {2, 3}> { y = Range(a, a) }",
        "<int64 a = {1}, int64 b = {0}> { y = Range(a, a, b) }",
        "<int64[1] a = {-5}> { y = ConstantOfShape(a) }",
        '<string[1] a = {"x"}, int64[1] b = {2}> { y = Range(a, b, b) }',
        "<int64[1] a = {1}> { y = Gather<axis=9>(a, a) }",
        "<int64[1] a = {1}, int64[1] b = {9}> { y = Gather(a, b) }",
        "<int64[3] a = {1, 2, 3}, int64[1] b = {2}> { y = Reshape(a, b) }",
        "<int64[1] a = {1}> { y = Add(a) }",
        "<int64[1] a = {1}> { y = OneHot(a, a) }",
    ],
    ids=lambda body: body.partition("{ y = ")[2].rstrip(" }"),
)
def test_what_fails_stays_unknown(body: str) -> None:
    value = run(f"g () => (float[] y) {body}").values["y"]
    assert value.array is None


def test_is_not_asked_for_other_operators() -> None:
    node = helper.make_node("RandomNormal", [], ["y"], shape=[1])
    assert evaluate(node, [], [(1,)], 21) is None


def test_attributes_tell_nodes_apart() -> None:
    found = run("g () => (int64[] y) <float[1] a = {1.5}> { b = Cast<to=7>(a) y = Cast<to=1>(a) }")
    assert [found.values[name].elem_type for name in "by"] == [TensorProto.INT64, TensorProto.FLOAT]


def test_a_slice_may_be_an_attribute_as_it_was_before_opset_10() -> None:
    node = "Slice<starts=[0], ends=[1], axes=[1]>(a)"
    array = run(text("int64[1,2] a = {1, 2}", node), opset=9).values["y"].array
    assert array is not None
    assert array.tolist() == [[1]]


@pytest.mark.parametrize(
    ("node", "result"),
    [
        ("Unsqueeze<axes=[0]>(a)", [[[1, 2]]]),
        ("Unsqueeze<axes=[0, 3]>(a)", [[[[1], [2]]]]),
        ("Squeeze<axes=[0]>(a)", [1, 2]),
        ("Squeeze(a)", [1, 2]),
        ("ReduceSum<axes=[1]>(a)", [[3]]),
        ("ReduceSum<axes=[0], keepdims=0>(a)", [1, 2]),
        ("ReduceSum<keepdims=0>(a)", 3),
        ("ReduceMax<axes=[1], keepdims=0>(a)", [2]),
    ],
)
@pytest.mark.parametrize("opset", [9, 11, 12])
def test_axes_may_be_an_attribute_as_they_were_before_opset_13(
    node: str, result: object, opset: int
) -> None:
    array = run(text("int64[1,2] a = {1, 2}", node), opset=opset).values["y"].array
    assert array is not None
    assert array.tolist() == result


@pytest.mark.parametrize(
    ("node", "result"), [("GreaterOrEqual", [False, True]), ("LessOrEqual", [True, True])]
)
def test_compares_as_the_first_versions_did(node: str, result: list[bool]) -> None:
    """They are functions of other operators, and onnx infers nothing for them."""
    constants = "int64[2] a = {0, 1}, int64 b = {1}"
    array = run(text(constants, f"{node}(a, b)"), opset=12).values["y"].array
    assert array is not None
    assert array.tolist() == result


def test_the_model_stays_as_it_was() -> None:
    proto = model(text(*COMPUTED["Concat"][:2]))
    before = onnx.ModelProto.FromString(proto.SerializeToString())
    run(proto)
    assert proto == before

"""Each kind of damage turns up for a model that has just it, and for no healthy one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import onnx.parser
import pytest
from onnx import ModelProto, TensorProto, helper

from onnxtool.analysis.inspection import inspect
from onnxtool.model import damage
from onnxtool.model.damage import MAX_VERSIONS_AHEAD, Damage, find_damage
from tests.support.models import WORDS_TDT, model, view, write

# text -> what, where
BROKEN: dict[str, tuple[str, str, str]] = {
    "reads nothing": (
        "g (float[1] x) => (float[1] y) { [a] y = Add(x, gone) }",
        "reads `gone`, which nothing gives",
        "main:a",
    ),
    "reads nothing, and has no name": (
        "g (float[1] x) => (float[1] y) { y = Add(x, gone) }",
        "reads `gone`, which nothing gives",
        "main:Add",
    ),
    "reads nothing in a subgraph": (
        """g (bool c, float[1] x) => (float[1] y) {
            [choice] y = If (c)
                <then_branch = t () => (float[1] o) { [a] o = Add(x, gone) },
                 else_branch = e () => (float[1] p) { p = Abs(x) }>
        }""",
        "reads `gone`, which nothing gives",
        "main/choice.then_branch:a",
    ),
    "reads nothing in a function": (
        """g (float[1] x) => (float[1] y) { y = local.f(x) }
        <domain: "local", opset_import: ["": 21]> f (a) => (b) { [n] b = Add(a, x) }""",
        "reads `x`, which nothing gives",
        "local::f:n",
    ),
    "reads a value of another branch": (
        """g (bool c, float[1] x) => (float[1] y) {
            [choice] y = If (c)
                <then_branch = t () => (float[1] o) { o = Abs(x) },
                 else_branch = e () => (float[1] p) { [n] p = Abs(o) }>
        }""",
        "reads `o`, which nothing gives",
        "main/choice.else_branch:n",
    ),
    "output of nothing": (
        "g (float[1] x) => (float[1] y, float[1] z) { y = Relu(x) }",
        "output that nothing gives",
        "main:z",
    ),
    "a value made twice": (
        "g (float[1] x) => (float[1] y) { y = Relu(x) y = Abs(x) }",
        "value given 2 times",
        "main:y",
    ),
    "a value made three times": (
        "g (float[1] x) => (float[1] y) { y = Relu(x) y = Abs(x) y = Neg(x) }",
        "value given 3 times",
        "main:y",
    ),
    "an input made again": (
        "g (float[1] x) => (float[1] x) { x = custom.Make() }",
        "value given 2 times",
        "main:x",
    ),
    "an initializer made again": (
        "g (float[1] x) => (float[1] w) <float[1] w = {1}> { w = Relu(x) }",
        "value given 2 times",
        "main:w",
    ),
    "an input given twice": (
        "g (float[1] x, float[1] x) => (float[1] y) { y = Relu(x) }",
        "input given 2 times",
        "main:x",
    ),
    "an initializer given twice": (
        "g (float[1] x) => (float[1] y) <float[1] w = {1}, float[1] w = {2}> { y = Add(x, w) }",
        "initializer given 2 times",
        "main:w",
    ),
    "a cycle": (
        "g (float[1] x) => (float[1] b) { [a] a = Add(x, b) [b] b = Relu(a) }",
        "cycle: the node waits for its own output",
        "main:a",
    ),
    "a node that waits for itself": (
        "g (float[1] x) => (float[1] a) { [a] a = Add(x, a) }",
        "cycle: the node waits for its own output",
        "main:a",
    ),
    "no order": (
        "g (float[1] x) => (float[1] c) { [c] c = Abs(b) [b] b = Neg(a) a = Abs(x) }",
        "node that stands before what it reads",
        "main:c",
    ),
    "no order, and inputs and outputs that are left out": (
        """g (float[1] x) => (float[1] b) { [b] b = Clip(a, "", x) a, "" = Dropout(x) }""",
        "node that stands before what it reads",
        "main:b",
    ),
    "a subgraph that reads what comes later": (
        """g (bool c, float[1] x) => (float[1] y) {
            [choice] y = If (c) <then_branch = t () => (float[1] o) { o = Abs(late) },
                                 else_branch = e () => (float[1] p) { p = Abs(x) }>
            late = Neg(x)
        }""",
        "node that stands before what it reads",
        "main:choice",
    ),
    "a function that calls itself": (
        """g (float[1] x) => (float[1] y) { y = local.f(x) }
        <domain: "local", opset_import: ["": 21, "local": 1]> f (a) => (b) { b = local.f(a) }""",
        "function that calls itself",
        "local::f",
    ),
}


def found(proto: ModelProto) -> list[tuple[str, str]]:
    return [(item.what, item.where) for item in find_damage(view(proto), ())]


@pytest.mark.parametrize(("text", "what", "where"), BROKEN.values(), ids=BROKEN)
def test_finds_a_broken_graph(text: str, what: str, where: str) -> None:
    assert found(model(text)) == [(what, where)]


def test_finds_a_node_without_an_operator() -> None:
    proto = model("g (float[1] x) => (float[1] y) { [a] y = Relu(x) }")
    proto.graph.node[0].ClearField("op_type")
    assert found(proto) == [("node without an operator", "main:a")]


def stored(**fields: object) -> ModelProto:
    """A model with one stored tensor `w` of these fields."""
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    proto.graph.initializer.append(TensorProto(name="w", **fields))  # type: ignore[arg-type]
    return proto


TENSORS: dict[str, tuple[dict[str, object], str]] = {
    "negative size": (
        {"data_type": TensorProto.FLOAT, "dims": [2, -1], "raw_data": bytes(8)},
        "stored tensor with the impossible shape [2, -1]",
    ),
    "unknown type": (
        {"data_type": 99, "dims": [1], "raw_data": bytes(4)},
        "stored tensor of unknown element type 99",
    ),
    "no type": ({"dims": [1], "raw_data": bytes(4)}, "stored tensor of unknown element type 0"),
    "too few bytes": (
        {"data_type": TensorProto.FLOAT, "dims": [2], "raw_data": bytes(7)},
        "stored tensor has 7 bytes where its shape needs 8",
    ),
    "too many bytes": (
        {"data_type": TensorProto.INT4, "dims": [3], "raw_data": bytes(3)},
        "stored tensor has 3 bytes where its shape needs 2",
    ),
    "no bytes": (
        {"data_type": TensorProto.FLOAT, "dims": [2]},
        "stored tensor has 0 bytes where its shape needs 8",
    ),
    "too few numbers": (
        {"data_type": TensorProto.FLOAT, "dims": [3], "float_data": [1.0, 2.0]},
        "stored tensor has 8 bytes where its shape needs 12",
    ),
    "too many integers": (
        {"data_type": TensorProto.INT64, "dims": [1], "int64_data": [1, 2]},
        "stored tensor has 16 bytes where its shape needs 8",
    ),
    "too few half floats": (
        {"data_type": TensorProto.FLOAT16, "dims": [3], "int32_data": [1, 2]},
        "stored tensor has 4 bytes where its shape needs 6",
    ),
    "bytes where strings belong": (
        {"data_type": TensorProto.STRING, "dims": [1], "raw_data": bytes(4)},
        "stored tensor has 4 bytes where its shape needs 0",
    ),
}


@pytest.mark.parametrize(("fields", "what"), TENSORS.values(), ids=TENSORS)
def test_finds_a_broken_tensor(fields: dict[str, object], what: str) -> None:
    assert found(stored(**fields)) == [(what, "main:w")]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (TensorProto.FLOAT, [1.0, 2.0, 3.0]),
        (TensorProto.DOUBLE, [1.0, 2.0, 3.0]),
        (TensorProto.COMPLEX64, [1 + 2j, 3j, 4]),
        (TensorProto.COMPLEX128, [1 + 2j, 3j, 4]),
        (TensorProto.FLOAT16, [1.0, 2.0, 3.0]),
        (TensorProto.BFLOAT16, [1.0, 2.0, 3.0]),
        (TensorProto.FLOAT8E4M3FN, [1.0, 2.0, 3.0]),
        (TensorProto.FLOAT4E2M1, [1.0, 2.0, 3.0]),
        (TensorProto.INT4, [1, 2, 3]),
        (TensorProto.UINT4, [1, 2, 3]),
        (TensorProto.INT8, [1, 2, 3]),
        (TensorProto.UINT16, [1, 2, 3]),
        (TensorProto.INT32, [1, 2, 3]),
        (TensorProto.INT64, [1, 2, 3]),
        (TensorProto.UINT32, [1, 2, 3]),
        (TensorProto.UINT64, [1, 2, 3]),
        (TensorProto.BOOL, [True, False, True]),
        (TensorProto.STRING, [b"a", b"b", b"c"]),
    ],
    ids=lambda value: TensorProto.DataType.Name(value).lower() if isinstance(value, int) else "",
)
def test_a_tensor_as_onnx_writes_it_is_healthy(dtype: int, values: list[Any]) -> None:
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    proto.graph.initializer.append(helper.make_tensor("w", dtype, [3], values))
    assert found(proto) == []


def without_ir_version(proto: ModelProto) -> None:
    proto.ClearField("ir_version")


def without_opset(proto: ModelProto) -> None:
    del proto.opset_import[:]


@pytest.mark.parametrize(
    ("damaged", "what", "where"),
    [
        (without_ir_version, "no IR version", "ir_version"),
        (without_opset, "no version of the standard operators is imported", "opset_import"),
    ],
    ids=["IR version", "opset"],
)
def test_finds_a_broken_header(
    damaged: Callable[[ModelProto], None], what: str, where: str
) -> None:
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    damaged(proto)
    assert found(proto) == [(what, where)]


def test_a_model_of_custom_operators_needs_no_standard_ones() -> None:
    proto = model("g (float[1] x) => (float[1] y) { y = custom.Relu(x) }")
    del proto.opset_import[0]
    assert found(proto) == []


def test_a_file_that_protobuf_refuses_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "MAX_PROTOBUF_BYTES", -1)
    (item,) = find_damage(view("g (float[1] x) => (float[1] y) { y = Relu(x) }"), ())
    assert item == Damage(
        "the file has 0 bytes: protobuf and ONNX Runtime refuse over 2 GiB",
        "model.onnx",
        "save it with external data",
    )


@pytest.mark.parametrize(
    ("location", "size_bytes", "what"),
    [
        ("gone.bin", None, "missing"),
        ("w.bin", 7, "7 bytes where 8 are needed"),
        ("../w.bin", None, "out of the model's folder"),
        ("/w.bin", None, "absolute"),
        ("", None, "name"),
    ],
    ids=["missing", "short", "outside", "absolute", "no name"],
)
def test_finds_a_broken_file(
    location: str, size_bytes: int | None, what: str, tmp_path: Path
) -> None:
    proto = stored(data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    proto.graph.initializer[0].external_data.add(key="location", value=location)
    if size_bytes is not None:
        (tmp_path / location).write_bytes(bytes(size_bytes))
    (item,) = inspect(write(tmp_path / "model.onnx", proto), hash=False).damage
    assert item.what.startswith("external file ")
    assert what in item.what
    # What is wrong and what to do about it are told apart.
    assert item.hint
    assert item.hint not in item.what


HEALTHY: dict[str, str] = {
    "a chain": "g (float[1] x) => (float[1] y) { a = Abs(x) y = Neg(a) }",
    "an input handed on": "g (float[1] x) => (float[1] x) {}",
    "an initializer handed on": "g () => (float[1] w) <float[1] w = {1}> {}",
    "an initializer that is an input": (
        "g (float[1] x, float[1] w = {1}) => (float[1] y) { y = Add(x, w) }"
    ),
    "what is left out": 'g (float[1] x) => (float[1] y) { y = Clip(x, "", x) z, "" = Dropout(x) }',
    "a subgraph that reads from outside": """g (bool c, float[1] x) => (float[1] y) {
        early = Neg(x)
        y = If (c) <then_branch = t () => (float[1] o) { o = Abs(early) },
                    else_branch = e () => (float[1] early) {}>
    }""",
    "branches that call their values alike": """g (bool c, float[1] x) => (float[1] y) {
        y = If (c) <then_branch = t () => (float[1] o) { i = Abs(x) o = Abs(i) },
                    else_branch = e () => (float[1] o) { i = Neg(x) o = Neg(i) }>
    }""",
    "functions that call each other": """g (float[1] x) => (float[1] y) { y = local.f(x) }
        <domain: "local", opset_import: ["": 21, "local": 1]> f (a) => (b) { b = local.h(a) }
        <domain: "local", opset_import: ["": 21]> h (a) => (b) { b = Abs(a) }""",
}


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_graph_has_no_damage(text: str) -> None:
    assert found(model(text)) == []


def test_the_samples_have_no_damage() -> None:
    assert inspect(WORDS_TDT, hash=False).damage == ()


def test_sparse_initializers_give_their_values() -> None:
    proto = model("g (float[2,3] x) => (float[] y) { y = MatMul(x, w) }")
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [7.0])
    indices = helper.make_tensor("", TensorProto.INT64, [1], [5])
    sparse = helper.make_sparse_tensor(values, indices, [3, 4])
    proto.graph.sparse_initializer.append(sparse)
    assert found(proto) == []
    proto.graph.sparse_initializer.append(sparse)
    assert found(proto) == [("initializer given 2 times", "main:w")]


def test_thousands_of_subgraphs_do_not_take_quadratic_memory() -> None:
    proto = model("g (bool c, float[1] x) => (float[1] x) {}")
    branch = onnx.parser.parse_graph("b () => (float[1] o) { o = Abs(x) }")
    for index in range(3000):
        node = proto.graph.node.add(op_type="If", input=["c"], output=[f"y{index}"])
        node.attribute.append(helper.make_attribute("then_branch", branch))
        node.attribute.append(helper.make_attribute("else_branch", branch))
    assert found(proto) == []


@pytest.mark.parametrize(
    ("ahead", "damage"), [(MAX_VERSIONS_AHEAD, 0), (MAX_VERSIONS_AHEAD + 1, 2)]
)
def test_versions_that_onnx_may_have_soon_are_no_damage(ahead: int, damage: int) -> None:
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    proto.ir_version = onnx.IR_VERSION + ahead
    proto.opset_import[0].version = onnx.defs.onnx_opset_version() + ahead
    assert len(found(proto)) == damage


@pytest.mark.parametrize("branch", ["then_branch", "else_branch"])
def test_a_choice_needs_both_branches(branch: str) -> None:
    proto = model("""g (bool c, float[1] x) => (float[1] y) { [a] y = If (c)
        <then_branch = t () => (float[1] o) { o = Abs(x) },
         else_branch = e () => (float[1] p) { p = Neg(x) }> }""")
    (node,) = proto.graph.node
    kept = next(attribute for attribute in node.attribute if attribute.name != branch)
    node.attribute[0].CopyFrom(kept)
    del node.attribute[1]
    assert found(proto) == [(f"If without its {branch}", "main:a")]

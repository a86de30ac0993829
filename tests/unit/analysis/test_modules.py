"""The module tree: whose a node is, whose a tensor is, and that the parts add up."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import pytest
from onnx import TensorProto, helper

import onnxtool
from onnxtool.analysis.inspection import Inspection
from onnxtool.analysis.modules import Module, module_tree
from onnxtool.model.modules import MAX_DEPTH, TORCH_SCOPES, node_module
from tests.support.models import WORDS_TDT, model, view

from .priced import price


def tree(source: str | onnx.ModelProto) -> Module:
    return module_tree(view(model(source) if isinstance(source, str) else source), None)


def every(module: Module) -> Iterator[Module]:
    yield module
    for child in module.children:
        yield from every(child)


def sizes(source: str | onnx.ModelProto) -> dict[str, int]:
    """Weight bytes of every module that has any."""
    return {m.path: m.weight_bytes for m in every(tree(source)) if m.weight_bytes}


def nodes(*names: str) -> str:
    """A chain of nodes with these names."""
    body = " ".join(f'["{name}"] a{i + 1} = Relu(a{i})' for i, name in enumerate(names))
    return f"g (float[2] a0) => (float[2] a{len(names)}) {{ {body} }}"


# --- Whose a node is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/layers.0/self_attn/linear_q/MatMul", ("layers.0", "self_attn", "linear_q")),
        ("layers.0/MatMul", ("layers.0",)),
        ("/MatMul", ()),
        ("MatMul_12", ()),
        ("", ()),
        ("//a//b/MatMul", ("a", "b")),
        ("/", ()),
    ],
)
def test_the_name_of_a_node_tells_its_module(name: str, path: tuple[str, ...]) -> None:
    assert node_module(onnx.NodeProto(name=name)) == path


@pytest.mark.parametrize(
    ("scopes", "path"),
    [
        ("['', 'layers', 'layers.0', 'layers.0.linear', 'linear_1']", ("layers.0", "linear")),
        ("['', 'encoder.layers.11.attn', 'add']", ("encoder", "layers.11", "attn")),
        ("['', 'relu']", ()),
        ("['0.1', 'relu']", ("0.1",)),
        ("['relu']", ()),
        ("[]", ()),
        ("not a list", ()),
        ("{'a': 1}", ()),
        ("['', 3, 'x']", ()),
        ("[" * 500, ()),
    ],
)
def test_the_metadata_of_torch_tell_the_module(scopes: str, path: tuple[str, ...]) -> None:
    node = onnx.NodeProto(name="node_linear_1")
    node.metadata_props.add(key=TORCH_SCOPES, value=scopes)
    assert node_module(node) == path


def test_metadata_count_more_than_the_name() -> None:
    node = onnx.NodeProto(name="/elsewhere/Add")
    node.metadata_props.add(key="namespace", value="irrelevant")
    node.metadata_props.add(key=TORCH_SCOPES, value="['', 'layers.0', 'add']")
    assert node_module(node) == ("layers.0",)


def test_a_name_that_is_made_to_exhaust_the_stack_does_not() -> None:
    assert max(m.path.count("/") for m in every(tree(nodes("a/" * 5000)))) == MAX_DEPTH - 1
    node = onnx.NodeProto()
    node.metadata_props.add(key=TORCH_SCOPES, value=f"['{'.'.join('a' * 5000)}', 'x']")
    assert len(node_module(node)) == MAX_DEPTH


# --- The tree ------------------------------------------------------------------------------------


def test_modules_contain_what_is_in_them() -> None:
    root = tree(nodes("/enc/a/Relu", "/enc/b/Relu", "/enc/Relu", "/dec/Relu", "Relu"))
    assert {m.path: m.nodes for m in every(root)} == {
        "": 5,
        "enc": 3,
        "enc/a": 1,
        "enc/b": 1,
        "dec": 1,
    }


def test_modules_stand_in_order_of_appearance() -> None:
    root = tree(nodes("/z/Relu", "/a/y/Relu", "/a/b/Relu", "/z/Relu"))
    assert [m.path for m in every(root)] == ["", "z", "a", "a/y", "a/b"]


def test_the_name_of_a_module_is_the_last_part_of_its_path() -> None:
    assert [m.name for m in every(tree(nodes("/layers.0/attn/Relu")))] == ["", "layers.0", "attn"]


def test_a_model_without_names_is_one_module() -> None:
    root = tree("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }")
    assert (root.children, root.nodes, root.parameters, root.weight_bytes) == ((), 1, 2, 8)


def test_macs_are_there_if_sizes_were_given() -> None:
    text = """g (float[2,3] x) => (float[] y) <float[3,3] w = {1,2,3,4,5,6,7,8,9}> {
        ["/enc/a/MatMul"] a = MatMul(x, w) ["/enc/b/MatMul"] b = MatMul(a, w) y = MatMul(b, w)
    }"""
    root = module_tree(view(model(text)), price(text).node_macs)
    assert {m.path: m.macs for m in every(root)} == {"": 54, "enc": 36, "enc/a": 18, "enc/b": 18}
    assert {m.macs for m in every(tree(text))} == {None}


@pytest.mark.parametrize("name", ["encoder", "encoder_streaming", "predictor", "joint"])
def test_the_root_is_the_whole_model(name: str) -> None:
    found = onnxtool.inspect(WORDS_TDT / f"{name}.onnx", at={}, hash=False)
    assert isinstance(found, Inspection)
    assert found.cost is not None
    root = found.modules
    assert root.nodes == found.nodes
    assert root.parameters == found.weights.parameters
    assert root.weight_bytes == found.cost.weight_bytes
    assert root.macs == found.cost.total_macs
    for module in every(root):
        assert module.weight_bytes >= sum(child.weight_bytes for child in module.children)
        assert module.nodes >= sum(child.nodes for child in module.children)


# --- Whose a tensor is ---------------------------------------------------------------------------

W = "<float[2] w = {1, 2}>"


def test_a_weight_belongs_to_the_module_that_reads_it() -> None:
    text = f'g (float[2] x) => (float[2] y) {W} {{ ["/a/b/Add"] y = Add(x, w) }}'
    assert sizes(text) == {"": 8, "a": 8, "a/b": 8}


@pytest.mark.parametrize(
    ("first", "second", "owner"),
    [
        ("/enc/a/Add", "/enc/b/Add", "enc"),
        ("/enc/a/Add", "/enc/a/Add", "enc/a"),
        ("/enc/a/Add", "/enc/Add", "enc"),
        ("/enc/Add", "/dec/Add", ""),
        ("/enc/layers.1/Add", "/enc/layers.10/Add", "enc"),
    ],
)
def test_a_shared_weight_belongs_to_the_innermost_common_module(
    first: str, second: str, owner: str
) -> None:
    text = f"""g (float[2] x) => (float[2] y) {W} {{
        ["{first}"] a = Add(x, w) ["{second}"] y = Add(a, w)
    }}"""
    assert max(sizes(text), key=len) == owner


def test_a_weight_is_followed_through_nodes_without_a_module() -> None:
    """onnxscript puts a Transpose or a Cast between a weight and the layer that reads it."""
    text = f"""g (float[2] x) => (float[2] y) {W} {{
        c = Cast<to = 1>(w) t = Identity(c) ["/enc/Add"] y = Add(x, t)
    }}"""
    assert sizes(text) == {"": 8, "enc": 8}


def test_a_weight_that_nothing_reads_belongs_to_the_root() -> None:
    text = f'g (float[2] x) => (float[2] y) {W} {{ ["/enc/Relu"] y = Relu(x) }}'
    assert sizes(text) == {"": 8}


def test_a_weight_read_in_a_subgraph_belongs_to_the_module_there() -> None:
    text = f"""g (bool c, float[2] x) => (float[2] y) {W} {{
        y = If (c) <then_branch = t () => (float[2] o) {{ ["/enc/a/Add"] o = Add(x, w) }},
                    else_branch = e () => (float[2] p) {{ ["/enc/b/Add"] p = Add(x, w) }}>
    }}"""
    assert sizes(text) == {"": 8, "enc": 8}


CONSTANT = "Constant<value = float[2] {1, 2}>()"


def test_a_constant_belongs_to_its_own_module_first() -> None:
    text = f"""g (float[2] x) => (float[2] y) {{
        ["/pos/Constant"] c = {CONSTANT} ["/enc/Add"] y = Add(x, c)
    }}"""
    assert sizes(text) == {"": 8, "pos": 8}


def test_constants_without_names_are_told_apart() -> None:
    text = f"""g (float[2] x) => (float[2] y) {{
        c = {CONSTANT} d = Constant<value = float[3] {{1, 2, 3}}>()
        ["/enc/Add"] a = Add(x, c) ["/dec/Add"] y = Add(a, d)
    }}"""
    assert sizes(text) == {"": 20, "enc": 8, "dec": 12}


def test_a_constant_is_no_parameter() -> None:
    assert tree(f"g () => (float[2] y) {{ y = {CONSTANT} }}").parameters == 0


def test_the_names_of_a_function_are_its_own() -> None:
    text = f"""g (float[2] x) => (float[2] y) {W} {{
        ["/enc/Add"] a = Add(x, w) ["/enc/f"] y = local.f(a)
    }}
    <domain: "local", opset_import: ["": 21]> f (x) => (y) {{
        w = {CONSTANT} ["/dec/Add"] y = Add(x, w)
    }}"""
    assert sizes(text) == {"": 16, "enc": 8, "dec": 8}


def test_the_domain_of_a_function_may_hold_a_slash() -> None:
    proto = model("g (float[2] x) => (float[2] y) { y = Relu(x) }")
    function = proto.functions.add(domain="com/example", name="f", output=["y"])
    tensor = helper.make_tensor("", TensorProto.FLOAT, [2], [1.0, 2.0])
    function.node.append(helper.make_node("Constant", [], ["y"], value=tensor))
    assert sizes(proto) == {"": 8}


def test_a_sparse_weight_has_as_many_parameters_as_are_stored() -> None:
    proto = model('g (float[2,3] x) => (float[] y) { ["/enc/MatMul"] y = MatMul(x, w) }')
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [7.0])
    indices = helper.make_tensor("", TensorProto.INT64, [1], [5])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3, 4]))
    (encoder,) = tree(proto).children
    assert encoder.parameters == tree(proto).parameters == 1


def test_long_chains_of_nodes_without_names_are_no_recursion() -> None:
    proto = model(f"g (float[2] x) => (float[2] y) {W} {{ a0 = Add(x, w) }}")
    for i in range(5000):
        proto.graph.node.add(op_type="Relu", input=[f"a{i}"], output=[f"a{i + 1}"])
    proto.graph.node.add(op_type="Relu", name="/dec/Relu", input=["a5000"], output=["y"])
    assert sizes(proto) == {"": 8, "dec": 8}
    proto.graph.node.add(op_type="Relu", input=["b"], output=["b"])
    assert tree(proto).nodes == 5003


def test_inputs_and_outputs_that_are_left_out_are_read_by_nobody() -> None:
    text = """g (float[9] x) => (float[9] y) {
        c = Constant<value = float[2] {1, 2}>()
        z, "" = custom.Make(c)
        ["/enc/Clip"] y = Clip(x, "", z2)
    }"""
    assert sizes(text) == {"": 8}


# --- What no module has --------------------------------------------------------------------------


SHARED = """g (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1, 2, 3, 4}, float[2] b = {1, 2}> {
    ["/a/MatMul"] h = MatMul(x, w) ["/b/MatMul"] i = MatMul(h, w)
    ["/b/Add"] j = Add(i, b) ["/MatMul"] y = MatMul(j, w)
}"""


def test_the_outermost_modules_and_the_rest_are_the_whole() -> None:
    counted = module_tree(view(model(SHARED)), price(SHARED).node_macs)
    rest = counted.elsewhere
    assert (rest.nodes, rest.parameters, rest.weight_bytes, rest.macs) == (1, 4, 16, 4)
    assert (rest.path, rest.children, rest.is_empty) == ("", (), False)
    parts = (*counted.children, rest)
    assert sum(part.parameters for part in parts) == counted.parameters == 6
    assert sum(part.share_of(counted) for part in parts) == pytest.approx(1)


def test_there_is_no_rest_where_everything_has_a_module() -> None:
    counted = tree(nodes("/a/Relu", "/b/Relu"))
    assert counted.elsewhere.is_empty
    assert counted.elsewhere.macs is None

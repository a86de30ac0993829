from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.errors import ModelLoadError
from onnxtool.model.artifact import load_graph
from onnxtool.model.structure import structure_sha256
from onnxtool.model.tensor_digest import TensorDigest, digest_tensors, survey
from tests.support.models import parse, write

ARRAY = np.arange(600, dtype=np.float32).reshape(20, 30)
RELU = "g (float[4] x) => (float[4] y) { y = Relu(x) }"


def holding(*tensors: TensorProto) -> onnx.ModelProto:
    proto = parse(RELU)
    proto.graph.initializer.extend(tensors)
    return proto


def external(name: str, shape: list[int], **reference: object) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in reference.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def digests(folder: Path, proto: onnx.ModelProto | str) -> tuple[TensorDigest, ...]:
    return digest_tensors(load_graph(write(folder / "m.onnx", proto)))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_digest_does_not_depend_on_the_storage(tmp_path: Path) -> None:
    (tmp_path / "alone").write_bytes(ARRAY.tobytes())
    (tmp_path / "shared").write_bytes(b"?" * 70 + ARRAY.tobytes() + b"?" * 9)
    typed = helper.make_tensor("w", TensorProto.FLOAT, ARRAY.shape, ARRAY.ravel())
    stored = [
        numpy_helper.from_array(ARRAY, "w"),
        typed,
        external("w", [20, 30], location="alone"),
        external("w", [20, 30], location="shared", offset=70, length=2400),
    ]
    expected = TensorDigest("main:w", "float32", (20, 30), sha256(ARRAY.tobytes()))
    for tensor in stored:
        assert digests(tmp_path, holding(tensor)) == (expected,)


def test_the_structure_does_not_depend_on_the_storage(tmp_path: Path) -> None:
    raw = holding(numpy_helper.from_array(ARRAY, "w"))
    moved = holding(external("w", [20, 30], location="alone"))
    (tmp_path / "alone").write_bytes(ARRAY.tobytes())
    first, second = (
        structure_sha256(load_graph(write(tmp_path / f"{index}.onnx", proto)))
        for index, proto in enumerate((raw, moved))
    )
    assert first == second


@pytest.mark.parametrize("change", ["name", "dtype", "shape", "node", "metadata", "doc"])
def test_the_structure_is_everything_else(tmp_path: Path, change: str) -> None:
    proto = holding(numpy_helper.from_array(ARRAY, "w"))
    before = structure_sha256(load_graph(write(tmp_path / "m.onnx", proto)))
    (tensor,) = proto.graph.initializer
    match change:
        case "name":
            tensor.name = "v"
        case "dtype":
            tensor.data_type = TensorProto.INT32
        case "shape":
            tensor.dims[:] = [30, 20]
        case "node":
            proto.graph.node[0].op_type = "Neg"
        case "metadata":
            proto.metadata_props.add(key="k", value="v")
        case _:
            tensor.doc_string = "text"
    assert structure_sha256(load_graph(write(tmp_path / "m.onnx", proto))) != before


def test_dtype_and_shape_are_part_of_it(tmp_path: Path) -> None:
    arrays: list[np.ndarray] = [
        ARRAY,
        ARRAY.reshape(30, 20),
        ARRAY.view(np.int32),
        ARRAY.astype(np.float64),
    ]
    found = {digests(tmp_path, holding(numpy_helper.from_array(a, "w"))) for a in arrays}
    assert len(found) == len(arrays)


@pytest.mark.parametrize(
    ("data_type", "values", "content"),
    [
        (TensorProto.INT64, [1, -1], b"\1" + bytes(7) + b"\xff" * 8),
        (TensorProto.BOOL, [True, False], b"\1\0"),
        (TensorProto.FLOAT16, [1.0], b"\0\x3c"),
        (TensorProto.BFLOAT16, [1.0], b"\x80\x3f"),
        (TensorProto.UINT4, [1, 2, 3], b"\x21\3"),
    ],
)
def test_typed_values_are_little_endian_memory(
    tmp_path: Path, data_type: int, values: list[float], content: bytes
) -> None:
    tensor = helper.make_tensor("w", data_type, [len(values)], values)
    (found,) = digests(tmp_path, holding(tensor))
    assert found.sha256 == sha256(content)


def test_strings_carry_their_length(tmp_path: Path) -> None:
    parts = [[b"ab", b"c"], [b"a", b"bc"], [b"abc", b""]]
    tensors = [TensorProto(name="w", data_type=8, dims=[2], string_data=part) for part in parts]
    found = [digests(tmp_path, holding(tensor))[0].sha256 for tensor in tensors]
    assert len(set(found)) == 3
    assert found[0] == sha256(b"\2" + bytes(7) + b"ab" + b"\1" + bytes(7) + b"c")


def test_no_tensor_is_left_out(tmp_path: Path) -> None:
    proto = parse("""g (bool c, float[2] x) => (float[2] y) <float[2] w = {1, 2}> {
        k = Constant<value = float[1] {3}>()
        [named] z = Constant<value = float[1] {3}>()
        y = If(c) <then_branch = a () => (float[2] y) <float[1] inner = {4}> { y = Add(x, inner) },
                   else_branch = b () => (float[2] y) { y = local.f(x) }> }
        <domain: "local", opset_import: ["": 20]> f (a) => (b) {
            one = Constant<value = float[1] {1}>() b = Add(a, one) }""")
    sparse = proto.graph.sparse_initializer.add(dims=[9])
    sparse.values.CopyFrom(helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0]))
    sparse.indices.CopyFrom(helper.make_tensor("", TensorProto.INT64, [1], [3]))
    training = proto.training_info.add()
    training.initialization.initializer.add(name="t", data_type=1, dims=[1], float_data=[5])
    default = proto.functions[0].attribute_proto.add(name="d", type=onnx.AttributeProto.TENSOR)
    default.t.CopyFrom(helper.make_tensor("", TensorProto.FLOAT, [1], [1.0]))
    assert [digest.name for digest in digests(tmp_path, proto)] == [
        "main:w",
        "main:s",
        "main:s indices",
        "main:k",
        "main:named",
        "main/If.then_branch:inner",
        "local::f:one",
        "training[0]:t",
        "local::f.d:",
    ]


def test_names_given_twice_are_numbered(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(ARRAY, "w")
    names = [digest.name for digest in digests(tmp_path, holding(tensor, tensor))]
    assert names == ["main:w", "main:w#2"]


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (external("w", [2], location="gone"), "'gone', which is missing"),
        (external("w", [2], location="../w"), "leads out"),
        (external("w", [2], location="w", offset="x"), "is at offset 'x'"),
        (external("w", [2], location="w", length=7), "has 7 bytes where its shape needs 8"),
        (external("w", [-2], location="w"), "impossible shape"),
        (TensorProto(name="w", data_type=99, dims=[1]), "unknown element type"),
        (TensorProto(name="w", data_type=1, dims=[3], raw_data=b"123"), "has 3 bytes"),
        (TensorProto(name="w", data_type=7, dims=[3], int64_data=[1]), "do not fit"),
    ],
)
def test_a_tensor_that_cannot_be_read_says_why(
    tmp_path: Path, tensor: TensorProto, says: str
) -> None:
    path = write(tmp_path / "m.onnx", holding(tensor))
    (path.parent / "w").write_bytes(bytes(8))
    ((found,),) = survey([load_graph(path)]).tensors
    assert found.sha256 is None
    assert says in found.trouble
    with pytest.raises(ModelLoadError, match="tensor `main:w`"):
        digest_tensors(load_graph(path))


def test_a_file_that_models_share_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(ARRAY.tobytes())
    proto = holding(external("w", [20, 30], location="w"))
    models = [load_graph(write(tmp_path / name, proto)) for name in ("a.onnx", "b.onnx")]
    found = survey(models)
    assert {path.name for path in found.files} == {"a.onnx", "b.onnx", "w"}
    assert found.tensors[0] == found.tensors[1]

"""The JSON of `inspect`: the keys that were promised, and the schema that is published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from onnx import TensorProto

from onnxtool.analysis.inspection import inspect
from onnxtool.errors import OnnxToolError
from onnxtool.render.json import INSPECT_SCHEMA, inspection, inspections
from tests.support.models import WORDS_TDT, model, write

from .schema import validate

GRAPHS = sorted(WORDS_TDT.glob("*.onnx"))

# What issue 2 promises.
GRAPH_KEYS = """schema path sha256 size_bytes ir_version opset_imports producer role family
    inputs outputs states nodes operators initializers parameters weight_bytes external_data
    cost modules"""
FOLDER_KEYS = "schema bundle models wiring metadata orphans"

# Whatever could be null, empty or unusual in a graph.
UNUSUAL = """g (float[] x, float[?, z_dynamic_axes_1] z, seq(float[2]) s, int64[] offset)
    => (float[T] y, float[] u) {
        ["a/b"] y = custom.Magic(x) k = NonZero(z) u = MatMul(k, x)
    }"""


def printed(value: object) -> Any:
    """What another program reads."""
    return json.loads(json.dumps(value, allow_nan=False))


def described(path: Path, at: Mapping[str, int] | None = None, *, depth: int | None = None) -> Any:
    return printed(inspection(inspect(path, at=at), depth=depth))


# --- The schema ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*GRAPHS, WORDS_TDT], ids=lambda path: path.name)
@pytest.mark.parametrize("at", [None, {"time": 57}], ids=["no cost", "cost"])
def test_every_sample_is_valid(path: Path, at: Mapping[str, int] | None) -> None:
    validate(described(path, None if path.stem == "predictor" else at))


def test_an_unusual_graph_is_valid(tmp_path: Path) -> None:
    document = described(write(tmp_path / "m.onnx", model(UNUSUAL)), {})
    validate(document)
    assert document["inputs"][0]["shape"] is None
    assert document["inputs"][1]["shape"] == [None, None]
    assert document["inputs"][1]["dynamic_axes"] == {"0": None, "1": None}
    assert document["cost"]["unresolved"]
    assert document["cost"]["total_macs"] is None
    assert document["cost"]["total_is_exact"] is False


def test_what_does_not_fit_is_valid(tmp_path: Path) -> None:
    text = """g (float[T, 4] x, float[7, 4] table) => (float[] y, float[7, 4] z) {
        [a] y = Add(x, table) z = Relu(x)
    }"""
    document = described(write(tmp_path / "m.onnx", model(text)), {"T": 8})
    validate(document)
    assert document["cost"]["refusals"] == [
        {"node": "a", "operator": "Add", "shapes": [[8, 4], [7, 4]]}
    ]
    assert document["cost"]["misdeclared"] == [
        {"output": "z", "declared": [7, 4], "computed": [8, 4]}
    ]


def test_a_damaged_graph_is_valid(tmp_path: Path) -> None:
    proto = model("g (float[1] x) => (float[1] y) { y = Add(x, gone) }")
    tensor = proto.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[2])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="gone.bin")
    document = described(write(tmp_path / "m.onnx", proto))
    validate(document)
    assert len(document["damage"]) == 2
    assert document["external_data"]["missing"] == ["gone.bin"]
    assert document["sha256"]
    assert document["sha256_with_weights"] is None


def test_a_damaged_folder_is_valid(tmp_path: Path) -> None:
    (tmp_path / "model_meta.json").write_text('{"vocab_size": 1e999}')
    (tmp_path / "broken.onnx").write_text("no model")
    (tmp_path / "vocab.txt").write_text("a 0\n<blk> 1\n")
    (tmp_path / "left.bin").write_text("?")
    write(tmp_path / "m.onnx", model(UNUSUAL))
    document = described(tmp_path)
    validate(document)
    assert {item["where"] for item in document["damage"]} == {"broken.onnx", "model_meta.json"}
    assert document["metadata"] is None
    assert document["vocabulary"] == {"file": "vocab.txt", "tokens": 2, "blank_id": 1}
    assert document["orphans"] == ["left.bin"]


def test_several_results_and_failures_are_valid() -> None:
    results = [inspect(path, hash=False) for path in (*GRAPHS, WORDS_TDT)]
    failures = [OnnxToolError("m.onnx: the file is empty", hint="export it again")]
    document = printed(inspections(results, failures, depth=1))
    validate(document)
    assert document["schema"] == INSPECT_SCHEMA
    assert document["failures"] == [
        {"message": "m.onnx: the file is empty", "hint": "export it again"}
    ]
    assert [result.get("bundle", False) for result in document["results"]] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("nodes"),
        lambda document: document.update(nodes=-1),
        lambda document: document.update(nodes="14"),
        lambda document: document.update(surprise=1),
        lambda document: document.update(schema="onnxtool.inspect/2"),
        lambda document: document["inputs"][0].pop("dtype"),
        lambda document: document["cost"]["macs"].update(MatMul=1.5),
    ],
    ids=["missing", "negative", "type", "unknown", "version", "nested", "fraction"],
)
def test_the_schema_refuses_what_it_does_not_promise(change: Any) -> None:
    document = described(WORDS_TDT / "joint.onnx", {})
    validate(document)
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


# --- The promises of the issue -------------------------------------------------------------------


def test_a_graph_has_the_keys_that_were_promised() -> None:
    document = described(WORDS_TDT / "encoder_streaming.onnx", {"time": 57})
    assert set(GRAPH_KEYS.split()) <= set(document)
    assert set(document["states"][0]) >= {"input", "output", "kind", "shape"}
    assert set(document["external_data"]) >= {"files", "bytes", "missing", "short", "outside"}
    assert set(document["cost"]) >= {"sizes", "macs", "unresolved"}
    assert document["opset_imports"] == {"": 18}
    assert document["inputs"][0] == {
        "name": "audio_signal",
        "dtype": "float32",
        "shape": ["batch", 80, "time"],
        "dynamic_axes": {"0": "batch", "2": "time"},
        "auto_named": {},
        "element_shape": None,
    }
    assert document["defaulted_inputs"] == []


def test_a_folder_has_the_keys_that_were_promised() -> None:
    document = described(WORDS_TDT)
    assert set(FOLDER_KEYS.split()) <= set(document)
    assert document["bundle"] is True
    assert len(document["models"]) == 4


def test_symbols_that_an_exporter_made_up_are_unknown_sizes() -> None:
    document = described(WORDS_TDT / "encoder_streaming.onnx")
    output = next(o for o in document["outputs"] if o["name"] == "cache_last_channel_out")
    assert output["shape"] == ["batch", 4, None, 96]
    assert output["dynamic_axes"] == {"0": "batch", "2": None}
    assert set(output["auto_named"]) == {"2"}
    assert set(document["symbols"]) == {"batch", "time"}


def test_one_result_stands_alone() -> None:
    result = inspect(WORDS_TDT / "joint.onnx", hash=False)
    assert inspections([result], [], depth=None) == inspection(result, depth=None)


@pytest.mark.parametrize(("depth", "levels"), [(0, 0), (1, 1), (2, 2), (None, 3)])
def test_the_module_tree_has_the_depth_that_was_asked_for(depth: int | None, levels: int) -> None:
    def height(modules: list[Any]) -> int:
        return max((1 + height(module["children"]) for module in modules), default=0)

    document = described(WORDS_TDT / "encoder.onnx", depth=depth)
    assert height(document["modules"]) == levels


@pytest.mark.parametrize("depth", [0, 1, None])
def test_the_outermost_modules_and_the_rest_are_the_whole(depth: int | None) -> None:
    document = described(WORDS_TDT / "joint.onnx", {"time": 9}, depth=depth)
    rest = document["outside_modules"]
    modules = described(WORDS_TDT / "joint.onnx", {"time": 9})["modules"]
    assert rest["parameters"] + sum(m["parameters"] for m in modules) == document["parameters"]
    assert rest["macs"] + sum(m["macs"] for m in modules) == document["cost"]["total_macs"]
    assert document["cost"]["total_is_exact"] is True


def test_names_of_any_kind_survive(tmp_path: Path) -> None:
    name = 'a\x1b[31m"\\\n\u202e日本\U0001f600'
    proto = model("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    proto.graph.input[0].name = proto.graph.node[0].input[0] = name
    document = described(write(tmp_path / "m.onnx", proto))
    assert document["inputs"][0]["name"] == name

"""Each cause, planted in a healthy bundle, turns its own rule red and no other static rule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxtool.model.artifact import sha256_of
from onnxtool.rules.engine import check
from onnxtool.rules.report import Finding
from onnxtool.rules.rule import Severity
from onnxtool.rules.subject import Settings
from tests.support.models import WORDS_TDT

# What the exporter wrote wrongly, put right.
HEALTHY: dict[str, Any] = {
    "model_name": "words-tdt",
    "sample_rate": 16000,
    "labels": [],
    "blank_id": 35,
    "tokenizer_vocab_size": 35,
    "joint_vocab_size": 41,
    "duration_values": [0, 1, 2, 3, 4],
    "torch_version": "2.13.0+cpu",
    "tensor_layout_contract": {
        "encoder_input": "audio_signal: [B, n_mels, T]",
        "encoder_output": "encoder_output: [B, D_enc(=96), T_enc]",
        "predictor_input": "y: [B, U], h/c: [L, B, H]",
        "predictor_output": "g: [B, H(=96), U]",
        "joint_input": "encoder_output: [B, 96, T], predictor_output: [B, 96, U]",
        "joint_output": "joint_output: [B, T, U, V_joint(=41)]",
    },
    "features": {"type": "log-mel", "n_fft": 512, "n_mels": 80, "hop_length": 160},
}
GRAPHS = ("encoder.onnx", "encoder_streaming.onnx", "joint.onnx", "predictor.onnx")
# Declared as the exporter declares them; what is wrong with that has tests of its own.
KNOWN = {"I003", "I007", "I013", "M005", "M009", "S013"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name in (*GRAPHS, "vocab.txt"):
        shutil.copyfile(WORDS_TDT / name, tmp_path / name)
    (tmp_path / "model_meta.json").write_text(json.dumps(HEALTHY))
    return tmp_path


def findings(path: Path, *select: str) -> list[Finding]:
    settings = Settings(run=False, weights=True)
    return list(check(path, select=select, settings=settings).findings)


def codes(path: Path) -> set[str]:
    return {finding.rule.code for finding in findings(path)}


def test_the_bundle_is_healthy(bundle: Path) -> None:
    assert codes(bundle) - KNOWN == set()


def edit(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


def outside(path: Path) -> Path:
    """Move a graph's weights into `NAME.data`, and record all hashes."""
    model = onnx.load(path)
    data = f"{path.name}.data"
    onnx.save(model, path, save_as_external_data=True, location=data)
    data_path = path.with_name(data)
    data_path.chmod(0o644)
    return data_path


def attested(bundle: Path) -> None:
    names = sorted(path.name for path in bundle.iterdir())
    (bundle / "SHA256SUMS").write_text("".join(f"{sha256_of(bundle / n)}  {n}\n" for n in names))


def external(bundle: Path) -> Path:
    data = outside(bundle / "joint.onnx")
    attested(bundle)
    return data


def missing(bundle: Path) -> None:
    external(bundle).unlink()


def truncated(bundle: Path) -> None:
    data = external(bundle)
    data.write_bytes(data.read_bytes()[:-4])
    attested(bundle)


def unlike_shape(bundle: Path) -> None:
    external(bundle)
    model = onnx.load(bundle / "joint.onnx", load_external_data=False)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.external_data)
    next(entry for entry in tensor.external_data if entry.key == "length").value = "4"
    (bundle / "joint.onnx").write_bytes(model.SerializeToString())
    attested(bundle)


def linked(bundle: Path) -> None:
    data = external(bundle)
    (bundle / "store").mkdir()
    (bundle / "store" / "blob").hardlink_to(data)


def orphan(bundle: Path) -> None:
    (bundle / "Constant_12_attr__value").write_bytes(bytes(8))


def unattested(bundle: Path) -> None:
    outside(bundle / "joint.onnx")


def replaced(bundle: Path) -> None:
    data = external(bundle)
    content = data.read_bytes()
    data.write_bytes(content[:4] + content[8:12] + content[8:])


def unknown_attribute(bundle: Path) -> None:
    attribute = helper.make_attribute("unknown", 1)
    edit(bundle / "joint.onnx", lambda m: m.graph.node[0].attribute.append(attribute))


def too_new(bundle: Path) -> None:
    edit(bundle / "joint.onnx", lambda m: setattr(m, "ir_version", 99))


def foreign(bundle: Path) -> None:
    def replace(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Relu")
        node.domain = "my.ops"
        model.opset_import.append(helper.make_opsetid("my.ops", 1))

    edit(bundle / "joint.onnx", replace)


def not_a_number(bundle: Path) -> None:
    def damage(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if len(t.dims) == 2)
        array = numpy_helper.to_array(tensor).copy()
        array[0, 0] = float("nan")
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    edit(bundle / "joint.onnx", damage)


def doubled(bundle: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        name = tensor.name
        array = numpy_helper.to_array(tensor).astype("float64")
        tensor.CopyFrom(numpy_helper.from_array(array, "wide"))
        cast = helper.make_node("Cast", ["wide"], [name], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)

    edit(bundle / "joint.onnx", widen)


def fixed_time(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64
        model.graph.output[0].type.tensor_type.shape.dim[2].dim_param = "T_enc"

    edit(bundle / "encoder.onnx", fix)


def unlike_states(bundle: Path) -> None:
    def fix(model: onnx.ModelProto) -> None:
        model.graph.input[2].type.tensor_type.shape.dim[1].dim_value = 1

    edit(bundle / "predictor.onnx", fix)


def constant_length(bundle: Path) -> None:
    def fold(model: onnx.ModelProto) -> None:
        length = numpy_helper.from_array(np.array([64]), "traced")
        model.graph.initializer.append(length)
        for node in model.graph.node:
            node.input[:] = ["traced" if name == "length" else name for name in node.input]

    edit(bundle / "encoder.onnx", fold)


def overridable(bundle: Path) -> None:
    def expose(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        model.graph.input.append(value)

    edit(bundle / "joint.onnx", expose)


def softmax(bundle: Path) -> None:
    def normalize(model: onnx.ModelProto) -> None:
        last = model.graph.node[-1]
        name = last.output[0]
        last.output[0] = "raw"
        model.graph.node.append(helper.make_node("LogSoftmax", ["raw"], [name], axis=-1))

    edit(bundle / "joint.onnx", normalize)


def symbolic_width(bundle: Path) -> None:
    def free(model: onnx.ModelProto) -> None:
        model.graph.output[0].type.tensor_type.shape.dim[3].dim_param = "V"

    edit(bundle / "joint.onnx", free)
    mutate(bundle, "tensor_layout_contract.joint_output", "joint_output: [B, T, U, logits]")


def blank_row(bundle: Path) -> None:
    def fill(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name.endswith("embed.weight"))
        array = numpy_helper.to_array(tensor).copy()
        array[-1] = 0.5
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    edit(bundle / "predictor.onnx", fill)


def not_json(bundle: Path) -> None:
    (bundle / "streaming.json").write_text("{")


def twice(bundle: Path) -> None:
    path = bundle / "vocab.txt"
    lines = path.read_text().splitlines()
    lines[1] = lines[0].rsplit(" ", 1)[0] + " 1"
    path.write_text("\n".join(lines) + "\n")


def other_weights(bundle: Path) -> None:
    def shuffle(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT and len(tensor.raw_data) > 64:
                array = numpy_helper.to_array(tensor)
                tensor.CopyFrom(numpy_helper.from_array(array * 1.5, tensor.name))

    edit(bundle / "encoder_streaming.onnx", shuffle)


def other_opset(bundle: Path) -> None:
    edit(bundle / "joint.onnx", lambda m: setattr(m.opset_import[0], "version", 17))


def elsewhere(bundle: Path) -> None:
    external(bundle)
    model = onnx.load(bundle / "joint.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../joint.onnx.data"
    (bundle / "joint.onnx").write_bytes(model.SerializeToString())
    (bundle / "joint.onnx.data").unlink()
    attested(bundle)
    sums = bundle / "SHA256SUMS"
    sums.write_text(f"{sums.read_text()}{'0' * 64}  ../joint.onnx.data\n")


def in_attribute(bundle: Path) -> None:
    external(bundle)
    model = onnx.load(bundle / "joint.onnx", load_external_data=False)
    for tensor in [tensor for tensor in model.graph.initializer if tensor.external_data]:
        constant = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.initializer.remove(tensor)
        model.graph.node.insert(0, constant)
    (bundle / "joint.onnx").write_bytes(model.SerializeToString())
    attested(bundle)


def generated_name(bundle: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        model.graph.input[0].name = "onnx::Slice_3"
        for node in model.graph.node:
            node.input[:] = ["onnx::Slice_3" if n == "encoder_output" else n for n in node.input]

    edit(bundle / "joint.onnx", rename)
    mutate(bundle, "tensor_layout_contract.joint_input", "predictor_output: [B, 96, U]")


def decreasing(bundle: Path) -> None:
    mutate(bundle, "duration_values", [0, 1, 2, 4, 3])


def no_sample_rate(bundle: Path) -> None:
    mutate(bundle, "sample_rate", None)


def other_bands(bundle: Path) -> None:
    mutate(bundle, "features.n_mels", 128)


def other_dims(bundle: Path) -> None:
    mutate(bundle, "tensor_layout_contract.joint_output", "joint_output: [B, T, U, 8198]")


def other_predictor(bundle: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 97

    edit(bundle / "predictor.onnx", widen)
    mutate(bundle, "tensor_layout_contract.predictor_output", "g: [B, H, U]")


PLANTED: Mapping[str, Callable[[Path], object]] = {
    "X001": missing,
    "X002": truncated,
    "X003": unlike_shape,
    "X004": elsewhere,
    "X005": linked,
    "X006": orphan,
    "X009": unattested,
    "X010": replaced,
    "X011": in_attribute,
    "X012": not_json,
    "M001": unknown_attribute,
    "M002": foreign,
    "M006": not_a_number,
    "M007": doubled,
    "I002": fixed_time,
    "I008": unlike_states,
    "I009": generated_name,
    "I011": constant_length,
    "I012": overridable,
    "J001": softmax,
    "J003": symbolic_width,
    "J004": blank_row,
    "J005": decreasing,
    "B001": no_sample_rate,
    "B002": other_predictor,
    "B003": other_bands,
    "B004": twice,
    "B005": other_dims,
    "B006": other_weights,
    "B007": other_opset,
}


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_cause_turns_its_own_rule_red(bundle: Path, code: str) -> None:
    PLANTED[code](bundle)
    assert codes(bundle) - KNOWN == {code}


def test_a_header_that_is_too_new_is_reported(bundle: Path) -> None:
    too_new(bundle)
    assert "M002" in codes(bundle)


FIELDS: Mapping[str, object] = {
    "model_name": "parakeet-tdt-0.6b-v3",
    "sample_rate": 8000,
    "labels": ["one", "two"],
    "blank_id": 0,
    "tokenizer_vocab_size": 36,
    "joint_vocab_size": 8198,
    "duration_values": [0, 1, 2, 3],
    "torch_version": "2.9.1",
    "tensor_layout_contract.encoder_input": "audio: [B, n_mels, T]",
    "tensor_layout_contract.encoder_output": "encoder_output: [B, D_enc(=1024), T_enc]",
    "tensor_layout_contract.predictor_input": "y: [B, U, V], h/c: [L, B, H]",
    "tensor_layout_contract.predictor_output": "g: [B, H(=640), U]",
    "tensor_layout_contract.joint_input": "encoder_output: [B, 96, T], predictor_output: [B, 1, U]",
    "tensor_layout_contract.joint_output": "joint_output: [B, T, U, V_joint(=8198)]",
    "features.type": "mfcc",
    "features.n_fft": 256,
    "features.n_mels": 128,
    "features.hop_length": 256,
}


def leaves(value: object, name: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [name]
    prefix = f"{name}." if name else ""
    return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{prefix}{key}")]


def mutate(bundle: Path, name: str, value: object) -> None:
    fields = json.loads(json.dumps(HEALTHY))
    block, _, rest = name.rpartition(".")
    (fields[block] if block else fields)[rest] = value
    (bundle / "model_meta.json").write_text(json.dumps(fields))


def named(bundle: Path, name: str) -> list[Finding]:
    """Findings that name the field and that the healthy bundle does not have."""
    short = name.rpartition(".")[2]
    return [
        finding
        for finding in findings(bundle, "B", "J")
        if finding.rule.code not in KNOWN
        and (short in finding.message or short in finding.location)
    ]


def test_every_field_has_a_mutation() -> None:
    assert sorted(FIELDS) == sorted(leaves(HEALTHY))


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_field_is_detected_by_name(bundle: Path, name: str) -> None:
    mutate(bundle, name, FIELDS[name])
    assert named(bundle, name)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_another_type_is_detected_by_name(bundle: Path, name: str) -> None:
    mutate(bundle, name, {"not": "this"})
    assert named(bundle, name)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_null_is_detected_by_name(bundle: Path, name: str) -> None:
    mutate(bundle, name, None)
    assert named(bundle, name)


@pytest.mark.parametrize("name", [*FIELDS, "features", "tensor_layout_contract"])
def test_a_field_that_is_missing_is_detected_by_name(bundle: Path, name: str) -> None:
    fields = json.loads(json.dumps(HEALTHY))
    block, _, rest = name.rpartition(".")
    del (fields[block] if block else fields)[rest]
    (bundle / "model_meta.json").write_text(json.dumps(fields))
    assert [finding.location for finding in findings(bundle, "B")] == [f"model_meta.json:{name}"]


def test_missing_durations_are_an_error_where_the_joint_has_some(bundle: Path) -> None:
    fields = {name: value for name, value in HEALTHY.items() if name != "duration_values"}
    (bundle / "model_meta.json").write_text(json.dumps(fields))
    (finding,) = findings(bundle, "B001")
    assert finding.severity is Severity.ERROR


def test_features_that_are_null_are_one_problem(bundle: Path) -> None:
    mutate(bundle, "features", None)
    (finding,) = findings(bundle, "B001")
    assert finding.message == "`features` is null, where an object belongs"


def test_normalization_over_the_utterance_is_read_from_the_graphs_too(bundle: Path) -> None:
    def normalize(model: onnx.ModelProto) -> None:
        model.metadata_props.add(key="normalize_type", value="per_feature")

    edit(bundle / "encoder_streaming.onnx", normalize)
    (finding,) = findings(bundle, "S014")
    assert (finding.model, finding.location) == (
        "encoder_streaming.onnx",
        "metadata_props:normalize_type",
    )


LAYOUTS = {
    "bands where time is": ("encoder_input", "audio_signal: [B, T, n_mels]"),
    "a number on a dynamic axis": ("encoder_output", "encoder_output: [B, T_enc, D_enc(=96)]"),
    "a bare number on a dynamic axis": (
        "joint_input",
        "encoder_output: [B, T, 96], predictor_output: [B, 96, U]",
    ),
    "a width on a dynamic axis": ("predictor_output", "g: [B, U, H(=96)]"),
    "layers where the batch is": ("predictor_input", "y: [B, U], h/c: [B, L, H]"),
    "time where the batch is": ("encoder_input", "audio_signal: [T, n_mels, B]"),
}


@pytest.mark.parametrize(("name", "text"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_with_its_axes_in_another_order_is_reported(
    bundle: Path, name: str, text: str
) -> None:
    mutate(bundle, f"tensor_layout_contract.{name}", text)
    found = findings(bundle, "B005")
    assert {finding.location for finding in found} == {
        f"model_meta.json:tensor_layout_contract.{name}"
    }
    assert "the dynamic `" in found[0].message


@pytest.mark.parametrize("name", ["joint.onnx", "predictor.onnx", "vocab.txt"])
def test_a_file_that_cannot_be_read_is_not_called_missing(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes(b"")
    assert [f.rule.code for f in findings(bundle, "B", "X012")] == ["X012"]

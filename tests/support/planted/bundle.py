"""B: graphs and files of one folder that are not of one model."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper

from tests.support.planted import graphs
from tests.support.planted.cause import (
    Cause,
    for_onnx_asr,
    in_run,
    in_streaming_words,
    in_words,
)
from tests.support.planted.edits import edit
from tests.support.planted.words import STREAMING, mutate, with_field, write_metadata


def no_sample_rate(bundle: Path) -> None:
    mutate(bundle, "sample_rate", None)


def text_for_a_number(bundle: Path) -> None:
    mutate(bundle, "features.hop_length", "160")


def no_layouts(bundle: Path) -> None:
    write_metadata(bundle, with_field("tensor_layout_contract"))


def another_predictor(bundle: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 97

    edit(bundle / "predictor.onnx", widen)
    mutate(bundle, "tensor_layout_contract.predictor_output", "g: [B, H, U]")


def no_predictor(bundle: Path) -> None:
    (bundle / "predictor.onnx").unlink()


def no_joint(bundle: Path) -> None:
    (bundle / "joint.onnx").unlink()


def another_number_of_bands(bundle: Path) -> None:
    mutate(bundle, "features.n_mels", 128)


def another_hop(bundle: Path) -> None:
    mutate(bundle, "features.hop_length", 256)


def token_twice(bundle: Path) -> None:
    path = bundle / "vocab.txt"
    lines = path.read_text().splitlines()
    lines[1] = lines[0].rsplit(" ", 1)[0] + " 1"
    path.write_text("\n".join(lines) + "\n")


def token_with_a_space(bundle: Path) -> None:
    path = bundle / "vocab.txt"
    path.write_text(path.read_text().replace("a 0", "a b 0"))


def no_vocabulary(bundle: Path) -> None:
    (bundle / "vocab.txt").unlink()


def sizes_of_another_model(bundle: Path) -> None:
    mutate(bundle, "tensor_layout_contract.joint_output", "joint_output: [B, T, U, 8198]")


def name_of_another_model(bundle: Path) -> None:
    mutate(bundle, "model_name", "parakeet-tdt-0.6b-v3")


def labels_of_another_model(bundle: Path) -> None:
    mutate(bundle, "labels", ["one", "two"])


def another_checkpoint(bundle: Path) -> None:
    def scale(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT and len(tensor.raw_data) > 64:
                array = numpy_helper.to_array(tensor)
                tensor.CopyFrom(numpy_helper.from_array(array * 1.5, tensor.name))

    edit(bundle / STREAMING, scale)


def one_layer_of_another_checkpoint(bundle: Path) -> None:
    def scale(model: onnx.ModelProto) -> None:
        (tensor,) = (
            tensor
            for tensor in model.graph.initializer
            if tensor.name.endswith("layers.1.conv.pointwise_conv1.weight")
        )
        array = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(array * 1.5, tensor.name))

    edit(bundle / STREAMING, scale)


def another_operator_set(bundle: Path) -> None:
    edit(bundle / "joint.onnx", lambda m: setattr(m.opset_import[0], "version", 19))


def another_ir_version(bundle: Path) -> None:
    edit(bundle / "joint.onnx", lambda m: setattr(m, "ir_version", 9))


def another_exporter(bundle: Path) -> None:
    model = graphs.joint()
    model.producer_version = "2.9.1"
    onnx.save(model, bundle / "joint.onnx")


def metadata_of_another_export(bundle: Path) -> None:
    mutate(bundle, "torch_version", "2.9.1")


def no_config(bundle: Path) -> None:
    (bundle / "config.json").unlink()


def another_name(bundle: Path) -> None:
    (bundle / "encoder-model.onnx").rename(bundle / "encoder.onnx")


CAUSES: tuple[Cause, ...] = (
    in_words("B001", no_sample_rate),
    in_words("B001", text_for_a_number),
    in_words("B001", no_layouts),
    in_words("B002", another_predictor),
    in_words("B002", no_predictor),
    in_run("B002", no_joint),
    in_words("B003", another_number_of_bands),
    in_words("B003", another_hop),
    in_words("B004", token_twice),
    in_run("B004", token_with_a_space),
    in_words("B004", no_vocabulary),
    in_words("B005", sizes_of_another_model),
    in_words("B005", name_of_another_model),
    in_words("B005", labels_of_another_model),
    in_streaming_words("B006", another_checkpoint),
    in_streaming_words("B006", one_layer_of_another_checkpoint),
    in_words("B007", another_operator_set),
    in_run("B007", another_ir_version),
    in_run("B007", another_exporter),
    in_words("B007", metadata_of_another_export),
    for_onnx_asr("B008", no_config),
    for_onnx_asr("B008", another_name),
)

"""What contracts, targets and quantization promise, on graphs that do not keep it."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.model.contract import read_contract
from onnxtool.rules.engine import check
from onnxtool.rules.examples.graphs import HEADER, Content, write_all
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from onnxtool.rules.target import parse_target
from tests.support.exports import EXPORTS
from tests.support.models import WORDS_TDT, write

MICROSOFT = HEADER.replace("17]", '17, "com.microsoft" : 1]')


def report(path: Path, *targets: str, select: str, contract: Path | None = None) -> CheckReport:
    settings = Settings(
        run=False,
        targets=tuple(map(parse_target, targets)),
        contract=read_contract(contract) if contract else None,
    )
    return check(path, select=[select], settings=settings)


def messages(path: Path, *targets: str, select: str) -> list[str]:
    return [finding.message for finding in report(path, *targets, select=select).findings]


def test_sherpa_onnx_needs_an_adapter_for_the_exporter_s_predictor() -> None:
    (count, _) = messages(WORDS_TDT / "predictor.onnx", "sherpa-onnx", select="I001")
    assert count.startswith("3 values, where sherpa-onnx wants 4: token ids, their number")
    found = messages(WORDS_TDT / "predictor.onnx", "sherpa-onnx", select="I010")
    assert found[0].startswith("`y` is int64, sherpa-onnx wants int32; sherpa-onnx says:")


def test_onnx_asr_wants_predictor_and_joint_in_one_graph() -> None:
    (message,) = messages(WORDS_TDT / "joint.onnx", "onnx-asr", select="I001")
    assert message == "onnx-asr has no use for this graph: it wants `decoder_joint-model.onnx`"


def test_onnx_asr_reads_by_name() -> None:
    (message,) = messages(WORDS_TDT / "encoder.onnx", "onnx-asr", select="I001")
    assert message.startswith("no `outputs`, which onnx-asr wants by this name")


def test_sherpa_onnx_says_which_metadata_it_misses() -> None:
    found = messages(WORDS_TDT / "encoder.onnx", "sherpa-onnx", select="M003")
    assert len(found) == 5
    assert "sherpa-onnx says: 'vocab_size' does not exist in the metadata" in found[0]


def test_a_promise_without_a_contract_or_target_is_skipped_with_a_reason() -> None:
    found = report(WORDS_TDT / "encoder.onnx", select="I001")
    assert not found.checked
    assert found.skipped[0].reason == (
        "nothing promises its interface: give --contract or --target"
    )


def test_a_graph_that_is_promised_and_not_there_is_told(tmp_path: Path) -> None:
    write(tmp_path / "model.onnx", "g (float[2] x) => (float[2] y) { y = Relu(x) }")
    promise = {"inputs": [{"name": "x", "dtype": "float32"}]}
    write_all(tmp_path, {"contract.json": {"io": {"encoder.onnx": promise}}})
    (finding,) = report(tmp_path, select="B002").findings
    assert finding.message == "contract.json promises `encoder.onnx`, which is not in the folder"
    (skip,) = report(tmp_path, select="I001").skipped
    assert skip.reason == ("nothing promises its interface: contract.json does not name model.onnx")
    write_all(tmp_path, {"contract.json": {"io": {"model.onnx": promise}}})
    assert not report(tmp_path, select="B002").findings


def exported(folder: Path, name: str, **properties: str) -> Path:
    """The interface of an export, with metadata."""
    proto = next(export.view.proto for export in EXPORTS if export.name == name)
    del proto.metadata_props[:]
    for key, value in properties.items():
        proto.metadata_props.add(key=key, value=value)
    return write(folder / "model.onnx", proto)


def test_sherpa_onnx_asks_of_icefall_s_encoders_what_their_exporter_writes(tmp_path: Path) -> None:
    lists = "num_encoder_layers encoder_dims cnn_module_kernels left_context_len query_head_dims"
    lists += " value_head_dims num_heads"
    properties = {"T": "45", "decode_chunk_len": "32", **dict.fromkeys(lists.split(), "2,4")}
    path = exported(tmp_path, "zipformer2 encoder", **properties)
    for rule in ("I001", "I010", "M003"):
        assert not report(path, "sherpa-onnx", select=rule).findings
    path = exported(tmp_path, "zipformer2 encoder", **{**properties, "num_heads": "2;4"})
    (message,) = messages(path, "sherpa-onnx", select="M003")
    assert message == (
        "`num_heads` is '2;4', where sherpa-onnx reads integers, with commas between them"
    )
    del properties["T"]
    (message,) = messages(
        exported(tmp_path, "zipformer2 encoder", **properties), "sherpa-onnx", select="M003"
    )
    assert message.startswith("no `T` in metadata_props; sherpa-onnx says")


def test_sherpa_onnx_has_no_use_for_predictor_and_joint_in_one_graph(tmp_path: Path) -> None:
    path = exported(tmp_path, "nemo decoder_joint")
    (message,) = messages(path, "sherpa-onnx", select="I001")
    assert message.endswith("no use for this graph: it wants `decoder.onnx, joiner.onnx`")
    assert not messages(path, "onnx-asr", select="I001")


def test_files_are_looked_for_where_the_target_is_known_to(tmp_path: Path) -> None:
    exported(tmp_path, "zipformer2 encoder")
    (skip,) = report(tmp_path, "onnx-asr", select="B008").skipped
    assert skip.reason == "what files the target looks for is known of NeMo's models only"
    exported(tmp_path, "nemo decoder_joint")
    assert messages(tmp_path, "onnx-asr", select="B008")


def test_a_target_that_asks_nothing_of_a_graph_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", "g (float[2] x) => (float[2] y) { y = Relu(x) }")
    found = report(path, "onnx-asr", select="I")
    assert {skip.rule.code: skip.reason for skip in found.skipped if not skip.rule.roles} == {
        "I001": "nothing promises its interface: nothing is known that onnx-asr asks of it",
        "I010": "no target says which integers it feeds: nothing is known that onnx-asr asks of it",
    }


def test_a_contract_is_held_against_names_types_and_sizes(tmp_path: Path) -> None:
    inputs = [
        {"name": "audio_signal", "dtype": "float32", "shape": ["B", 128, "T"]},
        {"name": "length", "dtype": "int32", "shape": ["B"]},
        {"name": "lengths", "dtype": "int64"},
    ]
    files: dict[str, Content] = {"c.json": {"io": {"encoder.onnx": {"inputs": inputs}}}}
    write_all(tmp_path, files)
    found = report(WORDS_TDT / "encoder.onnx", select="I001", contract=tmp_path / "c.json")
    assert [finding.message for finding in found.findings] == [
        "`audio_signal` is [batch, 80, time], and [B, 128, T] as input of c.json",
        "`length` is int64, and int32 as input of c.json",
        "`length` is [1], and [B] as input of c.json",
        "no `lengths`, an input of c.json",
    ]


@pytest.mark.parametrize(
    ("bits", "target", "since"),
    [
        (8, "onnxruntime==1.20", "1.22"),
        (2, "onnxruntime==1.22", "1.24"),
        (4, "onnxruntime==1.16", ""),
    ],
)
def test_widths_of_packed_weights_came_one_by_one(
    tmp_path: Path, bits: int, target: str, since: str
) -> None:
    attributes = f"K = 16, N = 2, block_size = 16, bits = {bits}"
    text = f"""{MICROSOFT} g (float[2, 16] x, uint8[2, 1, 8] w, float[2] s) => (float[2, 2] y) {{
        y = com.microsoft.MatMulNBits <{attributes}> (x, w, s)
    }}"""
    write_all(tmp_path, {"model.onnx": text})
    found = messages(tmp_path / "model.onnx", target, select="Q010")
    assert len(found) == bool(since)
    assert all(f"since {since}" in message for message in found)


def test_convolutions_with_int8_weights_need_a_newer_runtime(tmp_path: Path) -> None:
    text = f"""{HEADER} g (uint8[1, 1, 8] x) => (int32[1, 1, 6] y)
        <int8[1, 1, 3] w = {{1, 2, 3}}> {{ y = ConvInteger(x, w) }}"""
    write_all(tmp_path, {"model.onnx": text})
    assert not messages(tmp_path / "model.onnx", "onnxruntime==1.24", select="Q010")
    (message,) = messages(tmp_path / "model.onnx", "onnxruntime==1.23", select="Q010")
    assert "Could not find an implementation for ConvInteger" in message


def test_a_model_that_is_int8_by_its_name_alone_is_reported(tmp_path: Path) -> None:
    text = f"""{HEADER} g (float[2, 2] x) => (float[2, 2] y)
        <float[2, 2] w = {{1, 2, 3, 4}}> {{ y = MatMul(x, w) }}"""
    write_all(tmp_path, {"encoder.int8.onnx": text})
    (message,) = messages(tmp_path / "encoder.int8.onnx", select="Q003")
    assert message == "no operator computes with integers; 0% of the weights are packed"


@pytest.mark.parametrize(
    ("name", "is_said"),
    [
        ("model_quantized", True),
        ("model.quant", True),
        ("joiner_quantised-q8", True),
        ("vector_quantizer", False),
        ("joint8", False),
        ("checkpoint4000", False),
        ("model_uint8", True),
        ("unquantized", False),
        ("dequantized", False),
        ("frequant", False),
    ],
)
def test_what_a_name_says_of_quantization(name: str, is_said: bool, tmp_path: Path) -> None:
    text = f"""{HEADER} g (float[2, 2] x) => (float[2, 2] y)
        <float[2, 2] w = {{1, 2, 3, 4}}> {{ y = MatMul(x, w) }}"""
    write_all(tmp_path, {f"{name}.onnx": text})
    assert bool(messages(tmp_path / f"{name}.onnx", select="Q003")) == is_said


@pytest.mark.parametrize(
    ("name", "dtype", "is_said"),
    [
        ("uint8_img", "uint8", False),
        ("uint8_img", "float", True),
        ("uint8_img.int8", "uint8", True),
    ],
)
def test_a_name_may_tell_of_an_input(name: str, dtype: str, is_said: bool, tmp_path: Path) -> None:
    text = f"""{HEADER} g ({dtype}[2, 2] x) => (float[2, 2] y)
        <float[2, 2] w = {{1, 2, 3, 4}}> {{
            f = Cast <to = 1> (x)
            y = MatMul(f, w)
        }}"""
    write_all(tmp_path, {f"{name}.onnx": text})
    assert bool(messages(tmp_path / f"{name}.onnx", select="Q003")) == is_said


def test_a_model_without_weights_has_none_to_pack(tmp_path: Path) -> None:
    write_all(tmp_path, {"int8.onnx": f"{HEADER} g (int8[2] x) => (int8[2] y) {{ y = Abs(x) }}"})
    assert not messages(tmp_path / "int8.onnx", select="Q003")

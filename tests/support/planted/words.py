"""A real export, trained for streaming, with what its exporter wrote wrongly put right."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from tests.support.models import SAMPLES

SAMPLE = SAMPLES / "words-tdt-streaming"
GRAPHS = ("encoder.onnx", "joint.onnx", "predictor.onnx")
STREAMING = "encoder_streaming.onnx"
METADATA: dict[str, Any] = {
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


def build(bundle: Path) -> None:
    """The graphs for whole recordings, the vocabulary and the metadata."""
    for name in (*GRAPHS, "vocab.txt"):
        shutil.copyfile(SAMPLE / name, bundle / name)
    write_metadata(bundle, METADATA)


def build_for_streaming(bundle: Path) -> None:
    """The same, and the encoder of every chunk but the first."""
    build(bundle)
    shutil.copyfile(SAMPLE / STREAMING, bundle / STREAMING)


def write_metadata(bundle: Path, fields: object) -> Path:
    path = bundle / "model_meta.json"
    path.write_text(json.dumps(fields))
    return path


def with_field(name: str, *value: object, of: dict[str, Any] = METADATA) -> dict[str, Any]:
    """Metadata with another value of a field, or without it; its name may have one dot."""
    fields = copy.deepcopy(of)
    block, _, rest = name.rpartition(".")
    holder = fields[block] if block else fields
    if value:
        (holder[rest],) = value
    else:
        del holder[rest]
    return fields


def mutate(bundle: Path, name: str, value: object) -> None:
    """Write the metadata with another value of a field."""
    write_metadata(bundle, with_field(name, value))

"""A transducer of four tokens and two durations, in which no rule finds anything.

Its graphs are small enough to be run for every cause.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx

from onnxtool.rules.examples.streaming import CACHE
from tests.support.planted.graphs import (
    CACHES,
    FIRST,
    LATER,
    PROPERTIES,
    encoder,
    first,
    joint,
    later,
    predictor,
    quantized_joint,
)

VOCABULARY = "a 0\nb 1\nc 2\nd 3\n<blk> 4\n"
LAYOUTS = {
    "encoder_input": "audio_signal: [B, n_mels(=2), T]",
    "encoder_output": "outputs: [B, D(=2), T_enc]",
    "predictor_input": "y: [B, U], h/c: [L, B, H]",
    "predictor_output": "g: [B, H(=2), U]",
    "joint_input": "encoder_output: [B, 2, T], predictor_output: [B, 2, U]",
    "joint_output": "joint_output: [B, T, U, V(=7)]",
}
METADATA: dict[str, object] = {
    "model_name": "small",
    "sample_rate": 16000,
    "labels": [],
    "blank_id": 4,
    "tokenizer_vocab_size": 4,
    "joint_vocab_size": 7,
    "duration_values": [0, 1],
    "torch_version": "2.6.0",
    "tensor_layout_contract": LAYOUTS,
    "features": {
        "type": "log-mel",
        "n_fft": 512,
        "n_mels": 2,
        "hop_length": 160,
        "normalize": "NA",
    },
}
STREAMING: dict[str, object] = {
    "chunk_size": [13, 16],
    "shift_size": [13, 16],
    "cache_drop_size": 0,
    "last_channel_cache_size": CACHE,
    "valid_out_len": 4,
    "pre_encode_cache_size": [0, 5],
    "drop_extra_pre_encoded": 2,
}


def build(bundle: Path) -> None:
    """Every graph that a transducer may have, and what lies beside them."""
    models = {
        "encoder.onnx": encoder(),
        LATER: later(),
        FIRST: first(),
        "predictor.onnx": predictor(),
        "joint.onnx": joint(),
    }
    for name, model in models.items():
        onnx.save(model, bundle / name)
    (bundle / "vocab.txt").write_text(VOCABULARY)
    for name, fields in {"model_meta.json": METADATA, "streaming.json": STREAMING}.items():
        (bundle / name).write_text(json.dumps(fields))


def build_without_durations(bundle: Path) -> None:
    """The same as an RNN-T: a score for each token and the blank."""
    build(bundle)
    url = {"url": "small-rnnt"}
    models = {
        "encoder.onnx": encoder(properties=PROPERTIES | url),
        LATER: later(properties=PROPERTIES | CACHES | url),
        FIRST: first(properties=PROPERTIES | CACHES | url),
        "joint.onnx": joint(width=5),
    }
    for name, model in models.items():
        onnx.save(model, bundle / name)
    layouts = {**LAYOUTS, "joint_output": "joint_output: [B, T, U, V(=5)]"}
    fields = {"joint_vocab_size": 5, "duration_values": [], "tensor_layout_contract": layouts}
    (bundle / "model_meta.json").write_text(json.dumps({**METADATA, **fields}))


def build_quantized(bundle: Path) -> None:
    """The same, with a joint that computes with eight bits."""
    build(bundle)
    onnx.save(quantized_joint(), bundle / "joint.onnx")

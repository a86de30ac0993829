"""S: faults of encoders that are run chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from tests.support.planted import graphs, small
from tests.support.planted.cause import Cause, for_sherpa, in_run, in_small
from tests.support.planted.edits import edit
from tests.support.planted.graphs import FIRST, LATER


def promise(bundle: Path, fields: Mapping[str, object]) -> None:
    """Promise something else of its streaming, beside what is true."""
    (bundle / "streaming.json").write_text(json.dumps({**small.STREAMING, **fields}))


def dropped_from_the_cache(bundle: Path) -> None:
    """The last frame of every chunk is kept out of the caches, and nobody says so."""
    made = """
        longer_by = Add(each, two)
        in_all = Div(longer_by, stride)
        of_all = Add(in_all, one)
        made = Sub(of_all, dropped)
        kept = Slice(frames, zero, drop_end, two)"""
    context = """
        early = Slice(joined, zero, drop_end, two)
        next_context = Slice(early, all_but_context, end, two)
        cache_last_time_next = Unsqueeze(next_context, one)"""
    cache = """
        extended = Concat <axis = 2> (cached, kept)
        moved = Slice(extended, all_but_cache, end, two)"""
    counted = """
        fewer = Sub(made, one)
        counted = Max(fewer, zero)"""
    model = graphs.later(made=made, context=context, cache=cache, counted=counted)
    onnx.save(model, bundle / LATER)
    (bundle / "streaming.json").unlink()


def another_promise(bundle: Path) -> None:
    promise(bundle, {"valid_out_len": 3})


def another_drop(bundle: Path) -> None:
    promise(bundle, {"cache_drop_size": 1})


def another_cache(bundle: Path) -> None:
    promise(bundle, {"last_channel_cache_size": 7})


def another_overlap(bundle: Path) -> None:
    promise(bundle, {"drop_extra_pre_encoded": 1})


def no_first_graph(bundle: Path) -> None:
    (bundle / FIRST).unlink()


def last_chunk_lost(bundle: Path) -> None:
    """Frames of the length are rounded down, as if every chunk were full."""
    lengths = """
        whole = Div(length, stride)
        pooled_length = Add(whole, one)
        left = Sub(pooled_length, dropped)
        positive = Max(left, zero)
        encoded_lengths = Min(positive, most)"""
    onnx.save(graphs.later(lengths=lengths), bundle / LATER)


def another_scale(bundle: Path) -> None:
    outputs = """
        all = Add(convolved, mean)
        scale = Constant <value = float {1.1}> ()
        outputs = Mul(all, scale)"""
    onnx.save(graphs.encoder(outputs=outputs), bundle / "encoder.onnx")


def another_first_chunk(bundle: Path) -> None:
    def scale(model: onnx.ModelProto) -> None:
        (kernel,) = (tensor for tensor in model.graph.initializer if tensor.name == "kernel")
        values = numpy_helper.to_array(kernel) * np.float32(1.1)
        kernel.CopyFrom(numpy_helper.from_array(values, kernel.name))

    edit(bundle / FIRST, scale)


def looks_ahead(bundle: Path) -> None:
    """A kernel of 5 in the place of 3, with two frames of left context."""
    for name in (LATER, FIRST):
        edit(bundle / name, widen)


def widen(model: onnx.ModelProto) -> None:
    (kernel,) = (tensor for tensor in model.graph.initializer if tensor.name == "kernel")
    wide = onnx.helper.make_tensor("kernel", kernel.data_type, [2, 1, 5], [0.1, 0.2] * 5)
    kernel.CopyFrom(wide)
    (node,) = (node for node in model.graph.node if "kernel" in node.input)
    del node.attribute[:]
    attributes = {"group": 2, "kernel_shape": [5], "pads": [0, 2]}
    node.attribute.extend(onnx.helper.make_attribute(*pair) for pair in attributes.items())


def normalized_features(bundle: Path) -> None:
    features = {"type": "log-mel", "n_fft": 512, "n_mels": 2, "hop_length": 160}
    fields = {**small.METADATA, "features": {**features, "normalize": "per_feature"}}
    (bundle / "model_meta.json").write_text(json.dumps(fields))


def normalized_by_its_own_word(bundle: Path) -> None:
    properties = {**graphs.PROPERTIES, **graphs.CACHES, "normalize_type": "per_feature"}
    onnx.save(graphs.later(properties=properties), bundle / LATER)


CAUSES: tuple[Cause, ...] = (
    in_run("S008", dropped_from_the_cache),
    in_run("S009", another_promise),
    in_run("S009", another_drop),
    in_run("S009", another_cache),
    in_run("S009", another_overlap),
    in_run("S010", no_first_graph),
    in_run("S011", last_chunk_lost),
    in_run("S012", another_scale),
    in_run("S012", another_first_chunk),
    in_small("S013", looks_ahead),
    in_run("S014", normalized_features),
    for_sherpa("S014", normalized_by_its_own_word),
)

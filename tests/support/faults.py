"""Faults planted in the sound streaming sample, each as small as it can be in a real export."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.support.models import SAMPLES

STREAMING = SAMPLES / "words-tdt-streaming"
LATER, FIRST = "encoder_streaming.onnx", "encoder_streaming_first.onnx"
CHANNEL_OUT, LEN_OUT = "cache_last_channel_out", "cache_last_channel_len_out"
LAYERS, CACHE = 4, 20


def streaming_bundle(folder: Path, *names: str) -> Path:
    """The encoders of the sound sample in a folder, or some of them, without `streaming.json`."""
    for name in names or ("encoder.onnx", LATER, FIRST):
        shutil.copy(STREAMING / name, folder / name)
    return folder


def plant(folder: Path, name: str, fault: Callable[[onnx.GraphProto], None]) -> None:
    """Change a graph of a folder."""
    model = onnx.load(folder / name)
    fault(model.graph)
    onnx.save(model, folder / name)


def cut_cache(graph: onnx.GraphProto) -> None:
    """The graph keeps 16 frames, where it takes 20."""
    producer = {output: node for node in graph.node for output in node.output}
    (transpose,) = (node for node in graph.node if CHANNEL_OUT in node.output)
    start = producer[producer[transpose.input[0]].input[1]]
    start.attribute[0].t.CopyFrom(numpy_helper.from_array(np.array([4 - CACHE])))


def pad_wrong_side(graph: onnx.GraphProto) -> None:
    """The cached frames are moved to the start of the cache, and zeros come after them."""
    _rename_output(graph, CHANNEL_OUT, "right_aligned")
    _constants(graph, cache=[CACHE], zero=[0], one=[1], two=[2], end=[CACHE], none=[0.0])
    nodes = [
        helper.make_node("Slice", [LEN_OUT, "zero", "one", "zero"], ["filled"]),
        helper.make_node("Sub", ["cache", "filled"], ["unfilled"]),
        helper.make_node("Slice", ["right_aligned", "unfilled", "end", "two"], ["cached"]),
        helper.make_node("Concat", ["zero", "zero", "zero", "zero"], ["before"], axis=0),
        helper.make_node("Concat", ["zero", "zero", "unfilled", "zero"], ["after"], axis=0),
        helper.make_node("Concat", ["before", "after"], ["pads"], axis=0),
        helper.make_node("Squeeze", ["none"], ["nothing"]),
        helper.make_node("Pad", ["cached", "pads", "nothing"], [CHANNEL_OUT]),
    ]
    graph.node.extend(nodes)


def drop_too_many(graph: onnx.GraphProto) -> None:
    """Two frames of every chunk are kept out of the caches, as with a `cache_drop_size` of 2."""
    _constants(graph, dropped=[2], all_but_dropped=[-2], first=[0], time=[2])
    _before_uses(graph, "/Gather_output_0", "Sub", ["dropped_scalar"], {"/Add_3"})
    graph.initializer.append(numpy_helper.from_array(np.array(2), "dropped_scalar"))
    for layer in range(LAYERS):
        attention = f"/layers.{layer}/self_attn"
        users = {f"{attention}/Unsqueeze", f"{attention}/Unsqueeze_1"}
        _before_uses(graph, f"{attention}/Gather_output_0", "Sub", ["dropped_scalar"], users)
        depthwise = f"/layers.{layer}/conv/depthwise_conv"
        early = ["first", "all_but_dropped", "time"]
        _before_uses(
            graph, f"{depthwise}/Concat_1_output_0", "Slice", early, {f"{depthwise}/Slice_2"}
        )


def _before_uses(
    graph: onnx.GraphProto, value: str, operator: str, inputs: list[str], users: set[str]
) -> None:
    """Put a node between a value and some of the nodes that use it, by name."""
    changed = f"{value}_changed"
    for node in graph.node:
        if node.name in users:
            for index, name in enumerate(node.input):
                if name == value:
                    node.input[index] = changed
    node = helper.make_node(operator, [value, *inputs], [changed])
    place = next(i for i, node in enumerate(graph.node) if value in node.output)
    graph.node.insert(place + 1, node)


def _rename_output(graph: onnx.GraphProto, name: str, new: str) -> None:
    for node in graph.node:
        for index, output in enumerate(node.output):
            if output == name:
                node.output[index] = new


def _constants(graph: onnx.GraphProto, **values: list[int] | list[float]) -> None:
    for name, value in values.items():
        array = np.array(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(array, name))

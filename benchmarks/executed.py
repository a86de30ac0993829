"""Multiply-accumulates that ONNX Runtime executes, counted from the shapes in its own profile.

The graph runs once on the CPU with every optimization off, so that each node of the file is one
kernel call, and with weights left unpacked, since the profile omits the shapes of packed ones.
Nothing here is shared with onnxtool: this is the measurement that its estimate is held against.

    executed_macs(Path("encoder.onnx"), {"batch": 1, "time": 1000})
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

Shape = tuple[int, ...]

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
SEED = 0


@dataclass(frozen=True, slots=True)
class KernelCall:
    """One executed node. `inputs` leaves out omitted optional inputs, which are never the first."""

    node: str
    operator: str
    inputs: tuple[Shape, ...]
    output: Shape


def executed_macs(path: Path, sizes: Mapping[str, int]) -> dict[str, int]:
    """Run a graph once and count, per operator, the multiply-accumulates of the executed shapes.

    Args:
        path: The graph; its external data beside it.
        sizes: The value of every symbolic dimension among the inputs.

    Returns:
        Operator type to multiply-accumulates, the operators without any left out.

    Raises:
        KeyError: An input has a symbolic dimension that `sizes` does not name.
        ValueError: The profile lacks a shape that the count needs, or an Einsum has no name.
    """
    totals: Counter[str] = Counter()
    equations = einsum_equations(path)
    for call in profile(path, sizes):
        if call.operator == "Einsum":
            if call.node not in equations:
                raise ValueError(f"{path}: an Einsum has no name by which to find its equation")
            totals[call.operator] += einsum_macs(equations[call.node], call.inputs)
        elif call.operator in MACS:
            totals[call.operator] += MACS[call.operator](call)
    return dict(sorted(totals.items()))


def profile(path: Path, sizes: Mapping[str, int]) -> list[KernelCall]:
    """Run a graph once on seeded feeds and list the kernels that ran."""
    with tempfile.TemporaryDirectory() as folder:
        session = onnxruntime.InferenceSession(
            path, session_options(Path(folder)), providers=["CPUExecutionProvider"]
        )
        session.run(None, feeds(session.get_inputs(), sizes))
        events: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_bytes())
    calls = [event for event in events if event["name"].endswith("_kernel_time")]
    return [kernel_call(event) for event in calls]


def session_options(folder: Path) -> onnxruntime.SessionOptions:
    """Profile into a folder, run the graph as it is in the file."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    # Exporters leave shapes in the file that ONNX Runtime warns about; errors still show.
    options.log_severity_level = 3
    return options


def kernel_call(event: Mapping[str, Any]) -> KernelCall:
    """Read an event of the profile, where a shape is `{"float": [1, 80, 100]}`."""
    arguments = event["args"]
    inputs, outputs = (
        [tuple(shape) for typed in arguments[key] for shape in typed.values()]
        for key in ("input_type_shape", "output_type_shape")
    )
    node = event["name"].removesuffix("_kernel_time")
    return KernelCall(node, arguments["op_name"], tuple(inputs), next(iter(outputs), ()))


def feeds(
    inputs: Sequence[onnxruntime.NodeArg], sizes: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    """Make seeded inputs: the whole utterance is speech, the caches are empty, the ids are zero.

    1. Floating point: normally distributed, but caches (`cache_*`) and the state of an LSTM (`h`,
       `c`) are zero, as at the start of an utterance.
    2. `length`: the size of `time`, in every row.
    3. Other integers, which are token ids and the valid length of a cache: zero.
    """
    rng = np.random.default_rng(SEED)
    arrays: dict[str, NDArray[Any]] = {}
    for item in inputs:
        dtype = DTYPES[item.type]
        shape = [sizes[size] if isinstance(size, str) else size for size in item.shape]
        if np.issubdtype(dtype, np.floating):
            is_state = item.name.startswith("cache_") or item.name in ("h", "c")
            values = np.zeros(shape) if is_state else rng.standard_normal(shape)
        else:
            values = np.full(shape, sizes["time"] if item.name == "length" else 0)
        arrays[item.name] = values.astype(dtype)
    return arrays


def shape_of(call: KernelCall, index: int) -> Shape:
    """Shape of an input, which must have been recorded."""
    if index >= len(call.inputs):
        raise ValueError(f"the profile lacks the shape of input {index} of node {call.node!r}")
    return call.inputs[index]


def matmul_macs(call: KernelCall) -> int:
    """Every output element sums over the last axis of the first input."""
    return prod(call.output) * shape_of(call, 0)[-1]


def gemm_macs(call: KernelCall) -> int:
    """Every element of the first input, transposed or not, meets a row of the other matrix."""
    return prod(shape_of(call, 0)) * call.output[1]


def conv_macs(call: KernelCall, kernel: int = 1) -> int:
    """Every output element sums over one filter: W is [out, in / group, kernel...]."""
    return prod(call.output) * prod(shape_of(call, kernel)[1:])


def quantized_conv_macs(call: KernelCall) -> int:
    """As for Conv; the scale and zero point of the input come before the filters."""
    return conv_macs(call, kernel=3)


def conv_transpose_macs(call: KernelCall) -> int:
    """Every input element is spread by one filter: W is [in, out / group, kernel...]."""
    return prod(shape_of(call, 0)) * prod(shape_of(call, 1)[1:])


def recurrent_macs(call: KernelCall) -> int:
    """Every step of every row multiplies with all of W [directions, gates, in] and all of R."""
    first, second, _ = shape_of(call, 0)
    return first * second * (prod(shape_of(call, 1)) + prod(shape_of(call, 2)))


MACS: Mapping[str, Callable[[KernelCall], int]] = {
    "MatMul": matmul_macs,
    "Gemm": gemm_macs,
    "Conv": conv_macs,
    "ConvTranspose": conv_transpose_macs,
    "LSTM": recurrent_macs,
    "GRU": recurrent_macs,
    "MatMulInteger": matmul_macs,
    "QLinearMatMul": matmul_macs,
    "ConvInteger": conv_macs,
    "QLinearConv": quantized_conv_macs,
    "MatMulNBits": matmul_macs,
    "DynamicQuantizeLSTM": recurrent_macs,
}


def einsum_equations(path: Path) -> dict[str, str]:
    """Equation of every Einsum of a graph, by the name of the node."""
    model = onnx.load(path, load_external_data=False)
    return {
        node.name: next(item.s.decode() for item in node.attribute if item.name == "equation")
        for node in nodes(model.graph)
        if node.op_type == "Einsum"
    }


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of a graph and of the graphs inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from nodes(attribute.g)


def einsum_macs(equation: str, inputs: Sequence[Shape]) -> int:
    """One multiplication per combination of indices: the product of the sizes of all letters.

    An ellipsis stands for the axes that the letters leave over, and those broadcast.
    """
    extents: dict[str | int, int] = {}
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    for term, shape in zip(terms, inputs, strict=True):
        for label, size in zip(labels(term, len(shape)), shape, strict=True):
            extents[label] = max(extents.get(label, 1), size)
    return prod(extents.values())


def labels(term: str, rank: int) -> list[str | int]:
    """Name every axis of an operand: by its letter, or by its place from the end of an ellipsis."""
    before, ellipsis, after = term.partition("...")
    spared = rank - len(before) - len(after) if ellipsis else 0
    return [*before, *range(-spared, 0), *after]

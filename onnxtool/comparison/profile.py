"""What a graph says of itself, its nodes and weights only counted.

A graph on disk has one, and so has a graph of which only an inspection was kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from onnxtool.model.signature import signature
from onnxtool.model.states import StatePair
from onnxtool.model.stored_tensors import Holder
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView


# The domains that ONNX itself defines operators in.
@dataclass(frozen=True, slots=True)
class Profile:
    """What a graph says of itself.

    Attributes:
        name: Its file name.
        role: What it does.
        inputs: What a caller must feed.
        outputs: What a caller gets.
        states: Which output is fed to which input in the next call.
        ir_version: Of the file format.
        opset_imports: Operator set version by domain; the standard domain is the empty string.
        custom_domains: Domains of operators that are neither standard nor model-local.
        origin: Producer, version and so on: what no runtime acts on, by name of the field.
        metadata_props: As in the file.
        operators: Number of nodes by operator.
        parameters: Elements of all initializers.
        weight_bytes: Bytes of all initializers, by element type.
    """

    name: str
    role: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    states: tuple[StatePair, ...]
    ir_version: int
    opset_imports: Mapping[str, int]
    custom_domains: tuple[str, ...]
    origin: Mapping[str, str]
    metadata_props: Mapping[str, str]
    operators: Mapping[str, int]
    parameters: int
    weight_bytes: Mapping[str, int]


def profile(model: ModelView) -> Profile:
    """The profile of a graph."""
    proto, known = model.proto, signature(model)
    initializers = [t for t in model.tensors if t.holder is not Holder.ATTRIBUTE]
    values = [t for t in initializers if t.holder is not Holder.SPARSE_INDICES]
    sizes: Counter[str] = Counter()
    for tensor in initializers:
        sizes[tensor.dtype.name] += tensor.size_bytes
    return Profile(
        name=model.path.name,
        role=known.role.value,
        inputs=known.inputs,
        outputs=known.outputs,
        states=known.states,
        ir_version=proto.ir_version,
        opset_imports=model.opset_imports,
        custom_domains=model.custom_domains,
        origin={
            "producer": proto.producer_name,
            "producer_version": proto.producer_version,
            "domain": proto.domain,
            "model_version": str(proto.model_version),
            "doc_string": proto.doc_string,
        },
        metadata_props=model.metadata_props,
        operators=dict(model.operators),
        parameters=sum(tensor.elements for tensor in values),
        weight_bytes=dict(sizes),
    )

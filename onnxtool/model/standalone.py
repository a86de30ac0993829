"""A skeleton as a model in its own right, whose weights stay in the file it was read from."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from onnxtool.model.skeleton import STANDARD_KEYS
from onnxtool.model.stored_tensors import Storage
from onnxtool.model.view import ModelView


def standalone(model: ModelView, *, outputs: Iterable[str] = ()) -> bytes:
    """The graph as bytes that ONNX Runtime can run, a copy without the copy of any weight.

    Weights inside the model's file become external data in that file. A session that loads the
    bytes must be told the folder of the model.

    Args:
        model: The graph; it is not changed.
        outputs: Values of the main graph to give as well.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    for tensor in ModelView(proto, model.path).tensors:
        if tensor.storage is Storage.EMBEDDED:
            entries = [e for e in tensor.proto.external_data if e.key in STANDARD_KEYS]
            del tensor.proto.external_data[:]
            tensor.proto.external_data.extend(entries)
    given = {output.name for output in proto.graph.output}
    # ONNX Runtime infers the types of outputs that have none.
    proto.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in outputs if name not in given
    )
    content: bytes = proto.SerializeToString()
    return content

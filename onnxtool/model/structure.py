"""A graph apart from its weights, so that two ways of storing them compare equal."""

from __future__ import annotations

import hashlib

import onnx

from onnxtool.model.everywhere import every_tensor
from onnxtool.model.view import ModelView

# The fields of a TensorProto that hold values, or say where they are.
STORAGE_FIELDS = (
    *("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data"),
    *("raw_data", "external_data", "data_location"),
)


def structure_sha256(model: ModelView) -> str:
    """The SHA-256 of everything but the values of tensors and where they are stored.

    Nodes, attributes, interface, metadata, doc strings, and of each tensor its name, dtype and
    shape, as protobuf writes them. With the digests of the tensors it is the whole model.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    for tensor in every_tensor(ModelView(proto, model.path)):
        for field in STORAGE_FIELDS:
            tensor.proto.ClearField(field)
    return hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest()

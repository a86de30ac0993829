"""Every tensor of a model, also where nothing that runs reads it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import Message

from onnxtool.model.skeleton import own_location
from onnxtool.model.stored_tensors import Holder, StoredTensor, stored_tensor
from onnxtool.model.view import ModelView

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_TENSOR = onnx.TensorProto.DESCRIPTOR


def every_tensor(model: ModelView) -> tuple[StoredTensor, ...]:
    """`model.tensors`, then those of training information and of defaults in functions."""
    own = own_location(model.path)
    elsewhere = (
        stored_tensor(proto, scope=scope, holder=Holder.ATTRIBUTE, model_file=own)
        for scope, message in _elsewhere(model.proto)
        for proto in _tensors_in(message)
    )
    return (*model.tensors, *elsewhere)


def _elsewhere(proto: onnx.ModelProto) -> Iterator[tuple[str, Message]]:
    for index, training in enumerate(proto.training_info):
        yield f"training[{index}]", training
    for function in proto.functions:
        for attribute in function.attribute_proto:
            yield f"{function.domain}::{function.name}.{attribute.name}", attribute


def _tensors_in(message: Message) -> Iterator[onnx.TensorProto]:
    """The tensors of a message and of those inside it."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None or not _leads_to_tensors(field.message_type):
            continue
        for child in (value,) if isinstance(value, Message) else value:
            yield from _tensors_in(child)


@functools.cache
def _leads_to_tensors(message: Descriptor) -> bool:
    """Whether a message of this type can hold a tensor at any depth."""
    seen, left = {message.full_name}, [message]
    while left:
        current = left.pop()
        if current is _TENSOR:
            return True
        for field in current.fields:
            if (inner := field.message_type) and inner.full_name not in seen:
                seen.add(inner.full_name)
                left.append(inner)
    return False

"""Say where a model file goes wrong, which protobuf's own errors do not."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from onnxtool.errors import ModelLoadError
from onnxtool.model.file_kind import likely_cause
from onnxtool.model.wire import (
    LENGTH_DELIMITED,
    VARINT,
    Buffer,
    Field,
    WireError,
    fields,
    read_varint,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

# Messages below the model itself: a parser that follows protobuf's default goes no deeper.
MAX_DEPTH = 100
_MODEL = onnx.ModelProto.DESCRIPTOR
# What each field of a model is encoded as: it has numbers, texts and messages.
_WIRE_TYPES = {
    field.number: VARINT if field.type == field.TYPE_INT64 else LENGTH_DELIMITED
    for field in _MODEL.fields
}
# So many zeros in a row are no data of a graph.
_ZEROS = 256
_MAX_TENSOR_BYTES = 1 << 26


class TextError(WireError):
    """A name that is not UTF-8."""


def explain(buffer: Buffer, path: Path, error: Exception) -> ModelLoadError:
    """Why the bytes of `path` could not be parsed, and where."""
    try:
        _check(buffer, _MODEL, 0, len(buffer), depth=0)
    except WireError as found:
        end = _end_of_model(buffer)
        if end is not None and end <= found.offset:
            return _followed(path, end, len(buffer) - end)
        return ModelLoadError(
            path, f"not an ONNX model: {found}", offset=found.offset, hint=_cause(buffer, found)
        )
    return ModelLoadError(path, f"not an ONNX model: {error}", hint=likely_cause(buffer[:512]))


def _followed(path: Path, end: int, left: int) -> ModelLoadError:
    what = "byte that is no ONNX follows" if left == 1 else "bytes that are no ONNX follow"
    hint = f"cut them off, as with `head -c {end}`"
    return ModelLoadError(path, f"{left:,} {what} the model", offset=end, hint=hint)


def _end_of_model(buffer: Buffer) -> int | None:
    """Where something that is no field of a model follows its graph; None if nothing does.

    What a cut leaves of a model begins with a field of its own.
    """
    end, complete = 0, False
    try:
        while end < len(buffer):
            key, _ = read_varint(buffer, end, len(buffer))
            if _WIRE_TYPES.get(key >> 3) != key & 7:
                return end if complete else None
            complete |= key >> 3 == onnx.ModelProto.GRAPH_FIELD_NUMBER
            end = next(fields(buffer, end, len(buffer))).end
    except WireError:
        return None
    return None


def _cause(buffer: Buffer, found: WireError) -> str:
    """What most likely happened to a file that goes wrong at this place."""
    rest = buffer[found.offset : found.offset + _ZEROS]
    if found.offset and len(rest) == _ZEROS and not any(rest):
        return "zeros from there on: a download that reserved space and did not finish"
    if len(buffer) <= _MAX_TENSOR_BYTES and _is_tensor(buffer[: len(buffer)]):
        return "it looks like a single tensor, such as the input of a test: pass the model"
    return likely_cause(buffer[:512], truncated=found.truncated)


def _is_tensor(content: bytes) -> bool:
    try:
        tensor = onnx.TensorProto.FromString(content)
    except DecodeError:
        return False
    return bool(tensor.data_type and tensor.HasField("raw_data"))


def check_names(content: bytes, buffer: Buffer, path: Path) -> None:
    """Refuse names that are not UTF-8: protobuf hands them out as bytes where strings belong.

    Args:
        content: What was parsed: the model without its weights.
        buffer: The whole model.
        path: Its file.

    Raises:
        ModelLoadError: There is such a name.
    """
    try:
        _strict_model().FromString(content)
    except (DecodeError, UnicodeDecodeError):
        try:
            # Says where, or that it is only a description, which nothing reads.
            _check(buffer, _MODEL, 0, len(buffer), depth=0)
        except TextError as error:
            raise ModelLoadError(
                path, str(error), offset=error.offset, hint="export the model again"
            ) from error
        except WireError:  # The parser that comes next will refuse it.
            return


@functools.cache
def _strict_model() -> type[Message]:
    """ModelProto with strings that must be UTF-8, as they must in version 3 of protobuf's syntax.

    Its parser is the only check that does not cost more than everything else here.
    """
    file = FileDescriptorProto()
    _MODEL.file.CopyToProto(file)
    file.syntax = "proto3"
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    model: type[Message] = GetMessageClass(pool.FindMessageTypeByName(_MODEL.full_name))
    return model


def _check(buffer: Buffer, message: Descriptor, start: int, end: int, *, depth: int) -> None:
    """Walk a message to its last leaf, and raise where it is damaged."""
    check_depth(depth, start)
    for field in fields(buffer, start, end):
        known = message.fields_by_number.get(field.number)
        if known is None or field.wire_type != LENGTH_DELIMITED:
            continue
        if known.message_type:
            _check(buffer, known.message_type, field.value, field.end, depth=depth + 1)
        elif known.type == known.TYPE_STRING and known.name != "doc_string":
            _check_text(buffer, known, field)


def _check_text(buffer: Buffer, known: FieldDescriptor, field: Field) -> None:
    try:
        buffer[field.value : field.end].decode()
    except UnicodeDecodeError as error:
        owner = known.containing_type.name
        raise TextError(f"the {known.name} of a {owner} is not UTF-8", field.value) from error


def check_depth(depth: int, start: int) -> None:
    """Refuse messages nested deeper than protobuf's parsers follow.

    Raises:
        WireError: The message at `start` is too deep.
    """
    if depth > MAX_DEPTH:
        raise WireError(f"messages nested more than {MAX_DEPTH} deep", start)

"""What the files of a transducer claim of its vocabulary, its blank and its durations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from onnxtool.model.bundle import Bundle, Member
from onnxtool.model.contract import Contract
from onnxtool.model.families import Role
from onnxtool.model.metadata import is_integer
from onnxtool.model.signature import Signature
from onnxtool.model.stored_tensors import StoredTensor
from onnxtool.model.tensors import Dimension, TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import JOINTS

# Families whose predictor has a row for the blank, the last one, and that row is zero.
BLANK_AS_PADDING = frozenset({"parakeet-tdt", "nemo"})

T = TypeVar("T")


class Claim(NamedTuple, Generic[T]):
    """A value, and which file and field says it."""

    value: T
    source: str

    def __str__(self) -> str:
        return f"{self.source} says {self.value}"


def integer_field(bundle: Bundle | None, name: str) -> int | None:
    """A number of the metadata; None where it is absent, null or of another type."""
    value = bundle.metadata.fields.get(name) if bundle and bundle.metadata else None
    return value if is_integer(value) else None


def token_counts(bundle: Bundle | None, contract: Contract | None) -> Iterator[Claim[int]]:
    """How many tokens there are, without the blank."""
    if bundle and bundle.vocabulary:
        yield Claim(bundle.vocabulary.token_count, bundle.vocabulary.path.name)
    if (size_field := integer_field(bundle, "tokenizer_vocab_size")) is not None:
        yield Claim(size_field, "`tokenizer_vocab_size`")
    if contract and contract.decoding and contract.decoding.vocab_size is not None:
        yield Claim(contract.decoding.vocab_size, contract.path.name)
    for member, table in embeddings(bundle):
        if member.signature.family in BLANK_AS_PADDING:
            yield Claim(table.shape[0] - 1, f"the embedding of {member.name}, less the blank,")


def blank_ids(bundle: Bundle | None, contract: Contract | None) -> Iterator[Claim[int]]:
    """Which id is the blank's."""
    if (field := integer_field(bundle, "blank_id")) is not None:
        yield Claim(field, "`blank_id` of model_meta.json")
    if bundle and bundle.vocabulary and bundle.vocabulary.blank_id is not None:
        yield Claim(bundle.vocabulary.blank_id, bundle.vocabulary.path.name)
    if contract and contract.decoding and contract.decoding.blank_id is not None:
        yield Claim(contract.decoding.blank_id, contract.path.name)
    for member, table in embeddings(bundle):
        if member.signature.family in BLANK_AS_PADDING:
            source = f"the embedding of {member.name}, by its last of {table.shape[0]} rows,"
            yield Claim(table.shape[0] - 1, source)


def durations(bundle: Bundle | None, contract: Contract | None) -> Claim[tuple[int, ...]] | None:
    """How far each duration advances."""
    values = bundle.metadata.fields.get("duration_values") if bundle and bundle.metadata else None
    if isinstance(values, tuple) and all(map(is_integer, values)):
        return Claim(tuple(values), "`duration_values` of model_meta.json")
    if contract and contract.decoding and contract.decoding.duration_values is not None:
        return Claim(contract.decoding.duration_values, contract.path.name)
    return None


def embeddings(bundle: Bundle | None) -> Iterator[tuple[Member, StoredTensor]]:
    """The predictors of a folder, with the tables that their token ids select rows of."""
    for member in bundle.models if bundle else ():
        if member.signature.role in {Role.PREDICTOR, Role.DECODER_JOINT}:
            table = embedding(member.view, member.signature)
            if table is not None:
                yield member, table


def embedding(view: ModelView, signature: Signature) -> StoredTensor | None:
    """The table that a graph's token ids, perhaps cast, select rows of."""
    ids = {spec.name for spec in signature.free_inputs if spec.dtype.startswith("int")}
    stored = {tensor.name: tensor for tensor in view.tensors if len(tensor.shape) == 2}
    for node in view.proto.graph.node:
        if node.op_type in {"Cast", "Identity"} and ids.intersection(node.input):
            ids.update(node.output)
        elif node.op_type == "Gather" and len(node.input) > 1 and node.input[1] in ids:
            return stored.get(node.input[0])
    return None


def logits(signature: Signature) -> TensorSpec | None:
    """The output of a joint that holds the scores."""
    given = [spec for spec in signature.free_outputs if spec.dtype.startswith(("float", "bfloat"))]
    return max(given, key=lambda spec: len(spec.shape or ()), default=None)


def joint_width(bundle: Bundle | None) -> Claim[Dimension] | None:
    """How many scores the joint of a folder gives."""
    for member in bundle.models if bundle else ():
        if member.signature.role in JOINTS:
            spec = logits(member.signature)
            if spec and spec.shape:
                return Claim(spec.shape[-1], f"`{spec.name}` of {member.name}")
    return None

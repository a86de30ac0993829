"""What the graphs of a transducer say of the numbers that their metadata repeats.

The arithmetic: the joint gives one logit for each token, one for blank, and one for each duration,
so `joint_vocab_size = tokenizer_vocab_size + 1 + durations`. The predictor's embedding has a row
for each token and for blank; in NeMo's models that is the last one, and zero
(`torch.nn.Embedding(padding_idx=blank)`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from onnxtool.comparison.payload import Payloads, is_real
from onnxtool.errors import OnnxToolError
from onnxtool.model.bundle import Member
from onnxtool.model.families import Role
from onnxtool.model.metadata import Vocabulary
from onnxtool.model.pairing import is_features
from onnxtool.model.signature import Signature
from onnxtool.model.stored_tensors import Holder, StoredTensor
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import ACOUSTIC, JOINTS

PREDICTORS = (Role.PREDICTOR, Role.DECODER_JOINT)
# Between the token ids and the embedding stand at most a Cast and the like.
MAX_STEPS = 8


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that can be read off the graphs.

    Attributes:
        field: What `model_meta.json` calls it.
        value: It.
        source: Where it was read from, as `joint.onnx: joint_output axis 3`.
    """

    field: str
    value: int | tuple[int, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that can be read off the graphs of a bundle, and off its vocabulary."""

    items: tuple[Fact, ...]

    def of(self, field: str) -> tuple[Fact, ...]:
        """Everything that says what a field is, the best source first."""
        return tuple(fact for fact in self.items if fact.field == field)

    def first(self, field: str) -> Fact | None:
        """The best source of a field; None if nothing says what it is."""
        return next(iter(self.of(field)), None)

    @property
    def conflicts(self) -> tuple[tuple[Fact, Fact], ...]:
        """Pairs of facts on one field that contradict each other."""
        return tuple(
            (known, fact)
            for fact in self.items
            if (known := self.first(fact.field)) and known.value != fact.value
        )


def facts(members: Sequence[Member], vocabulary: Vocabulary | None = None) -> Facts:
    """What graphs that are one model say; weights are read for the row of the blank alone."""
    found = [
        *_features(members),
        *_joint_sizes(members),
        *_embeddings(members, listed=vocabulary is not None and vocabulary.blank_id is not None),
        *_vocabulary(vocabulary),
    ]
    known = Facts(tuple(found))
    return Facts((*known.items, *_durations(known)))


def _features(members: Sequence[Member]) -> Iterator[Fact]:
    """Mel bands: the fixed axis of the encoder's audio features, [B, D, T] or [B, T, D]."""
    for member in members:
        if member.signature.role not in ACOUSTIC:
            continue
        inputs = member.signature.free_inputs
        taken = next((spec for spec in inputs if is_features(spec, rank=3)), None)
        fixed = _fixed_axes(taken)
        if taken and len(fixed) == 1:
            axis, size = fixed[0]
            yield Fact("features.n_mels", size, f"{member.name}: {taken.name} axis {axis}")


def _fixed_axes(spec: TensorSpec | None) -> list[tuple[int, int]]:
    """Axes with a fixed size, but the batch's."""
    shape = (spec.shape if spec else None) or ()
    return [(axis, size) for axis, size in enumerate(shape) if axis and isinstance(size, int)]


def _joint_sizes(members: Sequence[Member]) -> Iterator[Fact]:
    for member in members:
        logits = joint_output(member.signature)
        width = (logits.shape or (None,))[-1] if logits else None
        if logits and isinstance(width, int):
            axis = len(logits.shape or ()) - 1
            yield Fact("joint_vocab_size", width, f"{member.name}: {logits.name} axis {axis}")


def joint_output(known: Signature) -> TensorSpec | None:
    """The logits of a joint; None for another graph."""
    if known.role not in JOINTS:
        return None
    return next((spec for spec in known.free_outputs if "float" in spec.dtype), None)


def _embeddings(members: Sequence[Member], *, listed: bool) -> Iterator[Fact]:
    """Rows of the embedding; which is the blank's is a guess, unless the vocabulary lists it."""
    for member in members:
        table = embedding(member) if member.signature.role in PREDICTORS else None
        if table is None:
            continue
        rows, where = table.shape[0], f"{member.name}: {table.name or table.node}"
        yield Fact("tokenizer_vocab_size", rows - 1, f"{where}, {rows:,} rows with the blank's")
        zeros = _zero_rows(member.view, table)
        if len(zeros) == 1:
            yield Fact("blank_id", zeros[0], f"{where}, row {zeros[0]:,} is zero")
        elif not listed:
            yield Fact("blank_id", rows - 1, f"{where}, the last of {rows:,} rows")


def embedding(member: Member) -> StoredTensor | None:
    """The table [tokens, features] that a predictor looks its token ids up in."""
    model = member.view
    ids = {spec.name for spec in member.signature.free_inputs if spec.dtype.startswith("int")}
    tables = {
        tensor.name: tensor
        for tensor in model.tensors
        if tensor.scope == "main" and tensor.holder is Holder.INITIALIZER and len(tensor.shape) == 2
    }
    makers = {name: node for node in model.proto.graph.node for name in node.output if name}
    for node in model.proto.graph.node:
        looks_up = node.op_type == "Gather" and len(node.input) == 2 and node.input[0] in tables
        if looks_up and _comes_from(node.input[1], ids, makers):
            return tables[node.input[0]]
    return None


def _comes_from(value: str, origins: set[str], makers: dict[str, onnx.NodeProto]) -> bool:
    for _ in range(MAX_STEPS):
        if value in origins:
            return True
        node = makers.get(value)
        if node is None or not node.input:
            return False
        value = node.input[0]
    return False


def _zero_rows(model: ModelView, table: StoredTensor) -> list[int]:
    """Rows of zeros; none if the table cannot be read."""
    rows, width = table.shape
    if (
        rows <= 0
        or width <= 0
        or not is_real(table)
        or table.size_bytes != table.end - table.offset
    ):
        return []
    used, start = np.zeros(rows, bool), 0
    try:
        for block in Payloads(model).values(table):
            used[np.unique((start + np.flatnonzero(block)) // width)] = True
            start += len(block)
    except OnnxToolError:
        return []
    return [int(row) for row in np.flatnonzero(~used)]


def _vocabulary(vocabulary: Vocabulary | None) -> Iterator[Fact]:
    if vocabulary is None:
        return
    name, listed = vocabulary.path.name, len(vocabulary.tokens)
    if vocabulary.blank_id is None:
        yield Fact("tokenizer_vocab_size", listed, f"{name}: {listed:,} tokens")
    else:
        yield Fact("tokenizer_vocab_size", listed - 1, f"{name}: {listed:,} tokens with the blank")
        blank = vocabulary.tokens[vocabulary.blank_id]
        yield Fact("blank_id", vocabulary.blank_id, f"{name}: {blank}")


def _durations(known: Facts) -> Iterator[Fact]:
    """How many logits of the joint are left for durations; NeMo's are 0, 1, 2 and so on."""
    width, tokens = known.first("joint_vocab_size"), known.first("tokenizer_vocab_size")
    if width is None or tokens is None:
        return
    if isinstance(width.value, int) and isinstance(tokens.value, int):
        count = width.value - tokens.value - 1
        source = f"{width.value:,} logits less {tokens.value:,} tokens and the blank"
        if count >= 0:
            yield Fact("duration_values", tuple(range(count)), source)

"""What was promised against what the graphs are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.facts import facts
from onnxtool.comparison.interface import told, value_differences
from onnxtool.model.bundle import Member
from onnxtool.model.contract import Contract, Decoding, StreamingConfig
from onnxtool.model.families import Role
from onnxtool.model.metadata import Vocabulary
from onnxtool.model.tensors import TensorSpec

# Streaming facts that the shape of a state shows: its input, and the axis.
_CACHES = (
    ("last_channel_cache_size", "cache_last_channel", -2),
    ("conv_cache_size", "cache_last_time", -1),
)


def contract_differences(
    contract: Contract, members: Sequence[Member], vocabulary: Vocabulary | None
) -> Iterator[Difference]:
    """Where graphs do not keep a contract: the promise first, the graph second."""
    graphs = {member.name: member for member in members}
    for name, promised in contract.interfaces.items():
        if name not in graphs:
            message = "the promised graph is not there"
            yield Difference(Kind.GRAPH_REMOVED, Impact.BREAKING, name, name, None, message)
            continue
        known = graphs[name].signature
        yield from _values("input", name, promised.inputs, known.inputs)
        yield from _values("output", name, promised.outputs, known.outputs)
    if contract.decoding:
        yield from _decoding(contract.decoding, members, vocabulary)
    if contract.streaming:
        yield from _streaming(contract.streaming, members)


def _values(
    way: str, graph: str, promised: Sequence[TensorSpec], given: Sequence[TensorSpec]
) -> Iterator[Difference]:
    there = {spec.name: spec for spec in given}
    removed = Kind.INPUT_REMOVED if way == "input" else Kind.OUTPUT_REMOVED
    for spec in promised:
        where = f"{graph}: {spec.name}"
        if spec.name in there:
            yield from value_differences(way, spec, there[spec.name], where=where)
        else:
            message = f"the promised {way} is not there"
            yield Difference(removed, Impact.BREAKING, where, told(spec), None, message)


def _decoding(
    decoding: Decoding, members: Sequence[Member], vocabulary: Vocabulary | None
) -> Iterator[Difference]:
    known = facts(members, vocabulary)
    promises: Mapping[str, int | tuple[int, ...] | None] = {
        "blank_id": decoding.blank_id,
        "tokenizer_vocab_size": decoding.vocab_size,
    }
    for field, promise in promises.items():
        fact = known.first(field)
        if promise is not None and fact and fact.value != promise:
            yield _broken(field, promise, fact.value, fact.source)
    durations, fact = decoding.duration_values, known.first("duration_values")
    if durations is not None and fact and len(durations) != len(_tuple(fact.value)):
        yield _broken("duration_values", durations, fact.value, fact.source)


def _tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _streaming(promised: StreamingConfig, members: Sequence[Member]) -> Iterator[Difference]:
    for member in members:
        if member.signature.role is not Role.STREAMING_ENCODER:
            continue
        inputs = {spec.name: spec for spec in member.signature.inputs}
        for field, name, axis in _CACHES:
            promise = getattr(promised, field)
            shape = inputs[name].shape if name in inputs else None
            size = shape[axis] if shape and len(shape) >= -axis else None
            if promise is not None and isinstance(size, int) and size != promise:
                yield _broken(field, promise, size, f"{member.name}: {name} axis {axis}")


def _broken(field: str, promise: object, found: object, source: str) -> Difference:
    return Difference(
        Kind.PROMISE, Impact.BREAKING, field, str(promise), str(found), f"promised; read: {source}"
    )

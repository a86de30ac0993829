"""The fields of `model_meta.json`, each with what the graphs say to it."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnxtool.comparison.difference import Impact
from onnxtool.comparison.facts import Facts
from onnxtool.comparison.layout import check_claim
from onnxtool.model.bundle import Member
from onnxtool.model.metadata import Vocabulary
from onnxtool.model.stored_tensors import Holder
from onnxtool.model.wiring import ENCODERS

LAYOUT = "tensor_layout_contract"
# Field -> what it is called in files of several exporters; the first is to be there.
NAMES: Mapping[str, tuple[str, ...]] = {
    "joint_vocab_size": ("joint_vocab_size",),
    "tokenizer_vocab_size": ("tokenizer_vocab_size", "vocab_size"),
    "blank_id": ("blank_id",),
    "duration_values": ("duration_values",),
    "features.n_mels": ("features.n_mels", "frontend.n_mels", "feature_dim"),
}
# Whoever decodes can do without these, if they have the others.
_IMPLIED = frozenset({"tokenizer_vocab_size"})
# A name may round the number of parameters, or count those of the training graph, too.
_SIZE_MARGIN = 1.6
_SIZE_IN_NAME = re.compile(
    r"(?<![a-z0-9.])(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.IGNORECASE
)


class Status(enum.StrEnum):
    """What the graphs say to a field of the file.

    AGREES: the same.
    DIFFERS: something else.
    MISSING: the file has no value, and the graphs have.
    CONFLICT: the graphs, or their vocabulary, contradict each other.
    UNKNOWN: nothing.
    """

    AGREES = "agrees"
    DIFFERS = "differs"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One field of the file against the graphs.

    Attributes:
        field: Its name, that of a nested one with dots.
        status: Whether both say the same.
        in_graphs: What the graphs say; None for nothing.
        in_file: What the file says; None for null, or nothing.
        source: Where the graphs' value was read from.
        right: What the file should say; None if that cannot be told.
        impact: Who has to care, if they do not agree.
    """

    field: str
    status: Status
    in_graphs: object
    in_file: object
    source: str
    right: object
    impact: Impact = Impact.BREAKING

    @property
    def disagrees(self) -> bool:
        """Whether something is to be mended."""
        return self.status in {Status.DIFFERS, Status.MISSING, Status.CONFLICT}


def check_fields(
    members: Sequence[Member],
    vocabulary: Vocabulary | None,
    known: Facts,
    fields: Mapping[str, object],
    name: str,
) -> Iterator[FieldCheck]:
    """Everything that the graphs, or their vocabulary, say to fields of a file.

    Args:
        members: The graphs.
        vocabulary: Their token list, if there is one.
        known: What both say.
        fields: The file's, those of nested objects under dotted names.
        name: What the model is called, if the file has the name of another one.
    """
    for field, names in NAMES.items():
        for key in [other for other in names if other in fields] or names[:1]:
            yield from _number(field, key, known, fields.get(key))
    if vocabulary and (labels := fields.get("labels")):
        tokens = [t for i, t in enumerate(vocabulary.tokens) if i != vocabulary.blank_id]
        agrees = labels in (tokens, list(vocabulary.tokens))
        status = Status.AGREES if agrees else Status.DIFFERS
        yield FieldCheck("labels", status, tokens, labels, vocabulary.path.name, tokens)
    for field, value in fields.items():
        if field.startswith(f"{LAYOUT}.") and isinstance(value, str):
            yield from _claim(field, value, members)
    if isinstance(called := fields.get("model_name"), str):
        yield from _name(called, members, known, name)
    if isinstance(version := fields.get("torch_version"), str):
        yield from _torch(version, members)


def _number(field: str, called: str, known: Facts, in_file: object) -> Iterator[FieldCheck]:
    best = known.first(field)
    if best is None:
        return
    right: object = list(best.value) if isinstance(best.value, tuple) else best.value
    other = next((b for a, b in known.conflicts if a.field == field), None)
    if other is not None:
        source = f"{best.source}; but {other.value} by {other.source}"
        yield FieldCheck(called, Status.CONFLICT, right, in_file, source, None)
        return
    if field == "duration_values":
        status, right = _durations(right, in_file)
    elif in_file is None:
        status = Status.MISSING
    else:
        # Not 35.0 and not true, though Python takes them for the same.
        same = type(in_file) is type(right) and in_file == right
        status = Status.AGREES if same else Status.DIFFERS
    lacking = status is Status.MISSING and field in _IMPLIED
    impact = Impact.BEHAVIORAL if lacking else Impact.BREAKING
    yield FieldCheck(called, status, right, in_file, best.source, right, impact)


def _durations(right: object, in_file: object) -> tuple[Status, object]:
    """Graphs tell how many durations there are; which, only the file can say."""
    wanted = right if isinstance(right, list) else []
    if in_file is None:
        return (Status.MISSING if wanted else Status.AGREES), wanted
    given = in_file if isinstance(in_file, list) else None
    whole = given is not None and all(type(item) is int and item >= 0 for item in given)
    if given is None or not whole or len(given) != len(wanted) or given != sorted(set(given)):
        return Status.DIFFERS, wanted
    return (Status.AGREES if not given or given[-1] else Status.DIFFERS), given


def _claim(field: str, text: str, members: Sequence[Member]) -> Iterator[FieldCheck]:
    claim = check_claim(field.removeprefix(f"{LAYOUT}."), text, members)
    if claim is not None:
        status = Status.AGREES if claim.right == text else Status.DIFFERS
        told = claim.in_graph, text, claim.source, claim.right
        yield FieldCheck(field, status, *told, Impact.COSMETIC)


def _name(called: str, members: Sequence[Member], known: Facts, name: str) -> Iterator[FieldCheck]:
    """A name that tells a size or a kind of model: whether the graphs have it.

    1. `0.6b`, `110m`: the parameters of one encoder and of all else.
    2. `tdt`: whether the joint has logits for durations.
    """
    # Whether it holds, what the graphs have, and where that was read from.
    claims: list[tuple[bool, str, str]] = []
    size, (total, names) = _SIZE_IN_NAME.search(called), _parameters(members)
    if size and names:  # 1
        claimed = float(size[1]) * (1e9 if size[2] in "bB" else 1e6)
        ratio = max(total, 1) / max(claimed, 1)
        fits = 1 / _SIZE_MARGIN <= ratio <= _SIZE_MARGIN
        claims.append((fits, f"{total:,} parameters", ", ".join(names)))
    durations = known.first("duration_values")
    if "tdt" in called.lower() and durations:  # 2
        count = len(durations.value) if isinstance(durations.value, tuple) else 0
        claims.append((count > 0, f"{count} durations", durations.source))
    if claims:
        wrong = [claim for claim in claims if not claim[0]]
        status = Status.DIFFERS if wrong else Status.AGREES
        _, told, source = (wrong or claims)[0]
        right = name if wrong else called
        yield FieldCheck("model_name", status, told, called, source, right, Impact.COSMETIC)


def _parameters(members: Sequence[Member]) -> tuple[int, list[str]]:
    """Parameters of a whole model, and the graphs that have them; none without an encoder.

    Of several encoders the largest counts: they hold the same weights.
    """
    sizes = {
        member.name: sum(
            tensor.elements
            for tensor in member.view.tensors
            if tensor.holder in {Holder.INITIALIZER, Holder.SPARSE_VALUES}
        )
        for member in members
    }
    encoders = [m.name for m in members if m.signature.role in ENCODERS]
    if not encoders:
        return 0, []
    largest = max(encoders, key=lambda name: sizes[name])
    counted = [name for name in sizes if name not in encoders or name == largest]
    return sum(sizes[name] for name in counted), counted


def _torch(version: str, members: Sequence[Member]) -> Iterator[FieldCheck]:
    """The exporter's version without `+cpu`, which graphs do not record."""
    for member in members:
        proto = member.view.proto
        if proto.producer_name == "pytorch" and proto.producer_version:
            given = proto.producer_version
            status = Status.AGREES if version.partition("+")[0] == given else Status.DIFFERS
            source = f"{member.name}: producer pytorch {given}"
            right = version if status is Status.AGREES else given
            yield FieldCheck(
                "torch_version", status, given, version, source, right, Impact.COSMETIC
            )
            return

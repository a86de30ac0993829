"""What a difference is, and who has to care about it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Impact(enum.StrEnum):
    """What a difference means for whoever uses the model.

    BREAKING: a consumer must change.
    BEHAVIORAL: outputs may move, or another runtime may be needed.
    COSMETIC: neither.
    """

    BREAKING = "breaking"
    BEHAVIORAL = "behavioral"
    COSMETIC = "cosmetic"

    def reaches(self, threshold: Impact) -> bool:
        """Whether it is as bad as `threshold`, or worse."""
        order = list(Impact)
        return order.index(self) <= order.index(threshold)


class Kind(enum.StrEnum):
    """What differs."""

    GRAPH_ADDED = "graph-added"
    GRAPH_REMOVED = "graph-removed"
    GRAPH_RENAMED = "graph-renamed"
    INPUT_ADDED = "input-added"
    INPUT_REMOVED = "input-removed"
    INPUT_RENAMED = "input-renamed"
    OUTPUT_ADDED = "output-added"
    OUTPUT_REMOVED = "output-removed"
    OUTPUT_RENAMED = "output-renamed"
    VALUE_ORDER = "value-order"
    DTYPE = "dtype"
    RANK = "rank"
    AXIS = "axis"
    SYMBOL = "symbol"
    STATE = "state"
    OPSET = "opset"
    IR_VERSION = "ir-version"
    ORIGIN = "origin"
    METADATA_PROP = "metadata-prop"
    OPERATORS = "operators"
    NODE_ADDED = "node-added"
    NODE_REMOVED = "node-removed"
    NODE_REPLACED = "node-replaced"
    NODE_CHANGED = "node-changed"
    NODES_RENAMED = "nodes-renamed"
    OUTPUT_SOURCE = "output-source"
    FUNCTION = "function"
    WEIGHT_ADDED = "weight-added"
    WEIGHT_REMOVED = "weight-removed"
    WEIGHT_CHANGED = "weight-changed"
    WEIGHTS_RENAMED = "weights-renamed"
    WEIGHT_TOTALS = "weight-totals"
    STORAGE = "storage"
    METADATA_FIELD = "metadata-field"
    VOCABULARY = "vocabulary"
    PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two sides differ.

    Attributes:
        kind: What differs.
        impact: Who has to care.
        where: The value, axis, node, tensor or field.
        before: What the first side has there; None for nothing.
        after: What the second side has there; None for nothing.
        message: The difference in words.
    """

    kind: Kind
    impact: Impact
    where: str
    before: str | None
    after: str | None
    message: str


def worst(differences: Iterable[Difference]) -> Impact | None:
    """The worst impact among these differences; None if there are none."""
    found = {difference.impact for difference in differences}
    return next((impact for impact in Impact if impact in found), None)

"""The table of relative positions that an encoder was exported with."""

from __future__ import annotations

from dataclasses import dataclass

from onnxtool.model.view import ModelView


@dataclass(frozen=True, slots=True)
class PositionLimit:
    """How many frames there are positions for.

    Attributes:
        name: Of the table.
        frames: The most encoder frames that it has positions for: N, where it has 2 N - 1 rows.
    """

    name: str
    frames: int


def position_limit(model: ModelView) -> PositionLimit | None:
    """The limit that a table [1, 2 N - 1, D] sets (NeMo, `RelPositionalEncoding.extend_pe`).

    Only what is sliced is one: the rows that a length needs are cut out of its middle.
    """
    sliced = {
        (scope.path, node.input[0])
        for scope in model.scopes
        for node in scope.nodes
        if node.op_type == "Slice" and node.input
    }
    for tensor in model.tensors:
        names = {tensor.name, *(tensor.node_proto.output if tensor.node_proto else ())}
        shape = tensor.shape
        is_table = len(shape) == 3 and shape[0] == 1 and shape[1] > 1 and shape[1] % 2
        if is_table and any((tensor.scope, name) in sliced for name in names):
            return PositionLimit(tensor.node or tensor.name, (shape[1] + 1) // 2)
    return None

"""Topological order of nodes."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence

import onnx

from onnxtool.model.view import subgraphs

# Asking every node for its attributes would take longer than all of the rest.
WITH_SUBGRAPHS = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def in_order(nodes: Iterable[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Nodes in topological order: as they stand, where they stand so; those in a cycle last."""
    given = list(nodes)
    if stand_in_order(given):
        return given
    maker = {name: index for index, node in enumerate(given) for name in node.output if name}
    needs = [{maker[name] for name in reads(node) if name in maker} for node in given]
    users: defaultdict[int, list[int]] = defaultdict(list)
    for index, needed in enumerate(needs):
        for source in needed:
            users[source].append(index)
    ready = [index for index, needed in enumerate(needs) if not needed]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        order.append(index := heapq.heappop(ready))
        for user in users[index]:
            needs[user].discard(index)
            if not needs[user]:
                heapq.heappush(ready, user)
    left = sorted(set(range(len(given))) - set(order))
    return [given[index] for index in (*order, *left)]


def stand_in_order(nodes: Sequence[onnx.NodeProto]) -> bool:
    """Whether each stands after all that it reads, as in nearly every model."""
    pending = {name for node in nodes for name in node.output if name}
    for node in nodes:
        if not pending.isdisjoint(reads(node)):
            return False
        pending.difference_update(node.output)
    return True


def reads(node: onnx.NodeProto) -> set[str]:
    """The values that a node needs: its inputs, and what its subgraphs read of those around it."""
    names = {name for name in node.input if name}
    for _, graph in subgraphs(node) if node.op_type in WITH_SUBGRAPHS else ():
        inner = {value.name for value in graph.output}.union(*map(reads, graph.node))
        inner -= {value.name for value in (*graph.input, *graph.initializer)}
        names |= inner - {"", *(name for maker in graph.node for name in maker.output)}
    return names

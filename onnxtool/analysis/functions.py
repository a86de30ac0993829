"""Model-local functions: who calls whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import onnx

from onnxtool.model.view import subgraphs

# Domain and name; overloads of one function count as one here.
FunctionId = tuple[str, str]


def recursive_functions(proto: onnx.ModelProto) -> tuple[FunctionId, ...]:
    """Functions that call themselves, directly or through others, which ONNX forbids."""
    calls = {
        (function.domain, function.name): set(_called(function.node))
        for function in proto.functions
    }
    return tuple(name for name in calls if name in _reachable(calls, calls[name]))


def _called(nodes: Iterable[onnx.NodeProto]) -> Iterator[FunctionId]:
    for node in nodes:
        yield node.domain, node.op_type
        for _, graph in subgraphs(node):
            yield from _called(graph.node)


def _reachable(
    calls: Mapping[FunctionId, set[FunctionId]], start: Iterable[FunctionId]
) -> set[FunctionId]:
    seen: set[FunctionId] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(calls.get(name, ()))
    return seen

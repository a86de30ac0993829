"""Model-local functions: who calls whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

import onnx

from onnxtool.model.view import subgraphs

# Domain and name; overloads of one function count as one here.
FunctionId = tuple[str, str]
# Function -> the functions that it calls, and how often.
Calls = Mapping[FunctionId, Mapping[FunctionId, int]]


def recursive_functions(proto: onnx.ModelProto) -> tuple[FunctionId, ...]:
    """Functions that call themselves, directly or through others, which ONNX forbids.

    Functions on the way from one circle of calls to another count, too.
    """
    calls = _calls(proto)
    endless = calls.keys() - set(_callees_first(calls))
    callers: dict[FunctionId, Counter[FunctionId]] = {name: Counter() for name in endless}
    for name in endless:
        for called in calls[name].keys() & endless:
            callers[called][name] += 1
    # Left out are those that no function of a circle calls: they only call one.
    outside = set(_callees_first(callers))
    return tuple(name for name in calls if name in endless and name not in outside)


def inlined_nodes(proto: onnx.ModelProto) -> int:
    """How many nodes the model would have with its functions, none of them recursive, inlined."""
    calls = _calls(proto)
    sizes = {(function.domain, function.name): len(function.node) for function in proto.functions}
    # A call is replaced with what it calls.
    for name in _callees_first(calls):
        sizes[name] += sum(times * (sizes[called] - 1) for called, times in calls[name].items())
    called = Counter(name for name in _called(proto.graph.node) if name in sizes)
    return len(proto.graph.node) + sum(n * (sizes[name] - 1) for name, n in called.items())


def call_depth(proto: onnx.ModelProto) -> int:
    """The most functions, none of them recursive, that are inside each other."""
    calls = _calls(proto)
    depths: dict[FunctionId, int] = {}
    for name in _callees_first(calls):
        depths[name] = 1 + max((depths[called] for called in calls[name]), default=0)
    return max(depths.values(), default=0)


def _calls(proto: onnx.ModelProto) -> Calls:
    names = {(function.domain, function.name) for function in proto.functions}
    return {
        (function.domain, function.name): Counter(
            name for name in _called(function.node) if name in names
        )
        for function in proto.functions
    }


def _called(nodes: Iterable[onnx.NodeProto]) -> Iterator[FunctionId]:
    for node in nodes:
        yield node.domain, node.op_type
        for _, graph in subgraphs(node):
            yield from _called(graph.node)


def _callees_first(calls: Calls) -> list[FunctionId]:
    """Functions, each after all that it calls; those whose calls have no end are left out."""
    callers: defaultdict[FunctionId, list[FunctionId]] = defaultdict(list)
    for name, called in calls.items():
        for callee in called:
            callers[callee].append(name)
    waits_for = {name: len(called) for name, called in calls.items()}
    ordered = [name for name, number in waits_for.items() if not number]
    for name in ordered:  # Grows meanwhile.
        for caller in callers[name]:
            waits_for[caller] -= 1
            if not waits_for[caller]:
                ordered.append(caller)
    return ordered

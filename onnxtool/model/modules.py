"""The module of the source model that a node came from, from the names that exporters give."""

from __future__ import annotations

import ast
import functools

import onnx

# `("layers.0", "self_attn", "linear_q")`; the root is empty.
ModulePath = tuple[str, ...]
# No model nests its modules deeper; a name that is made to exhaust the stack does.
MAX_DEPTH = 64
# Where torch's dynamo exporter keeps the modules that a node came from.
TORCH_SCOPES = "pkg.torch.onnx.name_scopes"


def node_module(node: onnx.NodeProto) -> ModulePath:
    """The module that a node came from; empty where its exporter does not say.

    1. torch's dynamo exporter lists the enclosing modules in the node's metadata;
    2. its older exporter, and others, name nodes `/layers.0/self_attn/linear_q/MatMul`.
    """
    for entry in node.metadata_props:  # 1
        if entry.key == TORCH_SCOPES:
            return _from_scopes(entry.value)
    return _from_name(node.name)  # 2


@functools.lru_cache(maxsize=1 << 14)
def _from_name(name: str) -> ModulePath:
    return tuple(part for part in name.split("/")[:-1] if part)[:MAX_DEPTH]


def _from_scopes(listed: str) -> ModulePath:
    """`["", "layers", "layers.0", "layers.0.linear", "linear_1"]`: modules, then the node."""
    try:
        scopes = ast.literal_eval(listed)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not isinstance(scopes, list) or len(scopes) < 2 or not isinstance(scopes[-2], str):
        return ()
    parts: list[str] = []
    for part in scopes[-2].split("."):
        # An index belongs to the list that it counts: `layers.0`.
        if part.isdecimal() and parts:
            parts[-1] += f".{part}"
        elif part:
            parts.append(part)
    return tuple(parts)[:MAX_DEPTH]

"""The options of a session that decide how fast it is, so that a result can state them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

PROVIDER = "CPUExecutionProvider"


class Optimization(enum.StrEnum):
    """How far ONNX Runtime may rewrite a graph before it runs it."""

    NONE = "none"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session runs. What is not given is ONNX Runtime's default.

    Attributes:
        threads: Threads within an operator.
        optimization: The level of graph optimization.
        spinning: Whether threads wait for work actively: quicker, at the cost of other processes.
        arena: Whether freed memory is kept for the next run.
        prepacking: Whether weights are copied into the layout of the kernels when it is created.
        parallel: Whether independent nodes may run at the same time.
        free_dimensions: (symbol, size) of dynamic axes that are fixed when it is created.
        cores: What the process is pinned to; empty for no pinning.
    """

    threads: int = 1
    optimization: Optimization = Optimization.ALL
    spinning: bool = True
    arena: bool = True
    prepacking: bool = True
    parallel: bool = False
    free_dimensions: tuple[tuple[str, int], ...] = ()
    cores: tuple[int, ...] = ()

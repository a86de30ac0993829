"""Where the time of a run goes, as ONNX Runtime's profiler says: operators, modules, nodes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Of a module's path; the rest of a name tells nodes of one module apart.
MODULE_DEPTH = 2
OUTSIDE = "(no module)"


@dataclass(frozen=True, slots=True)
class NodeTime:
    """What one node took, in seconds a run; fused nodes have names of ONNX Runtime's making."""

    node: str
    operator: str
    seconds: float

    @property
    def module(self) -> str:
        """The module of the source model, layers taken together: `layers.*.self_attn`."""
        return module_of(self.node)


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one scenario.

    Attributes:
        subject: Whose it is.
        graph: File name of the graph.
        sizes: As asked for.
        runs: How many runs it is the mean of: the faster half, which was disturbed least.
        run_s: Seconds a run, profiler included.
        nodes: Largest first.
        macs: Multiply-accumulates of a run; None if they are not known.
        peak_macs_per_s: What this machine's matrix product does, likewise threaded.
        trace: Where the trace was kept (Chrome's format, which Perfetto reads, too); or empty.
        threads: Within an operator.
    """

    subject: str
    graph: str
    sizes: Mapping[str, int]
    runs: int
    run_s: float
    nodes: tuple[NodeTime, ...]
    macs: int | None = None
    peak_macs_per_s: float | None = None
    trace: str = ""
    threads: int = 1

    def peak_share(self, run_s: float) -> float | None:
        """Multiply-accumulates per second, as a part of what a matrix product achieves.

        Args:
            run_s: What a run takes without the profiler, which takes its time at every node.
        """
        if self.macs is None or not self.peak_macs_per_s or not run_s:
            return None
        return self.macs / run_s / self.peak_macs_per_s

    @property
    def by_operator(self) -> tuple[tuple[str, float, int], ...]:
        """(operator, seconds a run, nodes), largest first."""
        return _added((node.operator, node.seconds) for node in self.nodes)

    @property
    def by_module(self) -> tuple[tuple[str, float, int], ...]:
        """(module, seconds a run, nodes), largest first."""
        return _added((node.module, node.seconds) for node in self.nodes)


def _added(pairs: Iterable[tuple[str, float]]) -> tuple[tuple[str, float, int], ...]:
    seconds: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    for name, duration_s in pairs:
        seconds[name] += duration_s
        counts[name] += 1
    ordered = sorted(seconds, key=lambda name: (-seconds[name], name))
    return tuple((name, seconds[name], counts[name]) for name in ordered)


def node_times(events: Iterable[Mapping[str, Any]], runs: int) -> tuple[NodeTime, ...]:
    """Add up the kernel events of ONNX Runtime's trace, of `runs` runs; durations are in µs."""
    totals: defaultdict[tuple[str, str], float] = defaultdict(float)
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            operator = str(event["args"].get("op_name", ""))
            totals[name.removesuffix("_kernel_time"), operator] += float(event["dur"])
    times = (
        NodeTime(node, operator, total_us / 1e6 / runs)
        for (node, operator), total_us in totals.items()
    )
    return tuple(sorted(times, key=lambda time: (-time.seconds, time.node)))


def module_of(node: str) -> str:
    """The first parts of a node's name without the operator: `/layers.0/conv/Mul` is of a module.

    Numbers of layers become `*`, so that the layers of a stack add up.
    """
    path = node.removeprefix("/").split("/")[:-1]
    module = ".".join(path[:MODULE_DEPTH])
    return re.sub(r"\.\d+(?=\.|$)", ".*", module) or OUTSIDE

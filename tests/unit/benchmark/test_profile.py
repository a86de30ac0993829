"""Where the time goes, from the events of ONNX Runtime's profiler."""

from __future__ import annotations

import pytest

from onnxtool.benchmark.profile import OUTSIDE, Profile, module_of, node_times
from onnxtool.benchmark.profiling import undisturbed


def kernel(node: str, operator: str, duration_us: int) -> dict[str, object]:
    return {
        "cat": "Node",
        "name": f"{node}_kernel_time",
        "dur": duration_us,
        "args": {"op_name": operator},
    }


EVENTS = [
    kernel("/layers.0/self_attn/MatMul", "MatMul", 100),
    kernel("/layers.1/self_attn/MatMul", "MatMul", 300),
    kernel("/layers.0/self_attn/MatMul", "MatMul", 140),
    kernel("/layers.0/conv/Conv", "Conv", 200),
    {"cat": "Session", "name": "model_run", "dur": 900, "args": {}},
    {"cat": "Node", "name": "/layers.0/conv/Conv_fence_before", "dur": 5, "args": {}},
]


def profile(**changes: object) -> Profile:
    nodes = node_times(EVENTS, 2)
    made = {"subject": "candidate", "graph": "g", "sizes": {}, "runs": 2, "run_s": 0.0005}
    return Profile(**{**made, "nodes": nodes, **changes})  # type: ignore[arg-type]


def test_the_time_of_a_node_is_its_mean_over_the_runs() -> None:
    first, second, third = profile().nodes
    assert [first.node, second.node, third.operator] == [
        "/layers.1/self_attn/MatMul",
        "/layers.0/self_attn/MatMul",
        "Conv",
    ]
    seconds = [node.seconds for node in (first, second, third)]
    assert seconds == pytest.approx([150e-6, 120e-6, 100e-6])


def test_nodes_add_up_by_operator_and_by_module() -> None:
    assert [(name, count) for name, _, count in profile().by_operator] == [
        ("MatMul", 2),
        ("Conv", 1),
    ]
    assert [(name, count) for name, _, count in profile().by_module] == [
        ("layers.*.self_attn", 2),
        ("layers.*.conv", 1),
    ]


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/layers.12/self_attn/linear_q/MatMul", "layers.*.self_attn"),
        ("/encoder/layers.3/conv/Conv", "encoder.layers.*"),
        ("/pre_encode/conv/conv.0/Conv", "pre_encode.conv"),
        ("/MatMul", OUTSIDE),
        ("MatMul_12", OUTSIDE),
        ("", OUTSIDE),
    ],
)
def test_a_name_tells_the_module(node: str, module: str) -> None:
    assert module_of(node) == module


def test_the_share_of_the_peak_is_known_if_both_sides_are() -> None:
    share = profile(macs=10**6, peak_macs_per_s=1e10).peak_share(0.0005)
    assert share == pytest.approx(0.2)
    assert profile(peak_macs_per_s=1e10).peak_share(0.0005) is None
    assert profile(macs=10**6).peak_share(0.0005) is None


def run(start_us: int, duration_us: int) -> list[dict[str, object]]:
    """A run of one node, which takes half of it."""
    node = kernel("/conv/Conv", "Conv", duration_us // 2)
    whole = {"name": "model_run", "cat": "Session", "dur": duration_us}
    return [{**node, "ts": start_us + 1}, {**whole, "ts": start_us}]


def test_a_profile_is_that_of_the_faster_half_of_the_passes_after_the_first() -> None:
    durations_us = [50, 100, 9000, 120, 110]
    events = [e for at, each in enumerate(durations_us) for e in run(at * 10_000, each)]
    runs_s, counted = undisturbed(events, 1)
    assert runs_s == pytest.approx([100e-6, 110e-6])
    (node,) = node_times(counted, len(runs_s))
    assert node.seconds == pytest.approx(52.5e-6)


def test_all_steps_of_a_pass_count_alike() -> None:
    """Later steps are slower where the cache grows, and belong to the stream all the same."""
    durations_us = [10, 10, 100, 400, 100, 4000, 110, 420]
    events = [e for at, each in enumerate(durations_us) for e in run(at * 10_000, each)]
    runs_s, _ = undisturbed(events, 2)
    assert runs_s == pytest.approx([100e-6, 400e-6, 110e-6, 420e-6])

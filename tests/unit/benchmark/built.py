"""Benchmarks that nobody measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from onnxtool.benchmark.environment import Conditions, Environment
from onnxtool.benchmark.result import (
    BenchmarkMethod,
    BenchmarkResult,
    Kind,
    Measurement,
    Memory,
    Model,
    ProcessRun,
    Scenario,
    Stop,
    Subject,
)
from onnxtool.runtime.options import SessionOptions

MACHINE = Environment(
    cpu="Imaginary 9000",
    cores=4,
    memory_bytes=16 << 30,
    instruction_sets=("avx2", "avx512_vnni"),
    governor="performance",
    virtual=False,
    system="Linux",
    provider="CPUExecutionProvider",
    onnxruntime="1.32.0",
    onnxtool="0.1.0",
    python="3.11.7",
)
QUIET = Conditions("2026-01-01T00:00:00+00:00", 30.0, 0.1, 0.9, 0.0, 0.01, 2600.0, 2600.0)
MEMORY = Memory(50 << 20, 20 << 20, 60 << 20, 21 << 20, 79 << 20)
ENCODER = Scenario(
    kind=Kind.RUN,
    graph="encoder.onnx",
    role="encoder",
    sizes={"batch": 1, "time": 400},
    shapes={"audio_signal": (1, 80, 400), "length": (1,)},
    options=SessionOptions(threads=2),
    audio_s=(4.0,),
)


def process(blocks_s: Sequence[Sequence[float]], **changes: object) -> ProcessRun:
    """A process with these blocks."""
    made = ProcessRun(
        session_s=0.1,
        first_run_s=0.02,
        warm_up_s=(0.012, 0.011, 0.01, 0.01),
        settled=True,
        blocks_s=tuple(map(tuple, blocks_s)),
        memory=MEMORY,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def noisy(
    median_s: float,
    noise: float,
    *,
    seed: int,
    between: float = 0.0,
    processes: int = 5,
    blocks: int = 8,
    runs: int = 3,
) -> tuple[ProcessRun, ...]:
    """Processes whose samples vary by `noise`, and their means by `between`."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(processes):
        mean = median_s * np.exp(between * generator.standard_normal())
        samples = mean * np.exp(noise * generator.standard_normal((blocks, runs)))
        made.append(process(samples.tolist()))
    return tuple(made)


def measurement(
    processes: Sequence[ProcessRun],
    subject: Subject = Subject.CANDIDATE,
    scenario: Scenario = ENCODER,
) -> Measurement:
    """A measurement that reached its precision."""
    return Measurement(subject, scenario, tuple(processes), Stop.PRECISION)


def result(
    *measurements: Measurement,
    environment: Environment = MACHINE,
    conditions: Conditions = QUIET,
    models: Mapping[Subject, Model] | None = None,
) -> BenchmarkResult:
    """A benchmark with these measurements."""
    return BenchmarkResult(
        models=models
        or {
            each.subject: Model("encoder.onnx", {"encoder.onnx": "0" * 64}) for each in measurements
        },
        environment=environment,
        conditions=conditions,
        method=BenchmarkMethod(),
        measurements=measurements,
    )

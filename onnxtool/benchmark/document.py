"""A benchmark as JSON, field by field: `onnxtool.benchmark/1`, a public contract.

The schema is docs/json-schemas/benchmark-1.json; `reading` reads it.
"""

from __future__ import annotations

from onnxtool.benchmark.environment import Conditions, Environment, Meanwhile
from onnxtool.benchmark.profile import Profile
from onnxtool.benchmark.result import (
    BenchmarkMethod,
    BenchmarkResult,
    Failure,
    Measurement,
    Memory,
    Model,
    ProcessRun,
    Scenario,
)
from onnxtool.runtime.options import SessionOptions

SCHEMA = "onnxtool.benchmark/1"
Object = dict[str, object]


def document(result: BenchmarkResult) -> Object:
    """Everything that was measured; nothing that follows from it."""
    return {
        "schema": SCHEMA,
        "models": {subject.value: model_of(model) for subject, model in result.models.items()},
        "environment": machine(result.environment),
        "conditions": surroundings(result.conditions),
        "method": method_of(result.method),
        "measurements": [measurement(each) for each in result.measurements],
        "failures": [failure(each) for each in result.failures],
        "profiles": [_profile(each) for each in result.profiles],
        "interrupted": result.interrupted,
    }


def machine(environment: Environment) -> Object:
    """What does not change while measuring."""
    return {
        "cpu": environment.cpu,
        "cores": environment.cores,
        "memory_bytes": environment.memory_bytes,
        "instruction_sets": list(environment.instruction_sets),
        "governor": environment.governor,
        "virtual": environment.virtual,
        "system": environment.system,
        "provider": environment.provider,
        "onnxruntime": environment.onnxruntime,
        "onnxtool": environment.onnxtool,
        "python": environment.python,
    }


def surroundings(conditions: Conditions) -> Object:
    """What else happened on the machine."""
    return {
        "date": conditions.date,
        "duration_s": conditions.duration_s,
        "load_before": conditions.load_before,
        "load_after": conditions.load_after,
        "steal_share": conditions.steal_share,
        "other_share": conditions.other_share,
        "frequency_before_mhz": conditions.frequency_before_mhz,
        "frequency_after_mhz": conditions.frequency_after_mhz,
    }


def model_of(model: Model) -> Object:
    """A model and its digests."""
    return {"path": model.path, "sha256": dict(model.sha256)}


def method_of(method: BenchmarkMethod) -> Object:
    """How it was measured."""
    return {
        "precision": method.precision,
        "budget_s": method.budget_s,
        "processes": method.processes,
        "blocks": method.blocks,
        "block_s": method.block_s,
        "seed": method.seed,
    }


def measurement(measured: Measurement) -> Object:
    """The raw samples of one subject in one scenario."""
    return {
        "subject": measured.subject.value,
        "scenario": scenario(measured.scenario),
        "stop": measured.stop.value,
        "processes": [_process(process) for process in measured.processes],
    }


def scenario(run: Scenario) -> Object:
    """What is run, at which sizes and with which settings."""
    return {
        "kind": run.kind.value,
        "graph": run.graph,
        "role": run.role,
        "sizes": dict(run.sizes),
        "shapes": {name: list(shape) for name, shape in run.shapes.items()},
        "options": options(run.options),
        "steps": run.steps,
        "audio_s": list(run.audio_s),
        "real_audio": run.real_audio,
        "inputs_sha256": run.inputs_sha256,
    }


def options(settings: SessionOptions) -> Object:
    """The options of a session."""
    return {
        "threads": settings.threads,
        "optimization": settings.optimization.value,
        "spinning": settings.spinning,
        "arena": settings.arena,
        "prepacking": settings.prepacking,
        "parallel": settings.parallel,
        "free_dimensions": dict(settings.free_dimensions),
        "cores": list(settings.cores),
    }


def _process(process: ProcessRun) -> Object:
    return {
        "session_s": process.session_s,
        "first_run_s": process.first_run_s,
        "warm_up_s": list(process.warm_up_s),
        "settled": process.settled,
        "blocks_s": [list(block) for block in process.blocks_s],
        "parts_s": {name: list(values) for name, values in process.parts_s.items()},
        "calls": dict(process.calls),
        "memory": _memory(process.memory),
        "meanwhile": _meanwhile(process.meanwhile),
    }


def _memory(memory: Memory) -> Object:
    return {
        "anonymous_bytes": memory.anonymous_bytes,
        "file_bytes": memory.file_bytes,
        "peak_anonymous_bytes": memory.peak_anonymous_bytes,
        "peak_file_bytes": memory.peak_file_bytes,
        "peak_bytes": memory.peak_bytes,
    }


def _meanwhile(meanwhile: Meanwhile) -> Object:
    return {
        "other_share": meanwhile.other_share,
        "steal_share": meanwhile.steal_share,
        "frequency_mhz": meanwhile.frequency_mhz,
    }


def failure(found: Failure) -> Object:
    """What could not be measured, and why."""
    return {
        "subject": found.subject.value,
        "graph": found.graph,
        "sizes": dict(found.sizes),
        "message": found.message,
    }


def _profile(profile: Profile) -> Object:
    return {
        "subject": profile.subject,
        "graph": profile.graph,
        "sizes": dict(profile.sizes),
        "runs": profile.runs,
        "run_s": profile.run_s,
        "nodes": [
            {"node": node.node, "operator": node.operator, "seconds": node.seconds}
            for node in profile.nodes
        ],
        "macs": profile.macs,
        "peak_macs_per_s": profile.peak_macs_per_s,
        "trace": profile.trace,
        "threads": profile.threads,
    }

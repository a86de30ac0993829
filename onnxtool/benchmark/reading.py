"""Read a benchmark back from JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from onnxtool.benchmark.document import SCHEMA
from onnxtool.benchmark.environment import Conditions, Environment, Meanwhile
from onnxtool.benchmark.fields import BenchmarkFileError, Fields, read_json
from onnxtool.benchmark.profile import NodeTime, Profile
from onnxtool.benchmark.result import (
    BenchmarkMethod,
    BenchmarkResult,
    Failure,
    Kind,
    Measurement,
    Memory,
    Model,
    ProcessRun,
    Scenario,
    Stop,
    Subject,
)
from onnxtool.runtime.options import Optimization, SessionOptions


def read_benchmark(path: str | os.PathLike[str]) -> BenchmarkResult:
    """Read a benchmark that `onnxtool bench --output FILE.json` wrote.

    Raises:
        BenchmarkFileError: It is damaged, of another version, or no benchmark.
    """
    path = Path(path)
    data = read_json(path)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        told = "it has no schema" if schema is None else f"its schema is {str(schema)[:80]!r}"
        raise BenchmarkFileError(
            f"{path}: not {SCHEMA} ({told})",
            hint="write one with `onnxtool bench PATH --output FILE.json`",
        )
    return _result(Fields.of(path, "", data))


def is_benchmark(path: Path) -> bool:
    """Whether a file says of itself that it is a benchmark, of whatever version."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        data = read_json(path)
    except BenchmarkFileError:
        return False
    schema = data.get("schema") if isinstance(data, dict) else None
    return isinstance(schema, str) and schema.startswith(SCHEMA.rpartition("/")[0] + "/")


def _result(fields: Fields) -> BenchmarkResult:
    models = _models(fields.inner("models"))
    measurements = tuple(map(_measurement, fields.objects("measurements")))
    if Subject.REFERENCE not in models and {m.subject for m in measurements} - {Subject.CANDIDATE}:
        raise BenchmarkFileError(
            f"{fields.path}: damaged: `models` lacks the reference that was measured",
            hint="measure again",
        )
    return BenchmarkResult(
        models=models,
        environment=_environment(fields.inner("environment")),
        conditions=_conditions(fields.inner("conditions")),
        method=_method(fields.inner("method")),
        measurements=measurements,
        failures=tuple(map(_failure, fields.objects("failures"))),
        profiles=tuple(map(_profile, fields.objects("profiles"))),
        interrupted=fields.flag("interrupted"),
    )


def _models(fields: Fields) -> dict[Subject, Model]:
    fields.inner(Subject.CANDIDATE)
    models = {}
    for subject in Subject:
        if subject in fields.values:
            model = fields.inner(subject)
            hashes = model.inner("sha256")
            sha256 = {name: hashes.text_or_none(name) for name in hashes.values}
            models[subject] = Model(model.text("path"), sha256)
    return models


def _environment(fields: Fields) -> Environment:
    return Environment(
        cpu=fields.text("cpu"),
        cores=fields.integer("cores"),
        memory_bytes=fields.integer("memory_bytes"),
        instruction_sets=fields.texts("instruction_sets"),
        governor=fields.text("governor"),
        virtual=fields.flag("virtual"),
        system=fields.text("system"),
        provider=fields.text("provider"),
        onnxruntime=fields.text("onnxruntime"),
        onnxtool=fields.text("onnxtool"),
        python=fields.text("python"),
    )


def _conditions(fields: Fields) -> Conditions:
    return Conditions(
        date=fields.text("date"),
        duration_s=fields.number("duration_s"),
        load_before=fields.number_or_none("load_before"),
        load_after=fields.number_or_none("load_after"),
        steal_share=fields.number_or_none("steal_share"),
        other_share=fields.number_or_none("other_share"),
        frequency_before_mhz=fields.number_or_none("frequency_before_mhz"),
        frequency_after_mhz=fields.number_or_none("frequency_after_mhz"),
    )


def _method(fields: Fields) -> BenchmarkMethod:
    return BenchmarkMethod(
        precision=fields.number("precision"),
        budget_s=fields.number("budget_s"),
        processes=fields.integer("processes"),
        blocks=fields.integer("blocks"),
        block_s=fields.number("block_s"),
        seed=fields.integer("seed"),
    )


def _measurement(fields: Fields) -> Measurement:
    scenario = _scenario(fields.inner("scenario"))
    processes = tuple(map(_process, fields.objects("processes")))
    problem = _contradiction(scenario, processes)
    if problem:
        raise BenchmarkFileError(
            f"{fields.path}: damaged: `{fields.where}` {problem}", hint="measure again"
        )
    return Measurement(
        subject=fields.choice("subject", Subject),
        scenario=scenario,
        processes=processes,
        stop=fields.choice("stop", Stop),
    )


def _contradiction(scenario: Scenario, processes: Sequence[ProcessRun]) -> str:
    """Of what was done, and what came of it; empty for none."""
    if not processes:
        return "has no samples"
    if any(len(block) % scenario.steps for process in processes for block in process.blocks_s):
        return f"has blocks that are not of whole passes of {scenario.steps}"
    if scenario.audio_s and len(scenario.audio_s) != scenario.steps:
        return f"has audio for {len(scenario.audio_s)} samples of {scenario.steps}"
    for process in processes:
        samples = sum(map(len, process.blocks_s))
        parts = process.parts_s
        if parts.keys() != processes[0].parts_s.keys() or any(
            len(values) != samples for values in parts.values()
        ):
            return "has parts that are not those of its samples"
    return ""


def _scenario(fields: Fields) -> Scenario:
    shapes = fields.inner("shapes")
    return Scenario(
        kind=fields.choice("kind", Kind),
        graph=fields.text("graph"),
        role=fields.text("role"),
        sizes=_sizes(fields.inner("sizes")),
        shapes={name: shapes.integers(name) for name in shapes.values},
        options=_options(fields.inner("options")),
        steps=max(1, fields.integer("steps")),
        audio_s=fields.numbers("audio_s"),
        real_audio=fields.flag("real_audio"),
        # Added later: files of before have none.
        inputs_sha256=fields.text_or_none("inputs_sha256")
        if "inputs_sha256" in fields.values
        else None,
    )


def _sizes(fields: Fields) -> dict[str, int]:
    return {name: fields.integer(name) for name in fields.values}


def _options(fields: Fields) -> SessionOptions:
    return SessionOptions(
        threads=fields.integer("threads"),
        optimization=fields.choice("optimization", Optimization),
        spinning=fields.flag("spinning"),
        arena=fields.flag("arena"),
        prepacking=fields.flag("prepacking"),
        parallel=fields.flag("parallel"),
        free_dimensions=tuple(_sizes(fields.inner("free_dimensions")).items()),
        cores=fields.integers("cores"),
    )


def _process(fields: Fields) -> ProcessRun:
    parts = fields.inner("parts_s")
    return ProcessRun(
        session_s=fields.number("session_s"),
        first_run_s=fields.number("first_run_s"),
        warm_up_s=fields.numbers("warm_up_s"),
        settled=fields.flag("settled"),
        blocks_s=fields.table("blocks_s"),
        parts_s={name: parts.numbers(name) for name in parts.values},
        calls=_sizes(fields.inner("calls")),
        memory=_memory(fields.inner("memory")),
        # Added later, too.
        meanwhile=_meanwhile(fields.inner("meanwhile"))
        if "meanwhile" in fields.values
        else Meanwhile(),
    )


def _memory(fields: Fields) -> Memory:
    return Memory(
        anonymous_bytes=fields.integer_or_none("anonymous_bytes"),
        file_bytes=fields.integer_or_none("file_bytes"),
        peak_anonymous_bytes=fields.integer_or_none("peak_anonymous_bytes"),
        peak_file_bytes=fields.integer_or_none("peak_file_bytes"),
        peak_bytes=fields.integer_or_none("peak_bytes"),
    )


def _meanwhile(fields: Fields) -> Meanwhile:
    return Meanwhile(
        other_share=fields.number_or_none("other_share"),
        steal_share=fields.number_or_none("steal_share"),
        frequency_mhz=fields.number_or_none("frequency_mhz"),
    )


def _failure(fields: Fields) -> Failure:
    return Failure(
        subject=fields.choice("subject", Subject),
        graph=fields.text("graph"),
        sizes=_sizes(fields.inner("sizes")),
        message=fields.text("message"),
    )


def _profile(fields: Fields) -> Profile:
    return Profile(
        subject=fields.text("subject"),
        graph=fields.text("graph"),
        sizes=_sizes(fields.inner("sizes")),
        runs=fields.integer("runs"),
        run_s=fields.number("run_s"),
        nodes=tuple(
            NodeTime(node.text("node"), node.text("operator"), node.number("seconds"))
            for node in fields.objects("nodes")
        ),
        macs=fields.integer_or_none("macs"),
        peak_macs_per_s=fields.number_or_none("peak_macs_per_s"),
        trace=fields.text("trace"),
        threads=fields.integer("threads"),
    )

"""Which session options to use, and the evidence."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from onnxtool.benchmark.document import failure as failure_of
from onnxtool.benchmark.document import (
    machine,
    measurement,
    method_of,
    model_of,
    options,
    scenario,
    surroundings,
)
from onnxtool.benchmark.doubts import noise_doubts
from onnxtool.benchmark.result import Subject
from onnxtool.benchmark.tune import Trial, Tuning
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Table, Tone
from onnxtool.render.scenario import failed, settings, title
from onnxtool.render.units import between, noise, size
from onnxtool.runtime.options import Optimization, SessionOptions

SCHEMA = "onnxtool.tuning/1"


def document(found: Tuning) -> Iterator[Block]:
    """The report."""
    yield Heading("Session options", 1, title(found.scenario))
    yield Facts(
        (
            ("begun with", settings(found.scenario.options)),
            ("use", settings(found.best)),
            ("as options", " ".join(arguments(found.best))),
        )
    )
    yield Heading("Trials", note="each against the best until then, measured in turn")
    yield Table(
        ("option", "ratio", "95 % interval", "noise floor", "own memory", "verdict", ""),
        tuple(_row(trial) for trial in found.trials),
        (Align.LEFT, Align.RIGHT, Align.RIGHT, Align.RIGHT, Align.RIGHT),
        lesser=("noise floor", "own memory"),
    )
    if found.best.free_dimensions != found.scenario.options.free_dimensions:
        yield Paragraph("Fixed sizes: use them for runs of exactly these sizes.", Tone.DOUBTFUL)
    for failure in found.failures:
        yield Paragraph(f"Not tried: {failed(failure, {})}", Tone.BAD)
    if found.environment and found.conditions:
        doubts = tuple((doubt,) for doubt in noise_doubts(found.environment, found.conditions))
        if doubts:
            yield Heading("Doubts")
            yield Table(("what",), doubts)


def arguments(options: SessionOptions) -> Iterator[str]:
    """The arguments of `onnxtool bench` that give these options."""
    yield f"--threads {options.threads}"
    for name, text, is_changed in (
        ("optimization", options.optimization, options.optimization is not Optimization.ALL),
        ("spinning", "off", not options.spinning),
        ("arena", "off", not options.arena),
        ("prepacking", "off", not options.prepacking),
        ("execution", "parallel", options.parallel),
    ):
        if is_changed:
            yield f"--session {name}={text}"
    for name, fixed in options.free_dimensions:
        yield f"--fix {shlex.quote(f'{name}={fixed}')}"


def _row(trial: Trial) -> tuple[str, ...]:
    found = trial.change
    if found is None:
        return trial.name, "", "", "", "", f"not run: {trial.problem}", ""
    return (
        trial.name,
        f"{found.ratio:.3f}",
        between(found.interval.low, found.interval.high),
        noise(found.noise_floor),
        _own_memory(trial),
        found.verdict.value,
        "kept" if trial.is_kept else "",
    )


def _own_memory(trial: Trial) -> str:
    """The most that was seen, without the option and with it: of some, it is what they are for."""
    peaks = {
        each.subject: [
            p.memory.peak_anonymous_bytes
            for p in each.processes
            if p.memory.peak_anonymous_bytes is not None
        ]
        for each in trial.measurements
    }
    both = [peaks.get(subject) for subject in (Subject.REFERENCE, Subject.CANDIDATE)]
    return " → ".join(size(max(each)) for each in both if each)


def tuning(found: Tuning) -> dict[str, object]:
    """The same as JSON."""
    return {
        "schema": SCHEMA,
        "scenario": scenario(found.scenario),
        "begun_with": options(found.scenario.options),
        "use": options(found.best),
        "trials": [_trial(trial) for trial in found.trials],
        "model": model_of(found.model) if found.model else None,
        "method": method_of(found.method) if found.method else None,
        "environment": machine(found.environment) if found.environment else None,
        "conditions": surroundings(found.conditions) if found.conditions else None,
        "failures": [failure_of(each) for each in found.failures],
        "interrupted": found.interrupted,
    }


def _trial(trial: Trial) -> dict[str, object]:
    found = trial.change
    return {
        "option": trial.name,
        "options": options(trial.options),
        "kept": trial.is_kept,
        "ratio": found.ratio if found else None,
        "interval": [found.interval.low, found.interval.high] if found else None,
        "noise_floor": found.noise_floor if found else None,
        "verdict": found.verdict.value if found else None,
        "problem": trial.problem or None,
        "measurements": [measurement(each) for each in trial.measurements],
    }

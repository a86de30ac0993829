"""Which session options to use, and the evidence."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from onnxtool.benchmark.document import failure as failure_of
from onnxtool.benchmark.document import machine, options, scenario, surroundings
from onnxtool.benchmark.doubts import noise_doubts
from onnxtool.benchmark.tune import Trial, Tuning
from onnxtool.render.document import Align, Block, Facts, Heading, Paragraph, Table, Tone
from onnxtool.render.scenario import failed, settings, title
from onnxtool.render.units import between, noise
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
        ("option", "ratio", "95 % interval", "noise floor", "verdict", ""),
        tuple(_row(trial) for trial in found.trials),
        (Align.LEFT, Align.RIGHT, Align.RIGHT, Align.RIGHT),
        lesser=("noise floor",),
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
    for name, size in options.free_dimensions:
        yield f"--fix {shlex.quote(f'{name}={size}')}"


def _row(trial: Trial) -> tuple[str, ...]:
    found = trial.change
    if found is None:
        return trial.name, "", "", "", f"not run: {trial.problem}", ""
    return (
        trial.name,
        f"{found.ratio:.3f}",
        between(found.interval.low, found.interval.high),
        noise(found.noise_floor),
        found.verdict.value,
        "kept" if trial.is_kept else "",
    )


def tuning(found: Tuning) -> dict[str, object]:
    """The same as JSON."""
    return {
        "schema": SCHEMA,
        "scenario": scenario(found.scenario),
        "begun_with": options(found.scenario.options),
        "use": options(found.best),
        "trials": [_trial(trial) for trial in found.trials],
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
    }

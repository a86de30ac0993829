"""What was measured, in a few words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from onnxtool.benchmark.result import Failure, Kind, Model, Scenario, Subject
from onnxtool.render.units import count, listed
from onnxtool.runtime.options import SessionOptions


def title(scenario: Scenario) -> str:
    """A scenario in a few words."""
    sizes = " ".join(f"{name}={value}" for name, value in scenario.sizes.items())
    if scenario.kind is Kind.UTTERANCES:
        what = count(scenario.steps, "utterance")
    elif scenario.kind is Kind.STREAM:
        what = f"{scenario.graph}, step of {scenario.steps}"
    elif scenario.real_audio and scenario.shapes:
        # Of what was given, nobody asked for a size: that of the largest input says the most.
        name, shape = max(scenario.shapes.items(), key=lambda item: math.prod(item[1]))
        what = f"{scenario.graph} {name}=[{','.join(map(str, shape))}]"
    else:
        what = scenario.graph
    return " ".join(part for part in (what, sizes, f"threads={scenario.options.threads}") if part)


def settings(options: SessionOptions) -> str:
    """The options of a session: threads, and what is not ONNX Runtime's default."""
    where = f" pinned to {listed(map(str, options.cores))}" if options.cores else ", not pinned"
    changed = [
        text
        for text, is_changed in (
            (f"optimization {options.optimization}", options.optimization != "all"),
            ("no spinning", not options.spinning),
            ("no arena", not options.arena),
            ("no pre-packing", not options.prepacking),
            ("parallel execution", options.parallel),
        )
        if is_changed
    ]
    fixed = [f"{name} fixed at {value}" for name, value in options.free_dimensions]
    threads = count(options.threads, "thread") + where
    return " · ".join((threads, *changed, *fixed))


def audio_of_a_sample(scenario: Scenario) -> float | None:
    """Seconds of audio that one sample is about, or None."""
    if scenario.kind is Kind.UTTERANCES:
        return scenario.pass_audio_s
    if not scenario.audio_s:
        return None
    # The audio of a run is that of its batch; that of a step is how long there is for it.
    return scenario.audio_s[0] * (scenario.batch if scenario.kind is Kind.STREAM else 1)


def failed(failure: Failure, models: Mapping[Subject, Model]) -> str:
    """What could not be measured, of which of two models, and why."""
    what = failure.graph or "utterances"
    if failure.subject is not Subject.CANDIDATE:
        path = models[Subject.REFERENCE].path
        what = path if Path(path).name == what else f"{what} of {path}"
    sizes = ", ".join(f"{name}={value}" for name, value in failure.sizes.items())
    return f"{what}{f' at {sizes}' if sizes else ''}: {failure.message}"

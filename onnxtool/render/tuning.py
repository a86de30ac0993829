"""Which session options to use, and the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.benchmark.document import options
from onnxtool.benchmark.tune import Trial, Tuning
from onnxtool.render.document import Align, Block, Facts, Heading, Table
from onnxtool.render.scenario import settings, title

SCHEMA = "onnxtool.tuning/1"


def document(found: Tuning) -> Iterator[Block]:
    """The report."""
    yield Heading("Session options", 1, title(found.scenario))
    yield Facts((("begun with", settings(found.scenario.options)), ("use", settings(found.best))))
    yield Heading("Trials", note="each against the best until then, measured in turn")
    yield Table(
        ("option", "ratio", "95 % interval", "noise floor", "verdict", ""),
        tuple(_row(trial) for trial in found.trials),
        (Align.LEFT, Align.RIGHT, Align.RIGHT, Align.RIGHT),
    )


def _row(trial: Trial) -> tuple[str, ...]:
    found = trial.change
    if found is None:
        return trial.name, "", "", "", f"not run: {trial.problem}", ""
    return (
        trial.name,
        f"{found.ratio:.3f}",
        f"{found.interval.low:.3f} … {found.interval.high:.3f}",
        f"±{found.noise_floor:.1%}",
        found.verdict.value,
        "kept" if trial.is_kept else "",
    )


def tuning(found: Tuning) -> dict[str, object]:
    """The same as JSON."""
    return {
        "schema": SCHEMA,
        "begun_with": options(found.scenario.options),
        "use": options(found.best),
        "trials": [_trial(trial) for trial in found.trials],
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

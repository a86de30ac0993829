"""Which session options to use, told to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from onnxtool.benchmark.comparison import Change
from onnxtool.benchmark.result import BenchmarkMethod, Failure, Model, Subject
from onnxtool.benchmark.statistics import Interval
from onnxtool.benchmark.tune import Trial, Tuning
from onnxtool.render import markdown
from onnxtool.render.tuning import arguments, document, tuning
from onnxtool.runtime.options import Optimization
from tests.support.models import SAMPLES
from tests.unit.benchmark.built import ENCODER, MACHINE, QUIET, measurement, noisy

SCHEMA = SAMPLES.parent / "docs" / "json-schemas" / "tuning-1.json"
OPTIONS = ENCODER.options
MEASURED = tuple(
    measurement(noisy(median_s, 0.01, seed=seed), subject)
    for seed, (subject, median_s) in enumerate(
        ((Subject.CANDIDATE, 0.009), (Subject.REFERENCE, 0.01), (Subject.AGAIN, 0.01))
    )
)
FASTER = Change(ENCODER, 0.01, 0.009, 0.9, Interval(0.89, 0.91), 0.01, paired=True)
TUNING = Tuning(
    ENCODER,
    (
        Trial("spinning=off", replace(OPTIONS, spinning=False), FASTER, "", MEASURED),
        Trial("execution=parallel", replace(OPTIONS, parallel=True), None, "refused"),
    ),
)
FAILURES = (Failure(Subject.CANDIDATE, "joint.onnx", {}, "torn"),)


def text(found: Tuning) -> str:
    return markdown.render(tuple(document(found)), max_rows=None).replace("\\", "")


def test_what_to_use_is_told_with_the_evidence() -> None:
    told = text(TUNING)
    assert "- use: 2 threads, not pinned · no spinning" in told
    assert (
        "| spinning=off | 0.900 | 0.890 … 0.910 | ±1.0% | 60.0 MiB → 60.0 MiB | faster | kept |"
        in told
    )
    assert "not run: refused" in told


def test_it_is_told_as_options_to_pass() -> None:
    options = replace(
        OPTIONS,
        optimization=Optimization.BASIC,
        arena=False,
        parallel=True,
        free_dimensions=(("time", 400), ("a b", 1)),
    )
    assert " ".join(arguments(options)) == (
        "--threads 2 --session optimization=basic --session arena=off --session execution=parallel "
        "--fix time=400 --fix 'a b=1'"
    )
    found = replace(TUNING, trials=(Trial("fix time=400", options, FASTER),))
    assert "use them for runs of exactly these sizes" in text(found)


def test_a_machine_that_was_not_quiet_is_told() -> None:
    noisy = replace(TUNING, environment=MACHINE, conditions=replace(QUIET, other_share=0.4))
    assert "not quiet: other processes took 40%" in text(noisy)
    assert "Doubts" not in text(replace(noisy, conditions=QUIET))


def test_what_could_not_be_tried_is_told() -> None:
    told = text(replace(TUNING, failures=FAILURES))
    assert "Not tried: joint.onnx: torn" in told


def test_the_samples_are_there_that_the_evidence_follows_from() -> None:
    first, second = json.loads(json.dumps(tuning(TUNING)))["trials"]
    samples = [each["processes"][0]["blocks_s"] for each in first["measurements"]]
    assert samples == [[list(block) for block in m.processes[0].blocks_s] for m in MEASURED]
    assert second["measurements"] == []


@pytest.mark.parametrize(
    "found",
    [
        TUNING,
        replace(
            TUNING,
            environment=MACHINE,
            conditions=QUIET,
            failures=FAILURES,
            interrupted=True,
            model=Model("encoder.onnx", {"encoder.onnx": "0" * 64}),
            method=BenchmarkMethod(),
        ),
    ],
)
def test_it_follows_the_published_schema(found: Tuning) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(tuning(found))), schema)

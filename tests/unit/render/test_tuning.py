"""Which session options to use, told to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema

from onnxtool.benchmark.comparison import Change
from onnxtool.benchmark.statistics import Interval
from onnxtool.benchmark.tune import Trial, Tuning
from onnxtool.render import markdown
from onnxtool.render.tuning import document, tuning
from tests.support.models import SAMPLES
from tests.unit.benchmark.built import ENCODER

SCHEMA = SAMPLES.parent / "docs" / "json-schemas" / "tuning-1.json"
OPTIONS = ENCODER.options
FASTER = Change(ENCODER, 0.01, 0.009, 0.9, Interval(0.89, 0.91), 0.01, paired=True)
TUNING = Tuning(
    ENCODER,
    (
        Trial("spinning=off", replace(OPTIONS, spinning=False), FASTER),
        Trial("execution=parallel", replace(OPTIONS, parallel=True), None, "refused"),
    ),
)


def test_what_to_use_is_told_with_the_evidence() -> None:
    told = markdown.render(tuple(document(TUNING)), max_rows=None)
    assert "- use: 2 threads, not pinned · no spinning" in told
    assert "| spinning=off | 0.900 | 0.890 … 0.910 | ±1.0% | faster | kept |" in told
    assert "not run: refused" in told


def test_it_follows_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(tuning(TUNING))), schema)

"""The verdict of `verify`, as people and programs read it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest

from onnxtool.comparison.agreement import Agreement, Divergence, UtteranceAgreement
from onnxtool.comparison.bisection import Bisection
from onnxtool.comparison.bundles import BundleVerification
from onnxtool.comparison.trials import Trial
from onnxtool.comparison.values import Flips, ValueDifference
from onnxtool.comparison.verification import Drift, OutputVerdict, TrialResult, Verification
from onnxtool.render import markdown
from onnxtool.render.verification import document, number
from onnxtool.render.verification_json import verification
from onnxtool.speech.decoding import Emission

SCHEMA = Path(__file__).parents[3] / "docs" / "json-schemas" / "verify-1.json"
TRIAL = Trial({"time": 97, "batch": 2}, 3)
WORST = ValueDifference(100, 7, 0.5, 0.25, 12.5, 0.99, where=(0, 3))
BAD = OutputVerdict("logits", WORST, TRIAL, 4, 1e-4, 100, Flips(81, 2, 0.125))
RESHAPED = ValueDifference(
    4, 4, math.inf, math.inf, -math.inf, 0.0, problem="[4] in one, [5] in the other"
)
LOST = OutputVerdict("other", RESHAPED, TRIAL, 0, 1e-4, 0)
FAILED = Verification(
    Path("a.onnx"),
    Path("b.onnx"),
    (),
    (
        TrialResult(TRIAL, 5),
        TrialResult(TRIAL, 0, refused="too short"),
        TrialResult(TRIAL, 0, failed="no kernel"),
    ),
    (BAD, LOST),
    1e-4,
    Drift((0.0, 0.1, 0.25), 1, "logits"),
    Bisection("v", "node_3", "Conv", 0.3, "u", 900, 1000, 4, 2048),
)
EMISSION = Emission(7, 3, 2, 1.5, 0.25)
FOLDER = BundleVerification(
    Path("a"),
    Path("b"),
    (("joint.onnx", FAILED),),
    ("lost.onnx",),
    Agreement(
        (
            UtteranceAgreement("000", 64, (7,), (), 1, Divergence(0, EMISSION, None)),
            UtteranceAgreement("unchanged", 80, (1,), (1,), 0, None),
        ),
        "f.npz",
    ),
)
UNFIT = Verification(Path("a.onnx"), Path("b.onnx"), ("output `y` is gone",), (), (), 1e-4)


def text(found: Verification | BundleVerification) -> str:
    return markdown.render(document(found), max_rows=None).replace("\\", "")


@pytest.mark.parametrize("found", [FAILED, FOLDER, UNFIT], ids=["graph", "folder", "misfit"])
def test_json_is_what_the_schema_promises(found: Verification | BundleVerification) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads(json.dumps(verification(found), allow_nan=False))
    jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)
    assert written["verdict"] == "failed"


@pytest.mark.parametrize(
    "part",
    [
        "b.onnx for a.onnx: failed",
        "0.25",  # error
        "12.5",  # dB
        "2 of 81, margin up to 0.125",
        "seed 3 at time=97 batch=2, call 4",
        "[4] in one, [5] in the other",
        "random (weak evidence)",
        "by the reference, seed 3 at time=97 batch=2: too short",
        "proves too little: `other` never held a finite value",
        "the candidate fails: no kernel",
        "call 1: `logits`",
        "node_3 (Conv)",
        "4 rounds over 900 of 1,000 values, 2.00 KiB of taps at most",
    ],
)
def test_a_failure_says_how_much_and_where(part: str) -> None:
    assert part in text(FAILED)


def test_a_misfit_is_all_that_is_said() -> None:
    assert "output `y` is gone" in text(UNFIT)
    assert "tried" not in text(UNFIT)


@pytest.mark.parametrize(
    "part",
    [
        "b for a: failed",
        "no counterpart of lost.onnx",
        "end to end: failed",
        "2 in the reference, 1 edits",
        "token 0: 7 at frame 3 for 2 (margins 1.5 and 0.25) became the end",
        "joint.onnx: failed",
    ],
)
def test_a_folder_says_which_tokens_and_graphs(part: str) -> None:
    assert part in text(FOLDER)
    assert "unchanged" not in text(FOLDER)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (1e-6, "1e-06"), (math.inf, "∞"), (-math.inf, "-∞"), (math.nan, "nan")],
)
def test_numbers_are_short(value: float, written: str) -> None:
    assert number(value) == written

"""The verdict of `verify`, as JSON: written field by field, as docs/json-schemas/verify-1.json."""

from __future__ import annotations

import math

from onnxtool.comparison.agreement import Agreement, UtteranceAgreement
from onnxtool.comparison.bisection import Bisection
from onnxtool.comparison.bundles import BundleVerification
from onnxtool.comparison.verification import Drift, OutputVerdict, TrialResult, Verification
from onnxtool.speech.decoding import Emission

SCHEMA = "onnxtool.verify/1"


def verification(found: Verification | BundleVerification) -> dict[str, object]:
    """The whole result."""
    if isinstance(found, Verification):
        graphs = [_graph(found.reference.name, found)]
        missing: tuple[str, ...] = ()
        misfits: tuple[str, ...] = ()
        agreed: Agreement | None = None
    else:
        graphs = [_graph(name, graph) for name, graph in found.graphs]
        missing, misfits, agreed = found.missing, found.misfits, found.agreement
    return {
        "schema": SCHEMA,
        "reference": str(found.reference),
        "candidate": str(found.candidate),
        "verdict": found.verdict.value,
        "graphs": graphs,
        "missing": list(missing),
        "misfits": list(misfits),
        "end_to_end": _agreement(agreed) if agreed else None,
    }


def _graph(name: str, found: Verification) -> dict[str, object]:
    return {
        "graph": name,
        "verdict": found.verdict.value,
        "evidence": found.evidence,
        "tolerance": found.tolerance,
        "misfits": list(found.misfits),
        "doubts": list(found.doubts),
        "trials": [_trial(result) for result in found.trials],
        "outputs": [_output(output) for output in found.outputs],
        "drift": _drift(found.drift) if found.drift else None,
        "first_node": _bisection(found.bisection) if found.bisection else None,
    }


def _trial(result: TrialResult) -> dict[str, object]:
    return {
        "sizes": dict(result.trial.sizes),
        "seed": result.trial.seed,
        "evidence": result.trial.evidence,
        "calls": result.steps,
        "refused": result.refused or None,
        "failed": result.failed or None,
    }


def _output(output: OutputVerdict) -> dict[str, object]:
    worst = output.worst
    return {
        "name": output.name,
        "passed": output.passed,
        "error": finite(worst.error),
        "tolerance": output.tolerance,
        "max_abs": finite(worst.max_abs),
        "snr_db": finite(worst.snr_db),
        "cosine": worst.cosine,
        "elements": worst.elements,
        "compared": output.compared,
        "differing": worst.differing,
        "nonfinite": worst.nonfinite,
        "problem": worst.problem or None,
        "index": list(worst.where),
        "seed": output.trial.seed,
        "call": output.step,
        "flips": None
        if output.flips is None
        else {
            "rows": output.flips.rows,
            "flipped": output.flips.flipped,
            "largest_margin": finite(output.flips.largest_margin),
        },
    }


def _drift(drift: Drift) -> dict[str, object]:
    return {
        "errors": [finite(error) for error in drift.errors],
        "slope": finite(drift.slope),
        "last_over_first": finite(drift.last_over_first),
        "first_call_out": drift.first_step,
        "first_output_out": drift.first_output or None,
    }


def _bisection(found: Bisection) -> dict[str, object]:
    return {
        "value": found.value or None,
        "node": found.node or None,
        "operator": found.operator or None,
        "error": finite(found.error),
        "last_good": found.last_good or None,
        "candidates": found.candidates,
        "values": found.values,
        "rounds": found.rounds,
        "largest_bytes": found.largest_bytes,
    }


def _agreement(found: Agreement) -> dict[str, object]:
    return {
        "verdict": found.verdict.value,
        "evidence": found.evidence,
        "tokens": found.tokens,
        "edits": found.edits,
        "utterances": [_utterance(utterance) for utterance in found.utterances],
    }


def _utterance(found: UtteranceAgreement) -> dict[str, object]:
    part = found.divergence
    return {
        "name": found.name,
        "frames": found.frames,
        "reference": list(found.reference),
        "candidate": list(found.candidate),
        "edits": found.edits,
        "first_divergence": part
        and {
            "index": part.index,
            "reference": _emission(part.reference),
            "candidate": _emission(part.candidate),
        },
    }


def _emission(emission: Emission | None) -> dict[str, object] | None:
    if emission is None:
        return None
    margin = emission.duration_margin
    return {
        "token": emission.token,
        "frame": emission.frame,
        "duration": emission.duration,
        "token_margin": finite(emission.token_margin),
        "duration_margin": None if margin is None else finite(margin),
    }


def finite(value: float) -> float | str:
    """A JSON number, or the name of what JSON has no number for."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value

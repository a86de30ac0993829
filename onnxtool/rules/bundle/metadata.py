"""B: `model_meta.json`, field by field, by itself and against the graphs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from onnxtool.model.families import Role
from onnxtool.model.metadata import MEND, Metadata, wrong_value
from onnxtool.model.wiring import ACOUSTIC
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.bundle.schema import (
    BLOCKS,
    SCHEMA,
    Test,
    field,
    holds,
    is_object,
    is_size,
    is_text,
    is_told,
)
from onnxtool.rules.examples.graphs import ADD, folder
from onnxtool.rules.rule import bundle_rule
from onnxtool.rules.subject import BundleSubject
from onnxtool.rules.transducer import joint_width, token_counts

LAYOUT = "tensor_layout_contract"
# What the layout of a graph's tensors begins with, by role.
LAID_OUT: Mapping[Role, str] = {
    Role.ENCODER: "encoder",
    Role.STREAMING_ENCODER: "encoder",
    Role.PREDICTOR: "predictor",
    Role.JOINT: "joint",
}
HEALTHY: Mapping[str, object] = {
    "model_name": "words",
    "sample_rate": 16000,
    "labels": [],
    "blank_id": 4,
    "tokenizer_vocab_size": 4,
    "torch_version": "2.6.0",
    "features": {"type": "log-mel", "n_fft": 512, "n_mels": 80, "hop_length": 160},
    "tensor_layout_contract": {"encoder_input": "x: [2]"},
}


def required(bundle: BundleSubject) -> Metadata:
    """The metadata of a folder.

    Raises:
        Skipped: There is none.
    """
    if bundle.bundle.metadata is None:
        raise Skipped("no model_meta.json that can be read")
    return bundle.bundle.metadata


def at(name: str) -> str:
    """The location of a field."""
    return f"model_meta.json:{name}"


@bundle_rule(
    "B001",
    "incomplete-metadata",
    severity=Severity.ERROR,
    fix="Write the field, and let the exporter fail where it does not know one.",
    bad=folder({"a.onnx": ADD, "model_meta.json": {**HEALTHY, "blank_id": "4"}}),
    good=folder({"a.onnx": ADD, "model_meta.json": HEALTHY}),
)
def incomplete_metadata(bundle: BundleSubject) -> Iterator[Problem]:
    """A field of the metadata is missing, null, empty or of the wrong type.

    A host that reads `duration_values: null` of a model with durations guesses, and guesses in
    silence; one that finds no such field does the same. Fields that a model can do without, because
    its graphs or its vocabulary say the same, are a warning.
    """
    fields = required(bundle).fields
    broken = [name for name in BLOCKS if not isinstance(fields.get(name), Mapping)]
    for name in broken:
        yield _unlike(bundle, name, "an object", is_object)
    for name, rule in SCHEMA.items():
        value = field(fields, name)
        is_right = rule.is_typed(value) and rule.is_right(value)
        if name.partition(".")[0] in broken or is_right:
            continue
        if name == "duration_values" and value == () and _scores_of_durations(bundle) == 0:
            continue
        severity = Severity.ERROR
        if value is None and rule.optional:
            if not holds(fields, name) and not _is_of_use(bundle, name):
                continue
            severity = _without(bundle, name)
        yield _unlike(bundle, name, rule.wanted, rule.is_typed, severity)
    yield from _layouts(bundle, fields)


def _unlike(
    bundle: BundleSubject,
    name: str,
    wanted: str,
    is_typed: Test,
    severity: Severity = Severity.ERROR,
) -> Problem:
    """What is said of a field that is not what is wanted; of another type, nothing can read it."""
    metadata = required(bundle)
    message = f"`{name}` is {_state(metadata.fields, name)}, where {wanted} belongs"
    value, error = field(metadata.fields, name), None
    if value is not None and not is_typed(value):
        error = wrong_value(metadata.path, name.split("."), message, hint=MEND)
    return Problem(message, at(name), severity, error=error)


def _state(fields: Mapping[str, object], name: str) -> str:
    value = field(fields, name)
    if value is None:
        return "null" if holds(fields, name) else "missing"
    return f"{json.dumps(value, ensure_ascii=False):.60}"


def _is_of_use(bundle: BundleSubject, name: str) -> bool:
    """Whether the folder has a graph that the field is about."""
    users = SCHEMA[name].users
    if not users:
        return True
    if not bundle.having(*users):
        return False
    return name != "duration_values" or _scores_of_durations(bundle) != 0


def _without(bundle: BundleSubject, name: str) -> Severity:
    """An error where the joint has durations that nobody names."""
    has_durations = name == "duration_values" and (_scores_of_durations(bundle) or 0) > 0
    return Severity.ERROR if has_durations else Severity.WARNING


def _scores_of_durations(bundle: BundleSubject) -> int | None:
    """How many scores the joint gives beyond tokens and blank; None where nothing tells."""
    width = joint_width(bundle.bundle)
    tokens = [count.value for count in token_counts(bundle.bundle, bundle.contract)]
    if width is None or not isinstance(width.value, int) or not tokens:
        return None
    return max(width.value - max(tokens) - 1, 0)


def _layouts(bundle: BundleSubject, fields: Mapping[str, object]) -> Iterator[Problem]:
    """The layouts, which each graph of a transducer should have two of."""
    layouts = fields.get(LAYOUT)
    parts = dict.fromkeys(part for role, part in LAID_OUT.items() if bundle.having(role))
    if layouts is None and LAYOUT not in fields:
        if parts:
            message = f"`{LAYOUT}` is missing, where an object of texts belongs"
            yield Problem(message, at(LAYOUT), Severity.WARNING)
        return
    if not isinstance(layouts, Mapping):
        yield _unlike(bundle, LAYOUT, "an object of texts", is_object)
        return
    for part in parts:
        for name in (f"{LAYOUT}.{part}_input", f"{LAYOUT}.{part}_output"):
            if not holds(fields, name):
                message = f"`{name}` is missing, where a text belongs"
                yield Problem(message, at(name), Severity.WARNING)
    for name, value in layouts.items():
        if not is_told(value):
            yield _unlike(bundle, f"{LAYOUT}.{name}", "a text", is_text)


@bundle_rule(
    "B003",
    "contradictory-features",
    severity=Severity.ERROR,
    fix="Take the features' parameters from the checkpoint that was exported.",
    bad=folder(
        {
            "a.onnx": ADD,
            "model_meta.json": {**HEALTHY, "features": {"n_fft": 256, "hop_length": 160}},
        }
    ),
    good=folder({"a.onnx": ADD, "model_meta.json": HEALTHY}),
)
def contradictory_features(bundle: BundleSubject) -> Iterator[Problem]:
    """Sample rate, window, hop and mel bands do not fit each other, or the encoder's input.

    1. `n_mels` is the second axis of the encoder's input.
    2. NeMo's windows are 25 ms and `n_fft` is the next power of two; a shorter one cuts the window.
    3. The hop is 10 ms: with another, durations and timestamps are off by the same factor.
    """
    fields = required(bundle).fields
    yield from _bands(bundle, field(fields, "features.n_mels"))  # 1
    rate, n_fft, hop = (
        field(fields, name) for name in ("sample_rate", "features.n_fft", "features.hop_length")
    )
    if not is_size(rate):
        return
    if rate not in {8000, 16000, 22050, 24000, 32000, 44100, 48000}:
        yield Problem(f"`sample_rate` is {rate} Hz, which nothing records in", at("sample_rate"))
    window = round(0.025 * rate)
    if is_size(n_fft) and n_fft < window:  # 2
        message = f"`n_fft` is {n_fft}, shorter than a window of {window} samples at `sample_rate`"
        yield Problem(message, at("features.n_fft"))
    elif is_size(n_fft) and n_fft != 1 << (window - 1).bit_length():
        windows = f"windows of {window} samples at `sample_rate`"
        message = f"`n_fft` is {n_fft}, and NeMo's for {windows} is another"
        yield Problem(message, at("features.n_fft"), Severity.WARNING)
    if is_size(hop) and hop * 100 != rate:  # 3
        ms = 1000 * hop / rate
        message = f"`hop_length` is {hop}, {ms:g} ms at the `sample_rate` of {rate}: usual are 10"
        yield Problem(message, at("features.hop_length"), Severity.WARNING)


def _bands(bundle: BundleSubject, n_mels: object) -> Iterator[Problem]:
    """Case 1: features [B, n_mels, T]; an axis that is dynamic takes any."""
    for graph in bundle.having(*ACOUSTIC) if is_size(n_mels) else ():
        for spec in graph.signature.free_inputs:
            size = spec.shape[1] if spec.shape and len(spec.shape) == 3 else None
            if isinstance(size, int) and size != n_mels:
                message = f"`n_mels` is {n_mels}, `{spec.name}` of {graph.name} has {size}"
                yield Problem(message, at("features.n_mels"))

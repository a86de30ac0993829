"""M: the metadata that runtimes read from the graph's own file, `metadata_props`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

from onnxtool.model.families import Role
from onnxtool.model.wiring import ACOUSTIC, JOINTS
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.contents.expectations import expectations
from onnxtool.rules.examples.graphs import ADD, HEADER, folder
from onnxtool.rules.joint.vocabulary import VOCABULARY, joint
from onnxtool.rules.rule import bundle_rule, graph_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject
from onnxtool.rules.target import Target
from onnxtool.rules.transducer import joint_width, token_counts


def encoder(**properties: str) -> str:
    """An encoder with these metadata_props."""
    entries = ", ".join(f'"{key}": "{value}"' for key, value in properties.items())
    return (
        HEADER.replace(">", f", metadata_props: [{entries}]>")
        + """
        encoder (float[B, 80, T] audio_signal, int64[B] length)
        => (float[B, 80, T] outputs, int64[B] encoded_lengths) {
            outputs = Identity(audio_signal)
            encoded_lengths = Identity(length)
        }"""
    )


SHERPA = {
    "vocab_size": "4",
    "subsampling_factor": "8",
    "normalize_type": "per_feature",
    "pred_rnn_layers": "1",
    "pred_hidden": "2",
}


@graph_rule(
    "M003",
    "missing-runtime-metadata",
    severity=Severity.ERROR,
    roles=(*ACOUSTIC, Role.PREDICTOR),
    fix="Write the keys into the graph's metadata_props after the export.",
    bad=encoder(),
    good=encoder(**SHERPA),
)
def missing_runtime_metadata(graph: GraphSubject) -> Iterator[Problem]:
    """A key that a runtime reads from `metadata_props` is missing, no number, or wrong.

    NeMo's export writes none, and sherpa-onnx ends the process at the first that it misses. Keys
    that are there are held against the graphs, whatever the target: the vocabulary, the states and
    caches, the subsampling by the strides over time, the features' width, the frames of a call and
    the schedule where one is promised, and whether the model is a transducer. So are those of
    icefall's decoder, which sherpa-onnx reads besides the encoder's: its vocabulary counts the
    blank, and its context is how many ids a call takes.
    """
    found = graph.view.metadata_props
    wanted = [
        (target, required.metadata)
        for target in graph.settings.targets
        if (required := target.graph(graph.signature.role, graph.signature.family))
        and required.metadata
    ]
    known = [each for each in expectations(graph) if each.key in found] if found else []
    if not wanted and not known and "model_type" not in found:
        raise Skipped(graph.settings.unasked("no target reads its metadata_props", "--target"))
    wrong = [problem for target, keys in wanted for problem in _unread(target, keys, found)]
    yield from wrong
    reported = {problem.location for problem in wrong}
    for expected in known:
        at, text = f"metadata_props:{expected.key}", found[expected.key]
        # -1 is "not said".
        is_number = re.fullmatch(r"-?\d{1,18}", text) is not None
        if at not in reported and not (is_number and (int(text) == -1 or expected.fits(int(text)))):
            reported.add(at)
            yield Problem(f"`{expected.key}` is {text!r:.40}, and {expected.evidence}", at)
    yield from _wrong_kind(graph, found.get("model_type", ""))


def _unread(
    target: Target, keys: Mapping[str, str | tuple[str, ...]], found: Mapping[str, str]
) -> Iterator[Problem]:
    """Keys that a runtime misses, or cannot read."""
    for key, kind in keys.items():
        at = f"metadata_props:{key}"
        if key not in found:
            message = f"no `{key}` in metadata_props{target.saying('metadata', key)}"
            yield Problem(message, at)
        elif kind == "integer" and not re.fullmatch(r"-?\d+", found[key]):
            message = f"`{key}` is {found[key]!r:.40}, where {target.name} reads an integer"
            yield Problem(message, at)
        elif kind == "integers" and not re.fullmatch(r"-?\d+(?:,-?\d+)*", found[key]):
            message = f"`{key}` is {found[key]!r:.40}, where {target.name} reads integers"
            yield Problem(f"{message}, with commas between them", at)
        elif isinstance(kind, tuple) and found[key] not in kind:
            choice = ", ".join(map(repr, kind))
            message = f"`{key}` is {found[key]!r:.40}, and {target.name} knows {choice} only"
            yield Problem(message + target.saying(key, found[key]), at)


def _wrong_kind(graph: GraphSubject, model_type: str) -> Iterator[Problem]:
    """NeMo's classes, of which hybrid ones have both decoders: EncDecRNNTBPEModel and so on."""
    names = {name for name in ("CTC", "RNNT", "TDT") if name in model_type}
    joints = [
        member.name
        for member in (graph.bundle.models if graph.bundle else ())
        if member.signature.role in JOINTS
    ]
    if not model_type.startswith("EncDec") or not names:
        return
    at = "metadata_props:model_type"
    if names == {"CTC"} and joints and graph.signature.role is not Role.CTC:
        yield Problem(f"`model_type` is {model_type!r:.60}, and {joints[0]} is a transducer's", at)
    elif "CTC" not in names and graph.signature.role is Role.CTC:
        yield Problem(f"`model_type` is {model_type!r:.60}, and this graph is a CTC model", at)


@bundle_rule(
    "M004",
    "misleading-url",
    severity=Severity.ERROR,
    fix="Write `tdt` into the encoder's `url` if the joint has durations, and not if it has none.",
    bad=folder(
        {
            "encoder.onnx": encoder(**SHERPA, url="parakeet-rnnt"),
            "joint.onnx": joint(7),
            "vocab.txt": VOCABULARY,
        }
    ),
    good=folder(
        {
            "encoder.onnx": encoder(**SHERPA, url="parakeet-tdt"),
            "joint.onnx": joint(7),
            "vocab.txt": VOCABULARY,
        }
    ),
)
def misleading_url(bundle: BundleSubject) -> Iterator[Problem]:
    """The encoder's `url` says TDT, and the joint has no durations; or the other way round.

    sherpa-onnx tells the two apart by the letters `tdt` in that text, and then refuses a joint that
    has another width than it expects: a good model does not load.
    """
    target = next((target for target in bundle.settings.targets if target.tdt_in_url), None)
    encoders = bundle.having(*ACOUSTIC)
    urls = {graph.name: graph.view.metadata_props.get("url") for graph in encoders}
    if not target and not any(urls.values()):
        reason = "no encoder has a `url`, and no target reads it"
        raise Skipped(bundle.settings.unasked(reason, "--target sherpa-onnx"))
    width = joint_width(bundle.bundle)
    tokens = next(token_counts(bundle.bundle, bundle.contract), None)
    if width is None or tokens is None or not isinstance(width.value, int):
        raise Skipped("nothing says whether the joint has durations")
    durations = width.value - tokens.value - 1
    for name, url in urls.items():
        if (durations > 0) != ("tdt" in (url or "")):
            said = f"`url` is {url!r}" if url is not None else "no `url`"
            message = f"{said}, and {width.source} has {durations} scores of durations"
            yield Problem(message, "metadata_props:url", model=name)


@bundle_rule(
    "B008",
    "missing-runtime-file",
    severity=Severity.ERROR,
    fix="Give the files the names that the runtime looks for.",
    bad=folder({"encoder.onnx": ADD}),
    good=folder(
        {
            "encoder-model.onnx": ADD,
            "decoder_joint-model.int8.onnx": ADD,
            "vocab.txt": VOCABULARY,
            "config.json": {"model_type": "nemo-conformer-tdt"},
        }
    ),
)
def missing_runtime_file(bundle: BundleSubject) -> Iterator[Problem]:
    """A file that a runtime looks for by its name is not in the folder.

    onnx-asr finds graphs by the pattern of their names, and more than one match is an error, too.
    """
    targets = [target for target in bundle.settings.targets if target.files]
    if not targets:
        reason = "no target finds files by name"
        raise Skipped(bundle.settings.unasked(reason, "--target onnx-asr"))
    families = {graph.signature.family for graph in bundle.graphs if graph.signature.family}
    targets = [target for target in targets if not families or target.knows(families)]
    if not targets:
        raise Skipped("what files the target looks for is known of NeMo's models only")
    names = sorted(path.name for path in bundle.bundle.path.iterdir())
    for target in targets:
        for alternatives in target.files:
            found = [name for name in names if any(fnmatch(name, p) for p in alternatives)]
            if not found:
                message = f"no {' or '.join(alternatives)}, which {target.name} looks for"
                yield Problem(message + target.saying("file", alternatives[0]), alternatives[0])

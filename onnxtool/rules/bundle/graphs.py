"""B: graphs and files of one folder must be of one model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from onnxtool.model.families import Role
from onnxtool.model.metadata import VOCABULARY_NAMES
from onnxtool.model.wiring import ENCODERS, SCORED
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.bundle.schema import is_version
from onnxtool.rules.examples.graphs import ADD, HEADER, folder
from onnxtool.rules.joint.vocabulary import VOCABULARY, joint, predictor
from onnxtool.rules.rule import bundle_rule
from onnxtool.rules.subject import BundleSubject


def encoder(value: int, *, streaming: bool = False) -> str:
    """An encoder whose weights begin with a value."""
    caches = ("cache_last_channel", "cache_last_time") if streaming else ()
    inputs = "".join(f", float[B, 2, 4] {name}" for name in caches)
    outputs = "".join(f", float[B, 2, 4] {name}_out" for name in caches)
    copies = "\n".join(f"{name}_out = Identity({name})" for name in caches)
    values = ", ".join(str(value + i % 7) for i in range(512))
    return f"""{HEADER} encoder (float[B, 16, T] audio_signal, int64[B] length{inputs})
        => (float[B, 32, T_enc] encoder_output, int64[B] encoded_lengths{outputs})
        <float[32, 16, 1] w = {{{values}}}> {{
            encoder_output = Conv (audio_signal, w)
            encoded_lengths = Identity(length)
            {copies}
        }}"""


@bundle_rule(
    "B002",
    "unfitting-graphs",
    severity=Severity.ERROR,
    fix="Export all graphs from one checkpoint.",
    bad=folder({"predictor.onnx": predictor("0, 0"), "joint.onnx": joint(7)}),
    good=folder({"encoder.onnx": encoder(1), "encoder_streaming.onnx": encoder(1, streaming=True)}),
)
def unfitting_graphs(bundle: BundleSubject) -> Iterator[Problem]:
    """An output of one graph cannot be the input of the next, or a graph is missing.

    1. Widths of encoder and joint, or of predictor and joint, differ where the graphs of two models
       are in one folder. It shows at the first utterance only.
    2. Of a transducer's encoder, predictor and joint, two are there and one is not, or the joint is
       alone. That is a warning.
    3. The contract promises the interface of a graph that is not in the folder.
    """
    for wire in bundle.bundle.wiring:
        if wire.problem:  # 1
            yield Problem(
                f"`{wire.source}` does not fit `{wire.target}`: {wire.problem}", wire.target
            )
    for missing in missing_parts(bundle):  # 2
        there = "an encoder and a predictor" if missing == "joint" else "a joint"
        article = "an" if missing == "encoder" else "a"
        message = f"there is {there}, and no graph that has the interface of {article} {missing}"
        yield Problem(message, missing, Severity.WARNING)
    contract = bundle.contract
    there_are = {graph.name for graph in bundle.graphs} | set(bundle.unreadable_graphs)
    for name in contract.interfaces if contract else ():  # 3
        if contract and name not in there_are:
            message = f"{contract.path.name} promises `{name}`, which is not in the folder"
            yield Problem(message, name)


def missing_parts(bundle: BundleSubject) -> tuple[str, ...]:
    """What a transducer in parts lacks: `encoder`, `predictor`, `joint`.

    A graph that cannot be read may be the one that seems to be missing.
    """
    if bundle.unreadable_graphs:
        return ()
    encoder, predictor = bundle.having(*ENCODERS), bundle.having(Role.PREDICTOR)
    if bundle.having(Role.JOINT):
        parts = {"encoder": encoder, "predictor": predictor}
        return tuple(part for part, graphs in parts.items() if not graphs)
    whole = bundle.having(Role.DECODER_JOINT)
    return ("joint",) if encoder and predictor and not whole else ()


# Families whose blank has the id after all tokens.
_BLANK_LAST = frozenset({"parakeet-tdt", "nemo", "nemotron-streaming", "gigaam"})


@bundle_rule(
    "B004",
    "unusable-vocabulary",
    severity=Severity.ERROR,
    fix="Write `token id` a line, `<blk>` last, from the tokenizer of the checkpoint.",
    bad=folder({"joint.onnx": joint(7)}),
    good=folder({"joint.onnx": joint(7), "vocab.txt": VOCABULARY}),
)
def unusable_vocabulary(bundle: BundleSubject) -> Iterator[Problem]:
    """Nothing, or nothing usable, turns the ids that the model gives into text.

    1. No vocabulary at all: the exporter looks for it on the decoder, where NeMo has none.
    2. A token twice: two ids, one text, and a model that was trained to tell them apart.
    3. The blank not last, which is where runtimes expect it of NeMo's models; others may have it
       first, as icefall, WeNet and FunASR do. That is a warning.
    4. Tokens with spaces, which readers that split a line at spaces cut. That, too.
    """
    vocabulary = bundle.bundle.vocabulary
    if not bundle.having(*SCORED) and vocabulary is None:
        raise Skipped("no graph of the folder gives tokens")
    for name, _ in bundle.bundle.unreadable:
        if vocabulary is None and name in VOCABULARY_NAMES:
            raise Skipped(f"{name} cannot be read")
    if vocabulary is None:
        metadata = bundle.bundle.metadata
        labels = metadata.fields.get("labels") if metadata else None
        held = [name for kind, name in bundle.bundle.companions if kind == "tokenizer"]
        if not labels and not held:  # 1
            yield Problem("no vocab.txt, tokens.txt or tokenizer, and no `labels`", "vocab.txt")
        return
    where = vocabulary.path.name
    repeated = [token for token, count in Counter(vocabulary.tokens).items() if count > 1]
    for token in repeated[:3]:  # 2
        ids = [i for i, other in enumerate(vocabulary.tokens) if other == token]
        yield Problem(f"{token!r} is the text of the ids {ids}", f"{where}:{ids[1]}")
    last = len(vocabulary.tokens) - 1
    is_nemo = any(graph.signature.family in _BLANK_LAST for graph in bundle.graphs)
    if vocabulary.blank_id not in ({None, last} if is_nemo else {None, last, 0}):  # 3
        message = f"the blank is {vocabulary.blank_id}, and the last id is {last}"
        yield Problem(message, where, Severity.WARNING)
    spaced = [text for text in vocabulary.tokens if re.search(r"\S\s|\s\S|^\s$", text)]
    if spaced:  # 4
        message = f"{len(spaced)} tokens hold spaces, {spaced[0]!r} first"
        yield Problem(message, where, Severity.WARNING)


@bundle_rule(
    "B007",
    "mixed-exports",
    severity=Severity.INFO,
    fix="Export all graphs in one go, and record the versions of that.",
    bad=folder({"a.onnx": ADD, "b.onnx": ADD.replace("17]", "18]")}),
    good=folder({"a.onnx": ADD, "b.onnx": ADD}),
)
def mixed_exports(bundle: BundleSubject) -> Iterator[Problem]:
    """Graphs of one folder come from different exporters, or versions of operators.

    No fault by itself, but it tells of a graph that was replaced alone. A `torch_version` that is
    not the one that wrote the graphs is a warning: the metadata is of another export.
    """
    protos = {graph.name: graph.view.proto for graph in bundle.graphs}
    for what, values in {
        "producers": {
            name: f"{p.producer_name} {p.producer_version}" for name, p in protos.items()
        },
        "operator sets": {
            graph.name: str(graph.view.opset_imports.get("")) for graph in bundle.graphs
        },
        "IR versions": {name: str(proto.ir_version) for name, proto in protos.items()},
    }.items():
        if len(set(values.values())) > 1:
            shown = ", ".join(f"{value.strip()} of {name}" for name, value in values.items())
            yield Problem(f"different {what}: {shown}", what)
    metadata = bundle.bundle.metadata
    recorded = metadata.fields.get("torch_version") if metadata else None
    written = {p.producer_version for p in protos.values() if p.producer_name == "pytorch"}
    if is_version(recorded) and written and recorded.split("+")[0] not in written:
        message = (
            f"`torch_version` is {recorded}, and {', '.join(sorted(written))} wrote the graphs"
        )
        yield Problem(message, "model_meta.json:torch_version", Severity.WARNING)

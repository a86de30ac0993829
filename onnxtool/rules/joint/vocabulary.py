"""J: how wide the joint is, which id is the blank, and what a duration means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnxtool.errors import OnnxToolError
from onnxtool.model.payload import pieces, read_row
from onnxtool.model.stored_tensors import StoredTensor
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import JOINTS
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.examples.graphs import HEADER, folder
from onnxtool.rules.rule import bundle_rule, graph_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject
from onnxtool.rules.transducer import (
    BLANK_AS_PADDING,
    blank_ids,
    durations,
    embeddings,
    integer_field,
    logits,
    token_counts,
)


def joint(width: int | str) -> str:
    """A joint of so many scores."""
    weight = f"<float[4, {width}] w>" if isinstance(width, int) else "<float[4, 7] w>"
    return f"""{HEADER} joint (float[B, 4, T] encoder_output, float[B, 4, T] predictor_output)
        => (float[B, T, 1, {width}] joint_output) {weight} {{
            axis = Constant <value = int64[1] {{2}}> ()
            both = Add(encoder_output, predictor_output)
            turned = Transpose <perm = [0, 2, 1]> (both)
            hidden = Unsqueeze(turned, axis)
            joint_output = MatMul(hidden, w)
        }}"""


def predictor(blank_row: str) -> str:
    """A predictor of four tokens and the blank."""
    return f"""{HEADER} predictor (int64[B, U] y, float[1, B, 2] h, float[1, B, 2] c)
        => (float[B, 2, U] g, float[1, B, 2] h_out, float[1, B, 2] c_out)
        <float[5, 2] embedding = {{1, 2, 3, 4, 5, 6, 7, 8, {blank_row}}}> {{
            rows = Gather(embedding, y)
            g = Transpose <perm = [0, 2, 1]> (rows)
            h_out = Identity(h)
            c_out = Identity(c)
        }}"""


VOCABULARY = "a 0\nb 1\nc 2\nd 3\n<blk> 4\n"
FIELDS: Mapping[str, object] = {"blank_id": 4, "duration_values": [0, 1]}


@graph_rule(
    "J003",
    "unlike-vocabulary-size",
    severity=Severity.ERROR,
    roles=JOINTS,
    fix="Ship joint, vocabulary and metadata of one export, the last axis of the joint static.",
    bad=folder({"joint.onnx": joint(8), "vocab.txt": VOCABULARY, "model_meta.json": FIELDS}),
    good=folder({"joint.onnx": joint(7), "vocab.txt": VOCABULARY, "model_meta.json": FIELDS}),
)
def unlike_vocabulary_size(graph: GraphSubject) -> Iterator[Problem]:
    """The joint does not give one score for each token, the blank and each duration.

    The last axis must be `tokens + 1 + durations`, 8192 + 1 + 5 = 8198 say: the host cuts it there,
    and a joint of another vocabulary decodes to words all the same. Held against the vocabulary,
    the metadata, the contract and the predictor's embedding. An axis without a size is a failure,
    too: nothing can be held against it.
    """
    spec = logits(graph.signature)
    if spec is None or not spec.shape:
        raise Skipped("no output with a shape")
    width = spec.shape[-1]
    where = f"{spec.name}:{len(spec.shape) - 1}"
    if not isinstance(width, int):
        yield Problem(f"the last axis of `{spec.name}` has no fixed size: {width or '?'}", where)
        return
    declared = integer_field(graph.bundle, "joint_vocab_size")
    if declared is not None and declared != width:
        message = f"`{spec.name}` gives {width} scores, `joint_vocab_size` says {declared}"
        yield Problem(message, "model_meta.json:joint_vocab_size")
    counts = list(token_counts(graph.bundle, graph.contract))
    if not counts and declared is None:
        raise Skipped("nothing says how many tokens there are")
    steps = durations(graph.bundle, graph.contract)
    for count in counts:
        expected = count.value + 1 + (len(steps.value) if steps else 0)
        # Without known durations, the joint may have some.
        if width != expected and (steps or width < expected):
            plus = f" and {len(steps.value)} durations of {steps.source}" if steps else ""
            message = f"`{spec.name}` gives {width} scores; {count}, which with the blank{plus}"
            yield Problem(f"{message} makes {expected}", where)


@bundle_rule(
    "J004",
    "contradictory-blank",
    severity=Severity.ERROR,
    fix="Correct `blank_id`; for NeMo's models it is the number of tokens.",
    bad=folder(
        {
            "predictor.onnx": predictor("0, 0"),
            "vocab.txt": VOCABULARY,
            "model_meta.json": {"blank_id": 0},
        }
    ),
    good=folder(
        {"predictor.onnx": predictor("0, 0"), "vocab.txt": VOCABULARY, "model_meta.json": FIELDS}
    ),
)
def contradictory_blank(bundle: BundleSubject) -> Iterator[Problem]:
    """The files of a model do not agree on which id is the blank, or its embedding is not zero.

    With another id the decoder emits blanks as words and never advances. Exporters fall back on 0
    where they find none. In NeMo's predictors the blank has a row of zeros, the last: a table where
    it is not zero belongs to another model, or was damaged. Only that row is read.
    """
    claims = list(blank_ids(bundle.bundle, bundle.contract))
    if not claims:
        raise Skipped("nothing says which id is the blank")
    if len({claim.value for claim in claims}) > 1:
        fallback = "; 0 is what exporters write when they find none" * (claims[0].value == 0)
        where = "model_meta.json:blank_id" if "blank_id" in claims[0].source else "blank_id"
        yield Problem("; ".join(map(str, claims)) + fallback, where)
    for member, table in embeddings(bundle.bundle):
        if member.signature.family not in BLANK_AS_PADDING:
            continue
        try:
            row = read_row(member.view, table, table.shape[0] - 1)
        except OnnxToolError:  # For the rules on files.
            continue
        if row is not None and (row != _zero(member.view, table)).any():
            message = f"row {table.shape[0] - 1} of `{table.name}`, the blank's, is not zero"
            yield Problem(message, table.name, model=member.name)


def _zero(view: ModelView, table: StoredTensor) -> int:
    """The number that stands for zero in a table, which for a quantized one need not be 0."""
    stored = {tensor.name: tensor for tensor in view.tensors}
    names = {table.name}
    for node in view.proto.graph.node:
        if names.isdisjoint(node.input[:1]):
            continue
        if node.op_type in {"Gather", "Transpose"}:
            names.update(node.output)
        elif node.op_type == "DequantizeLinear" and len(node.input) > 2:
            point = stored.get(node.input[2])
            return int(next(pieces(view, point))[0]) if point and not point.shape else 0
    return 0


@bundle_rule(
    "J005",
    "impossible-durations",
    severity=Severity.ERROR,
    fix="Write the durations that the model was trained with: `model.loss.durations` in NeMo.",
    bad=folder({"joint.onnx": joint(7), "model_meta.json": {"duration_values": [0, 0]}}),
    good=folder({"joint.onnx": joint(7), "model_meta.json": FIELDS}),
)
def impossible_durations(bundle: BundleSubject) -> Iterator[Problem]:
    """The durations are no list that a decoder can advance by.

    They must be whole, not negative, strictly increasing, and one of them positive, or decoding
    does not end. Runtimes that take the number of a duration for the duration itself are right only
    where they are 0, 1, 2 and so on; that is a warning.
    """
    steps = durations(bundle.bundle, bundle.contract)
    if steps is None:
        raise Skipped("nothing says what the durations are")
    values, source = steps
    where = "model_meta.json:duration_values" if "duration_values" in source else source
    if any(value < 0 for value in values):
        yield Problem(f"{source}: {list(values)} has a negative duration", where)
    elif list(values) != sorted(set(values)):
        yield Problem(f"{source}: {list(values)} is not strictly increasing", where)
    elif values and not max(values):
        yield Problem(f"{source}: {list(values)} never advances", where)
    elif values != tuple(range(len(values))):
        message = f"{source}: {list(values)} is not 0, 1, 2, …, as sherpa-onnx and onnx-asr assume"
        yield Problem(message, where, Severity.WARNING)

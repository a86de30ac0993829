"""J001: what a joint gives must be raw logits."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.model.wiring import JOINTS
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.joint.heads import placed
from onnxtool.rules.joint.normalization import Normalizations
from onnxtool.rules.rule import graph_rule
from onnxtool.rules.subject import GraphSubject


@graph_rule(
    "J001",
    "normalized-joint-output",
    severity=Severity.ERROR,
    fix="Export the joint with `log_softmax=False`, or cut the softmax off the graph.",
    roles=JOINTS,
    bad="""
        <ir_version: 8, opset_import: ["" : 17]>
        joint (float[B, 8, T] encoder_output, float[B, 8, T] predictor_output)
            => (float[B, 8, T, 1] joint_output) <int64[1] last = {3}> {
            hidden = Add(encoder_output, predictor_output)
            logits = Unsqueeze(hidden, last)
            joint_output = LogSoftmax <axis = 1> (logits)
        }
    """,
    good="""
        <ir_version: 8, opset_import: ["" : 17]>
        joint (float[B, 8, T] encoder_output, float[B, 8, T] predictor_output)
            => (float[B, 8, T, 1] joint_output) <int64[1] last = {3}> {
            attention = Softmax <axis = -1> (encoder_output)
            hidden = MatMul(attention, predictor_output)
            joint_output = Unsqueeze(hidden, last)
        }
    """,
)
def normalized_joint_output(graph: GraphSubject) -> Iterator[Problem]:
    """A joint gives probabilities, or their logarithms, where its caller expects raw logits.

    A softmax over the whole output mixes the scores of tokens with those of durations, so that
    the greedy choice of a duration depends on the tokens; beam search and confidences go wrong in
    silence with either. NeMo adds one by itself when a joint is exported on a CPU.

    Found on the way from an output back to the first node that mixes values, also in subgraphs and
    functions: a softmax, in one node or however it is made of others, is what takes a log-sum-exp
    off the values that it is of. One elsewhere in the graph is no problem, nor are logits less
    their maximum or divided by a temperature. Two parts that add up to 1 are found, too: a blank
    with a sigmoid of its own, and tokens that share in a softmax what it leaves (HAT).

    Not found: a mixture of softmaxes, or such a blank that is joined to more than the tokens, which
    only a run shows (J002); the best few of many log probabilities (TopK), of which a caller could
    take no softmax; a sum of two log softmaxes, as a factorized transducer's token scores are.
    """
    found = Normalizations(graph.view)
    for output in graph.signature.free_outputs:
        if not output.dtype.startswith(("float", "bfloat")):
            continue
        for each in found.of(output.name):
            place = placed(each, output, found.constants)
            yield Problem(f"`{output.name}` is normalized{place}: {each}", output.name)

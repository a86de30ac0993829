"""B: the encoders of one folder hold the weights of one checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from onnxtool.errors import OnnxToolError
from onnxtool.model.payload import pieces
from onnxtool.model.skeleton import LARGE_BYTES
from onnxtool.model.stored_tensors import StoredTensor
from onnxtool.model.view import ModelView
from onnxtool.model.wiring import ENCODERS
from onnxtool.rules.answer import Problem, Severity, Skipped
from onnxtool.rules.bundle.graphs import encoder
from onnxtool.rules.examples.graphs import folder
from onnxtool.rules.rule import Needs, bundle_rule
from onnxtool.rules.subject import BundleSubject

# Of the bytes of two encoders of one checkpoint, all but tables of positions are the same.
SHARED_BYTES = 0.9


@bundle_rule(
    "B006",
    "encoders-of-unlike-weights",
    severity=Severity.WARNING,
    needs=Needs.WEIGHTS,
    fix="Export both encoders from one checkpoint.",
    bad=folder({"encoder.onnx": encoder(1), "encoder_streaming.onnx": encoder(2, streaming=True)}),
    good=folder({"encoder.onnx": encoder(1), "encoder_streaming.onnx": encoder(1, streaming=True)}),
)
def encoders_of_unlike_weights(bundle: BundleSubject) -> Iterator[Problem]:
    """The offline and the streaming encoder do not hold the same weights.

    They are exports of one network: what differs is how it is fed. Where the weights differ, one of
    the two is older, or of another model. Compared by content, because exporters number the names.

    1. Most of the bytes are others.
    2. Few are, a layer that was trained on: told of exports by one exporter, which stores a weight
       in one way. Tables of positions may be longer in one of the two.
    """
    encoders = bundle.having(*ENCODERS)
    if len(encoders) < 2:
        raise Skipped("no two encoders in the folder")
    first, *others = [(graph, _contents(graph.view)) for graph in encoders]
    for graph, contents in others:
        shared = sum(contents[digest].size_bytes for digest in contents.keys() & first[1].keys())
        total = min(_bytes(contents), _bytes(first[1]))
        if total and shared < SHARED_BYTES * total:  # 1
            message = f"{100 * shared / total:.0f} % of its weights are those of {first[0].name}"
            yield Problem(message, "weights", model=graph.name)
        elif _exporter(graph.view) == _exporter(first[0].view):
            unlike = _of_other_values(contents, first[1])
            if unlike:  # 2
                message = f"{len(unlike)} of its {len(contents)} weights, `{unlike[0]}` first, are"
                message += f" unlike those of {first[0].name} that have the same shape"
                yield Problem(message, unlike[0], model=graph.name)


def _bytes(contents: Mapping[str, StoredTensor]) -> int:
    return sum(tensor.size_bytes for tensor in contents.values())


def _exporter(model: ModelView) -> tuple[str, str]:
    return model.proto.producer_name, model.proto.producer_version


def _of_other_values(
    contents: Mapping[str, StoredTensor], others: Mapping[str, StoredTensor]
) -> list[str]:
    """Weights that the others have not, where they have some of that shape that are not here."""
    kinds = {_kind(others[digest]) for digest in others.keys() - contents.keys()}
    return [
        tensor.name
        for digest, tensor in contents.items()
        if digest not in others and _kind(tensor) in kinds
    ]


def _kind(tensor: StoredTensor) -> tuple[str, tuple[int, ...]]:
    return tensor.dtype.name, tuple(tensor.shape)


def _contents(model: ModelView) -> dict[str, StoredTensor]:
    """Each large floating-point weight by its digest."""
    found: dict[str, StoredTensor] = {}
    for tensor in model.tensors:
        if "float" not in tensor.dtype.name or tensor.size_bytes < LARGE_BYTES:
            continue
        digest = hashlib.sha256()
        try:
            for piece in pieces(model, tensor):
                digest.update(piece.tobytes())
        except OnnxToolError:  # For the rules on files.
            continue
        found[digest.hexdigest()] = tensor
    return found
